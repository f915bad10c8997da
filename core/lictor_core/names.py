"""Names on the wire, which are Consul's (architecture, decision 12): SPIFFE ids, SNI, common names of certificates.

Sources: SPIFFE-ID specification section 2; Consul's documents `docs/connect/*`. Namespaces are always `default`.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple
from urllib.parse import quote, unquote

from lictor_core.errors import RequestError

__all__ = [
    "NAMESPACE",
    "AgentId",
    "ServiceId",
    "SigningId",
    "SpiffeId",
    "agent_common_name",
    "datacenter_sni",
    "intermediate_common_name",
    "parse_spiffe",
    "root_common_name",
    "service_common_name",
    "service_sni",
    "trust_domain",
]

NAMESPACE: Final = "default"
"""The one namespace there is."""
_URI_CHARS_MAX: Final = 2048  # SPIFFE-ID, section 2.3: a SPIFFE id is at most 2048 bytes
_COMMON_NAME_CHARS_MAX: Final = 64  # X.520, ub-common-name
_SAFE_PATH: Final = "!$&'()*+,;=:@"
_TRUST_DOMAIN: Final = re.compile(r"[a-z0-9._-]{1,255}")
_NOT_IN_COMMON_NAME: Final = re.compile(r"[^a-z0-9]")


class ServiceId(NamedTuple):
    """Identity of a service: `spiffe://<trust domain>/ns/<namespace>/dc/<datacenter>/svc/<service>`."""

    trust_domain: str
    namespace: str
    datacenter: str
    service: str

    def uri(self) -> str:
        """The SPIFFE id."""
        namespace, datacenter, service = (
            quote(part, safe=_SAFE_PATH) for part in (self.namespace, self.datacenter, self.service)
        )
        return f"spiffe://{self.trust_domain}/ns/{namespace}/dc/{datacenter}/svc/{service}"


class AgentId(NamedTuple):
    """Identity of an agent: `spiffe://<trust domain>/agent/client/dc/<datacenter>/id/<node>`."""

    trust_domain: str
    datacenter: str
    node: str

    def uri(self) -> str:
        """The SPIFFE id."""
        datacenter, node = (quote(part, safe=_SAFE_PATH) for part in (self.datacenter, self.node))
        return f"spiffe://{self.trust_domain}/agent/client/dc/{datacenter}/id/{node}"


class SigningId(NamedTuple):
    """Identity of a CA: the trust domain alone."""

    trust_domain: str

    def uri(self) -> str:
        """The SPIFFE id."""
        return f"spiffe://{self.trust_domain}"


SpiffeId = ServiceId | AgentId | SigningId


def parse_spiffe(uri: str) -> SpiffeId:
    """The identity in a SPIFFE id. Raises `RequestError` for every other text."""
    if len(uri) > _URI_CHARS_MAX or not uri.isascii():
        raise RequestError(f"SPIFFE id {uri[:80]!r} is not ASCII of at most {_URI_CHARS_MAX} characters")
    scheme, separator, rest = uri.partition("://")
    domain, slash, path = rest.partition("/")
    domain = domain.lower()
    if scheme.lower() != "spiffe" or not separator or _TRUST_DOMAIN.fullmatch(domain) is None:
        raise RequestError(f"{uri[:80]!r} is no SPIFFE id: expected spiffe://<trust domain>/<path>")
    if not slash:
        return SigningId(domain)
    if "?" in path or "#" in path:
        raise RequestError(f"SPIFFE id {uri[:80]!r} has a query or fragment")
    match [unquote(part) for part in path.split("/")]:
        case ["ns", namespace, "dc", datacenter, "svc", service] if namespace and datacenter and service:
            return ServiceId(domain, namespace, datacenter, service)
        case ["agent", "client", "dc", datacenter, "id", node] if datacenter and node:
            return AgentId(domain, datacenter, node)
        case _:
            raise RequestError(f"SPIFFE id {uri[:80]!r} names neither a service nor an agent")


def trust_domain(cluster_id: str) -> str:
    """The trust domain of a cluster: its UUID in lower case under `.consul`."""
    return f"{cluster_id.lower()}.consul"


def service_sni(service: str, datacenter: str, domain: str, *, subset: str = "", namespace: str = NAMESPACE) -> str:
    """The TLS server name of a service in a datacenter."""
    name = f"{service}.{namespace}.{datacenter}.internal.{domain}"
    return f"{subset}.{name}" if subset else name


def datacenter_sni(datacenter: str, domain: str) -> str:
    """The TLS server name of a datacenter's mesh gateways; those of its services end in it."""
    return f"{datacenter}.internal.{domain}"


def service_common_name(service: str, domain: str, *, namespace: str = NAMESPACE) -> str:
    """Common name of a service's leaf: `<service>.svc.<namespace>.<first 8 of the trust domain>.consul`."""
    tail = f".svc.{namespace}.{domain[:8]}.consul"
    return _sanitised(service)[: _COMMON_NAME_CHARS_MAX - len(tail)] + tail


def agent_common_name(node: str, domain: str) -> str:
    """Common name of an agent's leaf."""
    tail = f".agnt.{domain[:8]}.consul"
    return _sanitised(node)[: _COMMON_NAME_CHARS_MAX - len(tail)] + tail


def root_common_name(unique: str, domain: str) -> str:
    """Common name of a root: `pri-<unique>.consul.ca.<first 8 of the trust domain>.consul`."""
    return f"pri-{_sanitised(unique)[:16]}.consul.ca.{domain[:8]}.consul"


def intermediate_common_name(unique: str, domain: str) -> str:
    """Common name of an intermediate: `sec-<unique>.consul.ca.<first 8 of the trust domain>.consul`."""
    return f"sec-{_sanitised(unique)[:16]}.consul.ca.{domain[:8]}.consul"


def _sanitised(name: str) -> str:
    return _NOT_IN_COMMON_NAME.sub("", name.lower())
