"""The CA's settings as users write them: `/v1/connect/ca/configuration` and the agent's `connect` section.

Source: Consul's documents `docs/connect/ca/consul`, `docs/connect/ca/vault` and `docs/agent/options` (`ca_config`).
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

__all__ = ["DEFAULT_CONFIG", "PROVIDER", "PROVIDERS", "VAULT", "CASettings", "VaultSettings", "read_settings"]

PROVIDER: Final = "consul"
"""The built-in CA's name in Consul's API."""
VAULT: Final = "vault"
"""The CA that keeps its keys in Vault."""
PROVIDERS: Final = (PROVIDER, VAULT)
DEFAULT_CONFIG: Final[dict[str, str]] = {
    "IntermediateCertTTL": "8760h",
    "LeafCertTTL": "72h",
    "RotationPeriod": "2160h",
}
_ROOT_TTL: Final = "RootCertTTL"
_DURATIONS: Final = ("IntermediateCertTTL", "LeafCertTTL", "RotationPeriod")
_NUMBERS: Final = ("CSRMaxPerSecond", "CSRMaxConcurrent")
_KEY: Final = ("PrivateKeyType", "PrivateKeyBits")
_COMMON_FLAGS: Final = ("RotateRoot", "SkipValidate")
_SECRET: Final = ("PrivateKey", "RootCert")
_CLUSTER: Final = "cluster_id"
"""Counts once, for the first root of a cluster: the name of a trust domain never changes."""
_BUILT_IN: Final = (*_SECRET, _ROOT_TTL, "SignByIntermediate", _CLUSTER)
_VAULT_NEEDED: Final = ("Address", "Token", "RootPKIPath", "IntermediatePKIPath")
_VAULT_TEXTS: Final = (*_VAULT_NEEDED, "CAFile", "CAPath", "CertFile", "KeyFile", "TLSServerName", "Namespace")
_VAULT_FLAG: Final = "TLSSkipVerify"
_FLAGS: Final = (*_COMMON_FLAGS, "SignByIntermediate", _VAULT_FLAG)
_COMMON: Final = (*_DURATIONS, *_NUMBERS, *_KEY, *_COMMON_FLAGS)
_OF_PROVIDER: Final = {PROVIDER: _BUILT_IN, VAULT: (*_VAULT_TEXTS, _VAULT_FLAG)}


@dataclasses.dataclass(frozen=True, kw_only=True)
class VaultSettings:
    """Where Vault is and what of it is ours. Paths of files are those of the server that leads."""

    address: str
    token: str = dataclasses.field(repr=False)
    root_path: str
    intermediate_path: str
    namespace: str = ""
    ca_file: str = ""
    ca_path: str = ""
    cert_file: str = ""
    key_file: str = ""
    server_name: str = ""
    skip_verify: bool = False


@dataclasses.dataclass(frozen=True, kw_only=True)
class CASettings:
    """A CA's settings, checked; times in seconds.

    `rotation_s` is how long before its end a root that the CA made is replaced, and with `rotates_root` also how old it
    becomes at most. `csr_per_second` bounds leaves signed a second, 0 does not, None is for whoever asks to say;
    `csr_concurrent_max` those being signed at once, 0 does not.

    `key_kind` is the kind and size of key that a root made by us has; `says_key_kind` whether that was asked for.
    `root_ttl_s` is the life of such a root, 0 for ten calendar years. `cluster_id` is the UUID that a new trust domain
    shall have, empty for one made by chance. `stored` is what is kept and, but for secrets, answered: what was given
    without the built-in CA's private key and its certificate. `vault` is there for that provider alone.
    """

    provider: str = PROVIDER
    leaf_ttl_s: float
    intermediate_ttl_s: float
    rotation_s: float
    rotates_root: bool
    csr_per_second: float | None
    csr_concurrent_max: int
    key_kind: tuple[str, int]
    says_key_kind: bool
    private_key: str = dataclasses.field(repr=False)
    root_certificate: str
    root_ttl_s: float
    by_intermediate: bool
    cluster_id: str
    stored: JsonObject = dataclasses.field(repr=False)
    vault: VaultSettings | None = None


def read_settings(provider: str, config: JsonObject) -> CASettings:
    """Check settings; keys may be written `LeafCertTTL` or, as in files, `leaf_cert_ttl`.

    Raises `RequestError` that names the setting, never a secret.
    """
    if provider not in PROVIDERS:
        raise RequestError(f"there is no CA provider {provider!r}: use {' or '.join(map(repr, PROVIDERS))}")
    names = {key.replace("_", "").lower(): key for key in (*_COMMON, *_OF_PROVIDER[provider])}
    given = {_named(names, provider, key): value for key, value in config.items() if value is not None}
    _refuse_bad_values(given)
    durations = {key: _duration(key, given.get(key, DEFAULT_CONFIG[key])) for key in _DURATIONS}
    _check_durations(durations)
    if given.get("RotateRoot") and durations["RotationPeriod"] < durations["LeafCertTTL"]:
        raise RequestError("RotationPeriod must not be below LeafCertTTL: too many roots would be trusted at once")
    private_key, root_certificate = (_text(key, given.get(key, "")) for key in _SECRET)
    if root_certificate and not private_key:
        raise RequestError("RootCert needs its PrivateKey beside it")
    rate = given.get("CSRMaxPerSecond")
    concurrent = given.get("CSRMaxConcurrent", 0)
    assert isinstance(concurrent, int | float), "checked with the values"
    return CASettings(
        provider=provider,
        leaf_ttl_s=durations["LeafCertTTL"],
        intermediate_ttl_s=durations["IntermediateCertTTL"],
        rotation_s=durations["RotationPeriod"],
        rotates_root=bool(given.get("RotateRoot")),
        csr_per_second=float(rate) if isinstance(rate, int | float) else (0.0 if concurrent else None),
        csr_concurrent_max=int(concurrent),
        key_kind=_key_kind(given),
        says_key_kind=any(key in given for key in _KEY),
        private_key=private_key,
        root_certificate=root_certificate,
        root_ttl_s=_root_ttl(given, durations),
        by_intermediate=bool(given.get("SignByIntermediate")),
        cluster_id=_cluster_id(given),
        stored={key: value for key, value in given.items() if key not in _SECRET},
        vault=_vault(given) if provider == VAULT else None,
    )


def _check_durations(durations: dict[str, float]) -> None:
    leaf_ttl_s = durations["LeafCertTTL"]
    if not LEAF_TTL_MIN_S <= leaf_ttl_s <= LEAF_TTL_MAX_S:
        raise RequestError("LeafCertTTL must be from 1h to 8760h")
    if leaf_ttl_s > durations["IntermediateCertTTL"]:
        raise RequestError("LeafCertTTL must not be above IntermediateCertTTL: no leaf outlives what signed it")
    if durations["RotationPeriod"] < 0:
        raise RequestError("RotationPeriod must be at least 0")


def _root_ttl(given: JsonObject, durations: dict[str, float]) -> float:
    if _ROOT_TTL not in given:
        return 0.0
    root_ttl_s = _duration(_ROOT_TTL, given[_ROOT_TTL])
    if root_ttl_s < durations["IntermediateCertTTL"]:
        raise RequestError(f"{_ROOT_TTL} must not be below IntermediateCertTTL: no intermediate outlives its root")
    return root_ttl_s


def _vault(given: JsonObject) -> VaultSettings:
    for key in _VAULT_TEXTS:
        if not isinstance(given.get(key, ""), str):
            raise RequestError(f"{key} must be text")
    text = {key: str(given.get(key, "")).strip() for key in _VAULT_TEXTS}
    for key in _VAULT_NEEDED:
        if not text[key]:
            raise RequestError(f"the CA in Vault needs {key}")
    root, intermediate = (text[key].strip("/") for key in ("RootPKIPath", "IntermediatePKIPath"))
    if root == intermediate:
        raise RequestError("RootPKIPath and IntermediatePKIPath must be two places")
    if bool(text["CertFile"]) != bool(text["KeyFile"]):
        raise RequestError("CertFile and KeyFile come together")
    return VaultSettings(
        address=text["Address"].rstrip("/"),
        token=text["Token"],
        root_path=root,
        intermediate_path=intermediate,
        namespace=text["Namespace"],
        ca_file=text["CAFile"],
        ca_path=text["CAPath"],
        cert_file=text["CertFile"],
        key_file=text["KeyFile"],
        server_name=text["TLSServerName"],
        skip_verify=bool(given.get(_VAULT_FLAG)),
    )


def _cluster_id(given: JsonObject) -> str:
    if _CLUSTER not in given:
        return ""
    text = str(given[_CLUSTER])
    try:
        return str(uuid.UUID(text))
    except ValueError as error:
        raise RequestError(f"{_CLUSTER} must be a UUID, not {text[:64]!r}") from error


def _named(names: dict[str, str], provider: str, key: str) -> str:
    name = names.get(key.replace("_", "").lower())
    if name is None:
        raise RequestError(f"the CA {provider!r} has no setting {key[:64]!r}")
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
