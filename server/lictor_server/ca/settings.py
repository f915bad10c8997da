"""The CA's settings as users write them: `/v1/connect/ca/configuration` and the agent's `connect` section.

Source: Consul's documents `docs/connect/ca/consul` and `docs/agent/options` (`ca_config`).
"""

from __future__ import annotations

import dataclasses
import uuid
from typing import Final

from lictor_core.durations import parse_duration
from lictor_core.errors import RequestError
from lictor_core.limits import LEAF_TTL_MAX_S, LEAF_TTL_MIN_S
from lictor_core.records import JsonObject
from lictor_server.ca.keys import KEY_BITS

__all__ = ["DEFAULT_CONFIG", "PROVIDER", "CASettings", "read_settings"]

PROVIDER: Final = "consul"
"""The built-in CA's name in Consul's API."""
DEFAULT_CONFIG: Final[dict[str, str]] = {
    "IntermediateCertTTL": "8760h",
    "LeafCertTTL": "72h",
    "RotationPeriod": "2160h",
}
_DURATIONS: Final = ("IntermediateCertTTL", "LeafCertTTL", "RotationPeriod")
_NUMBERS: Final = ("CSRMaxPerSecond", "CSRMaxConcurrent")
_KEY: Final = ("PrivateKeyType", "PrivateKeyBits")
_FLAGS: Final = ("SkipValidate",)
_SECRET: Final = ("PrivateKey", "RootCert")
_CLUSTER: Final = "cluster_id"
"""Counts once, for the first root of a cluster: the name of a trust domain never changes."""
_NAMES: Final = {
    **{key.lower(): key for key in (*_DURATIONS, *_NUMBERS, *_KEY, *_FLAGS, *_SECRET)},
    "clusterid": _CLUSTER,
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class CASettings:
    """The built-in CA's settings, checked.

    `key_kind` is the kind and size of key that a root made by us has; `says_key_kind` whether that was asked for.
    `cluster_id` is the UUID that a new trust domain shall have, empty for one made by chance.
    `shown` is what is stored and answered: what was given, but for the private key and its certificate.
    """

    leaf_ttl_s: float
    key_kind: tuple[str, int]
    says_key_kind: bool
    private_key: str = dataclasses.field(repr=False)
    root_certificate: str
    cluster_id: str
    shown: JsonObject


def read_settings(provider: str, config: JsonObject) -> CASettings:
    """Check settings; keys may be written `LeafCertTTL` or, as in files, `leaf_cert_ttl`.

    Raises `RequestError` that names the setting, never a secret.
    """
    if provider != PROVIDER:
        raise RequestError(f"there is no CA provider {provider!r}: use {PROVIDER!r}")
    given = {_named(key): value for key, value in config.items() if value is not None}
    _refuse_bad_values(given)
    durations = {key: _duration(key, given.get(key, DEFAULT_CONFIG[key])) for key in _DURATIONS}
    leaf_ttl_s = durations["LeafCertTTL"]
    if not LEAF_TTL_MIN_S <= leaf_ttl_s <= LEAF_TTL_MAX_S:
        raise RequestError("LeafCertTTL must be from 1h to 8760h")
    if leaf_ttl_s > durations["IntermediateCertTTL"]:
        raise RequestError("LeafCertTTL must not be above IntermediateCertTTL: no leaf outlives what signed it")
    private_key, root_certificate = (_text(key, given.get(key, "")) for key in _SECRET)
    if root_certificate and not private_key:
        raise RequestError("RootCert needs its PrivateKey beside it")
    shown: JsonObject = {key: value for key, value in given.items() if key not in _SECRET}
    return CASettings(
        leaf_ttl_s=leaf_ttl_s,
        key_kind=_key_kind(given),
        says_key_kind=any(key in given for key in _KEY),
        private_key=private_key,
        root_certificate=root_certificate,
        cluster_id=_cluster_id(given),
        shown=shown,
    )


def _cluster_id(given: JsonObject) -> str:
    if _CLUSTER not in given:
        return ""
    text = str(given[_CLUSTER])
    try:
        return str(uuid.UUID(text))
    except ValueError as error:
        raise RequestError(f"{_CLUSTER} must be a UUID, not {text[:64]!r}") from error


def _named(key: str) -> str:
    name = _NAMES.get(key.replace("_", "").lower())
    if name is None:
        raise RequestError(f"the CA has no setting {key[:64]!r}")
    return name


def _refuse_bad_values(given: JsonObject) -> None:
    for key, value in given.items():
        if key in _NUMBERS and (not isinstance(value, int | float) or isinstance(value, bool) or value < 0):
            raise RequestError(f"{key} must be a number of at least 0")
        if key in _FLAGS and not isinstance(value, bool):
            raise RequestError(f"{key} must be true or false")


def _key_kind(given: JsonObject) -> tuple[str, int]:
    kind = given.get("PrivateKeyType", "ec")
    if not isinstance(kind, str) or kind not in KEY_BITS:
        raise RequestError(f"PrivateKeyType must be one of {', '.join(KEY_BITS)}")
    bits = given.get("PrivateKeyBits", KEY_BITS[kind][0])
    if not isinstance(bits, int) or bits not in KEY_BITS[kind]:
        allowed = ", ".join(str(size) for size in KEY_BITS[kind])
        raise RequestError(f"PrivateKeyBits of a key of type {kind} must be one of {allowed}")
    return kind, bits


def _duration(key: str, value: object) -> float:
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        raise RequestError(f"{key} must be a duration such as 72h")
    try:
        return parse_duration(value)
    except RequestError as error:
        raise RequestError(f"{key}: {error}") from error


def _text(key: str, value: object) -> str:
    if not isinstance(value, str):
        raise RequestError(f"{key} must be text in PEM")
    return value.strip() + "\n" if value.strip() else ""
