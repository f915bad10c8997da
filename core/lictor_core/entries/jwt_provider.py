"""The kind that says how tokens of one issuer are verified: by which keys, where they stand in requests.

It is of later Consul (document `docs/connect/config-entries/jwt-provider`, from 1.16 on). Intentions name it in their
demands on tokens; proxies that see requests verify by it.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from typing import ClassVar, Final, cast
from urllib.parse import urlsplit

import msgspec

from lictor_core.entries.base import Duration, Entry, Flaw, Part, place, seconds

__all__ = [
    "CLOCK_SKEW_S",
    "CacheConfig",
    "Forwarding",
    "JSONWebKeySet",
    "JWKSCluster",
    "JWTProvider",
    "LocalKeys",
    "Location",
    "RemoteKeys",
]

CLOCK_SKEW_S: Final = 30
"""Seconds by which the clocks of issuer and proxy may differ, where an entry does not say."""
_DISCOVERY_TYPES: Final = ("", "STRICT_DNS", "STATIC", "LOGICAL_DNS", "EDS", "ORIGINAL_DST")


class LocalKeys(Part, frozen=True, kw_only=True):
    """A key set: itself, as base64 of its JSON, or a file that each proxy's host has."""

    jwks: str = msgspec.field(default="", name="JWKS")
    filename: str = ""

    def flaws(self, where: str) -> Iterator[Flaw]:
        """One of the two, and a key set that can be read."""
        if bool(self.jwks) == bool(self.filename):
            yield Flaw(where, "must have exactly one of JWKS and Filename")
        if self.jwks and (reason := _key_set_flaw(self.jwks)):
            yield Flaw(f"{where}.JWKS", reason)


class TrustedCA(Part, frozen=True, kw_only=True):
    """Certificates that the server of a key set must chain to; one of these says where they are."""

    filename: str = ""
    environment_variable: str = ""
    inline_string: str = ""
    inline_bytes: str = ""


class CertificateProvider(Part, frozen=True, kw_only=True):
    """An instance of a certificate provider that the proxy's bootstrap names."""

    instance_name: str = ""
    certificate_name: str = ""


class JWKSTLS(Part, frozen=True, kw_only=True):
    """By which certificates the server of a key set is verified."""

    ca_certificate_provider_instance: CertificateProvider | None = None
    trusted_ca: TrustedCA | None = msgspec.field(default=None, name="TrustedCA")

    def flaws(self, where: str) -> Iterator[Flaw]:
        """One of the two, and one place of certificates."""
        if (self.ca_certificate_provider_instance is None) == (self.trusted_ca is None):
            yield Flaw(where, "must have exactly one of CaCertificateProviderInstance and TrustedCA")
        if self.trusted_ca is None:
            return
        ca = self.trusted_ca
        given = (ca.filename, ca.environment_variable, ca.inline_string, ca.inline_bytes)
        if sum(map(bool, given)) != 1:
            known = "Filename, EnvironmentVariable, InlineString and InlineBytes"
            yield Flaw(f"{where}.TrustedCA", f"must have exactly one of {known}")


class JWKSCluster(Part, frozen=True, kw_only=True):
    """How the server of a key set is found and reached."""

    discovery_type: str = ""
    tls_certificates: JWKSTLS | None = msgspec.field(default=None, name="TLSCertificates")
    connect_timeout: Duration = ""

    def flaws(self, where: str) -> Iterator[Flaw]:
        """A way to find it that proxies know."""
        if self.discovery_type not in _DISCOVERY_TYPES:
            known = ", ".join(_DISCOVERY_TYPES[1:])
            yield Flaw(f"{where}.DiscoveryType", f"is {self.discovery_type!r}: choose one of {known}")
        if self.tls_certificates is not None:
            yield from self.tls_certificates.flaws(f"{where}.TLSCertificates")


class RetryBackOff(Part, frozen=True, kw_only=True):
    """Pauses between attempts to fetch a key set."""

    base_interval: Duration = ""
    max_interval: Duration = ""


class JWKSRetryPolicy(Part, frozen=True, kw_only=True):
    """How often a key set is fetched again when that failed."""

    num_retries: int = 0
    retry_policy_back_off: RetryBackOff | None = None


