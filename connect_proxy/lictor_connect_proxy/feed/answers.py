"""What the agent's answers mean to a proxy. Pure; every function raises `UnusableAnswerError` and nothing else.

An answer that cannot be judged by is no policy: an unknown action makes the whole set unusable, so nobody is let
in by half of it. Rules on requests (`Permissions`, `JWT`) are read as what they are; who sees connections alone
cannot judge by them.
Sources: Consul's documents `api-docs/agent/connect`, `api-docs/connect/intentions`, `api-docs/health`,
`api-docs/discovery-chain`, `api-docs/query`, `api-docs/catalog`, `api-docs/config`, `docs/connect/proxies/built-in`.
"""

from __future__ import annotations

from typing import Final, TypeVar

import msgspec

from lictor_connect_proxy.feed.opaque import UnusableAnswerError
from lictor_connect_proxy.snapshot import Endpoint, ExposedPath, Leaf, Policy, QueryResult, TrustRoots
from lictor_core.codec import from_json
from lictor_core.durations import parse_duration
from lictor_core.entries.base import Entry
from lictor_core.entries.chains import Chain
from lictor_core.errors import RequestError
from lictor_core.intentions import Rule, precedence, stated_rule
from lictor_core.names import NAMESPACE
from lictor_core.records import PASSING, WARNING, ExposePath, IntentionAction, JsonObject

__all__ = [
    "TARGETS_MAX",
    "LinkedService",
    "Queried",
    "chain_in",
    "default_allow_in",
    "endpoints_in",
    "entries_in",
    "entry_as",
    "exposed_paths_in",
    "leaf_in",
    "linked_services_in",
    "mesh_gateways_in",
    "policy_in",
    "query_in",
    "roots_in",
    "service_names_in",
]

T = TypeVar("T")
E = TypeVar("E", bound=Entry)
TARGETS_MAX: Final = 1024
"""Targets of one chain; each is watched."""
_LINKED_MAX: Final = 10_000
_NAMES_MAX: Final = 10_000
_QUERY_TTL_S: Final = 10.0
_QUERY_TTL_S_MIN: Final = 1.0
_WEIGHT_MAX: Final = 65_535
_ACTIONS: Final = frozenset(IntentionAction)


class LinkedService(msgspec.Struct, frozen=True, kw_only=True):
    """A service behind a gateway: a row of `/v1/catalog/gateway-services`."""

    service: str
    port: int = 0
    protocol: str = ""
    hosts: tuple[str, ...] = ()
    ca_file: str = ""
    cert_file: str = ""
    key_file: str = ""
    sni: str = ""
    from_wildcard: bool = False


class Queried(msgspec.Struct, frozen=True, kw_only=True):
    """What a prepared query found: whom, where, and for how many seconds that is good."""

    result: QueryResult
    endpoints: tuple[Endpoint, ...]
    ttl_s: float


class _Answer(msgspec.Struct, frozen=True, rename="pascal"):
    """Base: Consul's keys; those that are not named do not matter."""


class _Leaf(_Answer, frozen=True):
    serial_number: str
    certificate: str = msgspec.field(name="CertPEM")
    key: str = msgspec.field(name="PrivateKeyPEM")
    uri: str = msgspec.field(name="ServiceURI")
    valid_before: str = ""


class _Root(_Answer, frozen=True):
    root_cert: str
    intermediate_certs: list[str] | None = None


class _Roots(_Answer, frozen=True):
    trust_domain: str
    roots: list[_Root]


class _Intention(_Answer, frozen=True):
    source_name: str
    destination_name: str
    action: str
    id: str = msgspec.field(name="ID", default="")
    source_namespace: str = msgspec.field(name="SourceNS", default="")
    destination_namespace: str = msgspec.field(name="DestinationNS", default="")
    permissions: object = None
    jwt: object = msgspec.field(name="JWT", default=None)


class _Debug(_Answer, frozen=True):
    enabled: bool = msgspec.field(name="ACLsEnabled")
    default_policy: str = msgspec.field(name="ACLDefaultPolicy")


class _Self(_Answer, frozen=True):
    debug_config: _Debug


class _TaggedAddress(_Answer, frozen=True):
    address: str = ""
    port: int = 0


class _HealthNode(_Answer, frozen=True):
    node: str
    address: str
    datacenter: str = ""
    tagged_addresses: dict[str, str] | None = None


class _Weights(_Answer, frozen=True):
    passing: int = 1
    warning: int = 1


class _HealthService(_Answer, frozen=True):
    id: str = msgspec.field(name="ID")
    address: str = ""
    port: int = 0
    weights: _Weights = _Weights()
    tagged_addresses: dict[str, _TaggedAddress] | None = None


class _HealthCheck(_Answer, frozen=True):
    status: str


class _Health(_Answer, frozen=True):
    node: _HealthNode
    service: _HealthService
    checks: list[_HealthCheck] | None


class _ChainAnswer(_Answer, frozen=True):
    chain: Chain


class _QueryDNS(_Answer, frozen=True):
    ttl: str = msgspec.field(name="TTL", default="")


class _QueryAnswer(_Answer, frozen=True):
    service: str
    nodes: list[_Health] | None
    datacenter: str = ""
    dns: _QueryDNS = msgspec.field(name="DNS", default=_QueryDNS())


class _Exposed(_Answer, frozen=True):
    paths: list[ExposePath]


class _Name(_Answer, frozen=True):
    name: str


class _Linked(_Answer, frozen=True):
    service: _Name
    port: int = 0
    protocol: str = ""
    hosts: tuple[str, ...] | None = None
    ca_file: str = msgspec.field(name="CAFile", default="")
    cert_file: str = msgspec.field(name="CertFile", default="")
    key_file: str = msgspec.field(name="KeyFile", default="")
    sni: str = msgspec.field(name="SNI", default="")
    from_wildcard: bool = False


def leaf_in(body: bytes) -> Leaf:
    """The leaf of `/v1/agent/connect/ca/leaf/<service>`."""
    found = _read(body, _Leaf, "leaf certificate")
    return Leaf(
        certificate_pem=found.certificate,
        private_key_pem=found.key,
        uri=found.uri,
        serial=found.serial_number,
        valid_before=found.valid_before,
    )


def roots_in(body: bytes) -> TrustRoots:
    """The roots of `/v1/agent/connect/ca/roots`, those that are being rotated out included."""
    found = _read(body, _Roots, "CA roots")
    pems = tuple(pem for root in found.roots for pem in (root.root_cert, *(root.intermediate_certs or ())))
    if not pems or not found.trust_domain:
        raise UnusableAnswerError("the agent knows no CA roots yet; is Connect enabled on the servers?")
    return TrustRoots(trust_domain=found.trust_domain.lower(), pems=pems)


def policy_in(body: bytes, service: str, index: int = 0) -> Policy:
    """The intentions of `/v1/connect/intentions/match?by=destination`, as they were at `index`."""
    found = _read(body, dict[str, list[_Intention] | None], "intentions")
    if service not in found:
        raise UnusableAnswerError(f"the intentions that the agent sent do not speak of {service}")
    return Policy(rules=tuple(_rule(one) for one in found[service] or ()), index=index)


def _rule(one: _Intention) -> Rule:
    if {one.source_namespace, one.destination_namespace} - {"", NAMESPACE, "*"}:
        raise UnusableAnswerError(f"the intention {one.source_name} -> {one.destination_name} is of another namespace")
    looks_at_requests = bool(one.permissions) or one.jwt is not None
    if one.action not in _ACTIONS and not looks_at_requests:
        raise UnusableAnswerError(
            f"the intention {one.source_name} -> {one.destination_name} has the action {one.action!r}, which is unknown"
        )
    rule = Rule(
        source=one.source_name,
        destination=one.destination_name,
        # One with rules on requests has no action of its own in later Consul.
        action=IntentionAction.DENY if looks_at_requests else IntentionAction(one.action),
        precedence=precedence(one.source_name, one.destination_name),
        id=one.id,
    )
    return stated_rule(rule, one.permissions, one.jwt)


def default_allow_in(body: bytes) -> bool:
    """What `/v1/agent/self` says of connections that no intention speaks of: allowed where ACLs are off."""
    found = _read(body, _Self, "configuration").debug_config
    return not found.enabled or found.default_policy == "allow"


def endpoints_in(body: bytes, *, only_passing: bool = False, is_remote: bool = False) -> tuple[Endpoint, ...]:
    """The instances of `/v1/health/connect/<service>` and its kin, healthy or not, in a stable order.

    With `only_passing` one with a warning is not healthy. `is_remote`: they are in another datacenter.
    """
    found = _read(body, list[_Health], "instances")
    return _endpoints(found, only_passing=only_passing, is_remote=is_remote)


def mesh_gateways_in(body: bytes, own_datacenter: str) -> dict[str, tuple[Endpoint, ...]]:
    """The gateways of `/v1/internal/federation-states/mesh-gateways`, by their datacenters."""
    found = _read(body, dict[str, list[_Health] | None], "mesh gateways")
    return {name: _endpoints(rows or [], is_remote=name != own_datacenter) for name, rows in found.items()}


def _endpoints(rows: list[_Health], *, only_passing: bool = False, is_remote: bool = False) -> tuple[Endpoint, ...]:
    return tuple(sorted(_endpoint(one, only_passing, is_remote) for one in rows))


def _endpoint(one: _Health, only_passing: bool, is_remote: bool) -> Endpoint:
    host, port = _address(one, is_remote)
    statuses = {check.status for check in one.checks or ()}
    passes = statuses <= {PASSING}
    weight = one.service.weights.passing if passes else one.service.weights.warning
    return Endpoint(
        host,
        port,
        f"{one.node.node}/{one.service.id}",
        min(max(weight, 0), _WEIGHT_MAX),
        statuses <= ({PASSING} if only_passing else {PASSING, WARNING}),
    )