class RemoteKeys(Part, frozen=True, kw_only=True):
    """A key set that proxies fetch."""

    uri: str = msgspec.field(default="", name="URI")
    request_timeout_ms: int = 0
    cache_duration: Duration = ""
    fetch_asynchronously: bool = False
    use_sni: bool = msgspec.field(default=False, name="UseSNI")
    retry_policy: JWKSRetryPolicy | None = None
    jwks_cluster: JWKSCluster | None = msgspec.field(default=None, name="JWKSCluster")

    def flaws(self, where: str) -> Iterator[Flaw]:
        """An address that can be fetched, and numbers in their order."""
        if not self.uri:
            yield Flaw(f"{where}.URI", "is required")
        elif not _is_web_address(self.uri):
            yield Flaw(f"{where}.URI", f"is {self.uri[:100]!r}, and must be http:// or https:// with a host")
        if self.request_timeout_ms < 0:
            yield Flaw(f"{where}.RequestTimeoutMs", f"is {self.request_timeout_ms}, and must not be negative")
        policy = self.retry_policy
        if policy is not None and policy.num_retries < 0:
            yield Flaw(f"{where}.RetryPolicy.NumRetries", f"is {policy.num_retries}, and must not be negative")
        pauses = None if policy is None else policy.retry_policy_back_off
        if pauses is not None and 0 < seconds(pauses.max_interval) < seconds(pauses.base_interval):
            yield Flaw(f"{where}.RetryPolicy.RetryPolicyBackOff.MaxInterval", "is below BaseInterval")
        if self.jwks_cluster is not None:
            yield from self.jwks_cluster.flaws(f"{where}.JWKSCluster")


class JSONWebKeySet(Part, frozen=True, kw_only=True):
    """The keys by which tokens are verified: `Local` or `Remote`."""

    local: LocalKeys | None = None
    remote: RemoteKeys | None = None


class HeaderLocation(Part, frozen=True, kw_only=True):
    """A header that holds a token, behind a prefix such as `Bearer `; with `forward` the service gets it, too."""

    name: str = ""
    value_prefix: str = ""
    forward: bool = False


class NamedLocation(Part, frozen=True, kw_only=True):
    """A parameter of the query, or a cookie, that holds a token."""

    name: str = ""


class Location(Part, frozen=True, kw_only=True):
    """One place of requests where tokens are looked for."""

    header: HeaderLocation | None = None
    query_param: NamedLocation | None = None
    cookie: NamedLocation | None = None

    def flaws(self, where: str) -> Iterator[Flaw]:
        """One of them, with a name."""
        given = {"Header": self.header, "QueryParam": self.query_param, "Cookie": self.cookie}
        if sum(one is not None for one in given.values()) != 1:
            yield Flaw(where, "must have exactly one of Header, QueryParam and Cookie")
        for name, one in given.items():
            if one is not None and not one.name:
                yield Flaw(f"{where}.{name}.Name", "is required")


class Forwarding(Part, frozen=True, kw_only=True):
    """The header in which a service gets the claims of a verified token, base64 for URLs, padded or not."""

    header_name: str = ""
    pad_forward_payload_header: bool = False


class CacheConfig(Part, frozen=True, kw_only=True):
    """How many verified tokens a proxy remembers; 0 for none."""

    size: int = 0


class JWTProvider(Entry, frozen=True, kw_only=True):
    """How the tokens of one issuer are verified."""

    kind: ClassVar[str] = "jwt-provider"

    json_web_key_set: JSONWebKeySet | None = msgspec.field(default=None, name="JSONWebKeySet")
    issuer: str = ""
    audiences: tuple[str, ...] = ()
    locations: tuple[Location, ...] = ()
    forwarding: Forwarding | None = None
    clock_skew_seconds: int = 0
    cache_config: CacheConfig | None = None

    def normal(self) -> JWTProvider:
        """With the clock skew that holds."""
        return msgspec.structs.replace(self, clock_skew_seconds=self.clock_skew_seconds or CLOCK_SKEW_S)

    def flaws(self) -> Iterator[Flaw]:
        """One set of keys, places with names, numbers that count something."""
        yield from super().flaws()
        keys = self.json_web_key_set
        if keys is None:
            yield Flaw("JSONWebKeySet", "is required: say by which keys tokens are verified")
        elif (keys.local is None) == (keys.remote is None):
            yield Flaw("JSONWebKeySet", "must have exactly one of Local and Remote")
        if keys is not None and keys.local is not None:
            yield from keys.local.flaws("JSONWebKeySet.Local")
        if keys is not None and keys.remote is not None:
            yield from keys.remote.flaws("JSONWebKeySet.Remote")
        for number, location in enumerate(self.locations):
            yield from location.flaws(place("Locations", number))
        if self.forwarding is not None and not self.forwarding.header_name:
            yield Flaw("Forwarding.HeaderName", "is required")
        if self.clock_skew_seconds < 0:
            yield Flaw("ClockSkewSeconds", f"is {self.clock_skew_seconds}, and must not be negative")
        if self.cache_config is not None and self.cache_config.size < 0:
            yield Flaw("CacheConfig.Size", f"is {self.cache_config.size}, and must not be negative")


def _key_set_flaw(encoded: str) -> str:
    """Why this is no key set that a proxy could read; empty when it is one."""
    try:
        found = cast(object, msgspec.json.decode(base64.b64decode(encoded, validate=True)))
    except binascii.Error:
        return "is no base64"
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return "holds no JSON behind its base64"
    keys = cast("dict[str, object]", found).get("keys") if isinstance(found, dict) else None
    return "" if isinstance(keys, list) and keys else "is no key set: an object with keys, which are not none"


def _is_web_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        _ = parts.port  # is looked at here alone
        return parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        return False