def _address(one: _Health, is_remote: bool) -> tuple[str, int]:
    """The service's address, else the node's; from another datacenter the ones for that come first."""
    node, service = one.node, one.service
    if is_remote:
        tagged = (service.tagged_addresses or {}).get("wan")
        if tagged is not None and tagged.address:
            return tagged.address, tagged.port or service.port
        if not service.address:
            return (node.tagged_addresses or {}).get("wan") or node.address, service.port
    return service.address or node.address, service.port


def chain_in(body: bytes) -> Chain:
    """The chain of `/v1/discovery-chain/<service>`: one that hangs together."""
    chain = _read(body, _ChainAnswer, "discovery chain").chain
    if len(chain.targets) > TARGETS_MAX:
        raise UnusableAnswerError(
            f"the chain of {chain.service_name} has {len(chain.targets)} targets; at most {TARGETS_MAX} are served"
        )
    if chain.start_node not in chain.nodes:
        raise UnusableAnswerError(f"the chain of {chain.service_name} has no start")
    for name, node in chain.nodes.items():
        following = [*(one.next_node for one in node.routes), *(one.next_node for one in node.splits)]
        missing = [one for one in following if one not in chain.nodes]
        resolver = node.resolver
        if resolver is not None:
            targets = [resolver.target, *(resolver.failover.targets if resolver.failover is not None else ())]
            missing += [one for one in targets if one not in chain.targets]
        if missing or not (following or resolver):
            raise UnusableAnswerError(f"the node {name} of the chain of {chain.service_name} leads nowhere")
    return chain


def query_in(body: bytes) -> Queried:
    """What `/v1/query/<name>/execute?connect=true` found."""
    found = _read(body, _QueryAnswer, "answer of the prepared query")
    try:
        ttl_s = parse_duration(found.dns.ttl) if found.dns.ttl else _QUERY_TTL_S
    except RequestError:
        ttl_s = _QUERY_TTL_S
    return Queried(
        result=QueryResult(found.service, found.datacenter),
        endpoints=tuple(one._replace(service=found.service) for one in _endpoints(found.nodes or [])),
        ttl_s=min(max(ttl_s, _QUERY_TTL_S_MIN), _QUERY_TTL_S),
    )


def linked_services_in(body: bytes) -> tuple[LinkedService, ...]:
    """The rows of `/v1/catalog/gateway-services/<gateway>`, in their order."""
    rows = _rows(body, list[_Linked], "services of the gateway")
    if len(rows) > _LINKED_MAX:
        raise UnusableAnswerError(f"the gateway has {len(rows)} services; at most {_LINKED_MAX} are served")
    return tuple(
        LinkedService(
            service=row.service.name,
            port=row.port,
            protocol=row.protocol,
            hosts=row.hosts or (),
            ca_file=row.ca_file,
            cert_file=row.cert_file,
            key_file=row.key_file,
            sni=row.sni,
            from_wildcard=row.from_wildcard,
        )
        for row in rows
    )


def entries_in(body: bytes, form: type[Entry] | None = None) -> dict[str, JsonObject]:
    """The config entries of `/v1/config/<kind>`, by name. With `form` each of them can be read as that."""
    found = {str(entry.get("Name", "")): entry for entry in _rows(body, list[JsonObject], "config entries")}
    if form is not None:
        for entry in found.values():
            entry_as(entry, form)
    return found


def entry_as(entry: JsonObject, form: type[E]) -> E:
    """A config entry; keys of its own that this version does not know are overlooked."""
    known = {one.encode_name for one in msgspec.structs.fields(form)}
    try:
        return msgspec.convert({key: value for key, value in entry.items() if key in known}, form)
    except msgspec.ValidationError as error:
        name = str(entry.get("Name", ""))[:80]
        raise UnusableAnswerError(f"the {form.kind} entry {name!r} cannot be understood: {error}") from error


def exposed_paths_in(body: bytes) -> tuple[ExposedPath, ...]:
    """The paths of `/v1/agent/connect/exposed/<proxy id>`, which are opened for checks alone."""
    return tuple(
        ExposedPath(
            path=one.path,
            listener_port=one.listener_port,
            application_port=one.local_path_port,
            protocol=one.protocol,
            from_check=True,
        )
        for one in _read(body, _Exposed, "exposed paths").paths
    )


def service_names_in(body: bytes) -> tuple[str, ...]:
    """The names of `/v1/catalog/services`, sorted."""
    names = sorted(_read(body, dict[str, object], "services"))
    if len(names) > _NAMES_MAX:
        raise UnusableAnswerError(f"there are {len(names)} services; at most {_NAMES_MAX} are passed on by a gateway")
    return tuple(names)


def _rows(body: bytes, kind: type[list[T]], what: str) -> list[T]:
    """A list, whose place a null may take."""
    return [] if body.strip() == b"null" else _read(body, kind, what)


def _read(body: bytes, kind: type[T], what: str) -> T:
    try:
        return from_json(body, kind)
    except RequestError as error:
        raise UnusableAnswerError(f"the {what} from the agent cannot be understood: {error}") from error
