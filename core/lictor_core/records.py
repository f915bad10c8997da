"""The things the registry holds, immutable, in the shape and with the JSON keys of Consul 1.8's HTTP API.

A field without a default is always in the JSON, also when empty; a field with a default is left out while it has it.
That is how each record keeps Consul's difference between `null`, empty and absent. Dicts and lists inside a record are
never changed after it was made.

`CreateIndex` and `ModifyIndex` are Raft indexes, given by the store and 0 before that. Sources: Consul's
documents `api-docs/{catalog,health,kv}`, `api-docs/connect/{ca,intentions}`, `api-docs/agent/*`.
"""

from __future__ import annotations

import enum
from typing import Final

import msgspec

__all__ = [
    "CRITICAL",
    "EMPTY_CHECK_DEFINITION",
    "MAINT",
    "NODE_MAINTENANCE_ID",
    "PASSING",
    "SERVICE_MAINTENANCE_PREFIX",
    "WARNING",
    "AddressHolder",
    "AddressHolders",
    "CAConfiguration",
    "CARoot",
    "CARoots",
    "CatalogService",
    "Check",
    "CheckDefinition",
    "Connect",
    "Expose",
    "ExposePath",
    "Intention",
    "IntentionAction",
    "JsonObject",
    "KVEntry",
    "Member",
    "MemberStatus",
    "MeshGateway",
    "Node",
    "NodeDigest",
    "NodeServiceList",
    "NodeServices",
    "Proxy",
    "Record",
    "Service",
    "ServiceAddress",
    "ServiceCheckRef",
    "ServiceHealth",
    "ServiceKind",
    "Session",
    "SessionBehavior",
    "Upstream",
    "UserEvent",
    "Weights",
    "worst_status",
]

JsonObject = dict[str, object]

PASSING: Final = "passing"
WARNING: Final = "warning"
CRITICAL: Final = "critical"
MAINT: Final = "maintenance"
"""The four words for health. A check has one of the first three; `maintenance` is only ever a summary."""

NODE_MAINTENANCE_ID: Final = "_node_maintenance"
SERVICE_MAINTENANCE_PREFIX: Final = "_service_maintenance:"
"""The checks by which clients know that a node, or the instance whose id follows, was put into maintenance."""

_SEVERITY: Final = {PASSING: 0, WARNING: 1, CRITICAL: 2, MAINT: 3}


def worst_status(statuses: list[str]) -> str:
    """The worst of `statuses`; passing when there are none."""
    return max(statuses, key=_SEVERITY.__getitem__, default=PASSING)


class Record(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="pascal", gc=False):
    """Base of all records: frozen, keyword only, Consul's CamelCase keys, defaults left out of JSON.

    Nothing in a record refers back to it, so the garbage collector need not look at them: a full collection of a large
    catalog would hold up the event loop for a good part of a second.
    """


class ServiceKind(enum.StrEnum):
    """What an instance is; the empty kind is a typical service."""

    TYPICAL = ""
    CONNECT_PROXY = "connect-proxy"
    MESH_GATEWAY = "mesh-gateway"
    TERMINATING_GATEWAY = "terminating-gateway"
    INGRESS_GATEWAY = "ingress-gateway"


class Weights(Record, frozen=True, kw_only=True):
    """Weights of an instance in DNS SRV answers and load balancing, by its health."""

    passing: int
    warning: int


class ServiceAddress(Record, frozen=True, kw_only=True):
    """One tagged address of an instance."""

    address: str
    port: int


class MeshGateway(Record, frozen=True, kw_only=True):
    """How traffic leaves the datacenter: `Mode` is empty, `none`, `local` or `remote`."""

    mode: str = ""


class ExposePath(Record, frozen=True, kw_only=True):
    """One HTTP path that a proxy serves without mTLS, for checks that come from outside the mesh."""

    listener_port: int = 0
    path: str = ""
    local_path_port: int = 0
    protocol: str = ""
    parsed_from_check: bool


class Expose(Record, frozen=True, kw_only=True):
    """Which paths a proxy serves without mTLS."""

    checks: bool = False
    paths: list[ExposePath] = []


class Upstream(Record, frozen=True, kw_only=True):
    """A service that a proxy makes reachable on a local port, or at a Unix socket whose mode is octal digits."""

    destination_type: str
    destination_namespace: str = ""
    destination_name: str
    datacenter: str
    local_bind_address: str = ""
    local_bind_port: int
    local_bind_socket_path: str = ""
    local_bind_socket_mode: str = ""
    config: JsonObject | None
    mesh_gateway: MeshGateway


class Proxy(Record, frozen=True, kw_only=True):
    """What a proxy instance fronts and where it listens; empty on instances that are no proxy."""

    destination_service_name: str = ""
    destination_service_id: str = msgspec.field(default="", name="DestinationServiceID")
    local_service_address: str = ""
    local_service_port: int = 0
    local_service_socket_path: str = ""
    config: JsonObject | None = None
    upstreams: list[Upstream] = []
    mesh_gateway: MeshGateway
    expose: Expose


class Connect(Record, frozen=True, kw_only=True):
    """Mesh settings of an instance: `Native` speaks mTLS itself and needs no proxy."""

    native: bool = False


class Node(Record, frozen=True, kw_only=True):
    """A host. `id` is a UUID or empty; names are unique in a datacenter, case does not count."""

    id: str = msgspec.field(name="ID")
    node: str
    address: str
    datacenter: str
    tagged_addresses: dict[str, str] | None
    meta: dict[str, str] | None
    create_index: int
    modify_index: int


class Service(Record, frozen=True, kw_only=True):
    """One instance of a service on a node. `id` is unique on its node, `service` is the name."""

    kind: ServiceKind = ServiceKind.TYPICAL
    id: str = msgspec.field(name="ID")
    service: str
    tags: list[str]
    address: str
    tagged_addresses: dict[str, ServiceAddress] | None = None
    meta: dict[str, str] | None
    port: int
    weights: Weights
    enable_tag_override: bool
    proxy: Proxy
    connect: Connect
    create_index: int
    modify_index: int


class CheckDefinition(Record, frozen=True, kw_only=True):
    """What the catalog keeps of how a check is done, for those who register checks without an agent."""

    http: str = msgspec.field(default="", name="HTTP")
    tls_skip_verify: bool = msgspec.field(default=False, name="TLSSkipVerify")
    header: dict[str, list[str]] | None = None
    method: str = ""
    body: str = ""
    tcp: str = msgspec.field(default="", name="TCP")
    interval: str = ""
    timeout: str = ""
    deregister_critical_service_after: str = ""


EMPTY_CHECK_DEFINITION: Final[JsonObject] = {
    "Interval": "0s",
    "Timeout": "0s",
    "DeregisterCriticalServiceAfter": "0s",
    "HTTP": "",
    "Header": None,
    "Method": "",
    "Body": "",
    "TLSSkipVerify": False,
    "TCP": "",
}
"""A definition with every field and none filled, as agents and watches show it; the API leaves empty ones out."""


class Check(Record, frozen=True, kw_only=True):
    """The health of a node (`service_id` empty) or of one instance, as last told by who watches it."""

    node: str
    check_id: str = msgspec.field(name="CheckID")
    name: str
    status: str
    notes: str
    output: str
    service_id: str = msgspec.field(name="ServiceID")
    service_name: str
    service_tags: list[str]
    type: str
    definition: CheckDefinition
    create_index: int
    modify_index: int


class NodeDigest(Record, frozen=True, kw_only=True):
    """What anti-entropy compares: `digest` is of core's `agreement`, `nodes` how many nodes the catalog has."""

    digest: str
    nodes: int


class ServiceHealth(Record, frozen=True, kw_only=True):
    """One instance with its node and all checks that speak of either: a row of `/v1/health/service`."""

    node: Node
    service: Service
    checks: list[Check]

    def status(self) -> str:
        """The worst status of the checks."""
        return worst_status([check.status for check in self.checks])


class CatalogService(Record, frozen=True, kw_only=True):
    """One instance and its node, flattened: a row of `/v1/catalog/service`."""

    id: str = msgspec.field(name="ID")
    node: str
    address: str
    datacenter: str
    tagged_addresses: dict[str, str] | None
    node_meta: dict[str, str] | None
    service_kind: ServiceKind
    service_id: str = msgspec.field(name="ServiceID")
    service_name: str
    service_tags: list[str]
    service_address: str
    service_tagged_addresses: dict[str, ServiceAddress] | None = None
    service_weights: Weights
    service_meta: dict[str, str] | None
    service_port: int
    service_enable_tag_override: bool
    service_proxy: Proxy
    service_connect: Connect
    create_index: int
    modify_index: int


class NodeServices(Record, frozen=True, kw_only=True):
    """A node and its instances by id: `/v1/catalog/node`."""

    node: Node
    services: dict[str, Service]


class NodeServiceList(Record, frozen=True, kw_only=True):
    """A node and its instances in a list: `/v1/catalog/node-services`."""

    node: Node | None
    services: list[Service]


class AddressHolder(Record, frozen=True, kw_only=True):
    """The name of a node or a service that has an address, and its datacenter."""

    name: str
    datacenter: str


class AddressHolders(Record, frozen=True, kw_only=True):
    """Who has an IP address: nodes, and services by an instance with that address of its own."""

    nodes: list[AddressHolder]
    services: list[AddressHolder]


class KVEntry(Record, frozen=True, kw_only=True):
    """A key and its value. `session` holds the lock, when one does."""

    lock_index: int
    key: str
    flags: int
    value: bytes | None
    session: str = ""
    create_index: int
    modify_index: int


class SessionBehavior(enum.StrEnum):
    """What becomes of the keys that a session holds when it ends."""

    RELEASE = "release"
    DELETE = "delete"


class ServiceCheckRef(Record, frozen=True, kw_only=True):
    """A check of an instance that a session depends on. The namespace is shown as it was given, and means nothing."""

    id: str = msgspec.field(name="ID")
    namespace: str


class Session(Record, frozen=True, kw_only=True):
    """A claim to be alive, by which keys are held. It ends with its node, with one of its checks, or by its `ttl`.

    `lock_delay_ns` is how long nobody may take a key that it held when it ended, in nanoseconds; `ttl` a duration as it
    was given, empty for none. `checks` is the older name of `node_checks`, shown where both were given.
    """

    id: str = msgspec.field(name="ID")
    name: str
    node: str
    lock_delay_ns: int = msgspec.field(name="LockDelay")
    behavior: SessionBehavior
    ttl: str = msgspec.field(name="TTL")
    node_checks: list[str] | None
    service_checks: list[ServiceCheckRef] | None
    checks: list[str] = []
    create_index: int
    modify_index: int

    def check_ids(self) -> list[str]:
        """Every check that it depends on, all of them on its node."""
        services = [one.id for one in self.service_checks or ()]
        return [*self.checks, *(self.node_checks or ()), *services]


class UserEvent(Record, frozen=True, kw_only=True):
    """Something that happened, told to the agents whom the filters name: regular expressions, empty for all.

    `l_time` rises with each event; 0 before the servers took it.
    """

    id: str = msgspec.field(name="ID")
    name: str
    payload: bytes | None
    node_filter: str
    service_filter: str
    tag_filter: str
    version: int
    l_time: int = msgspec.field(name="LTime")


class IntentionAction(enum.StrEnum):
    """What an intention says about a connection."""

    ALLOW = "allow"
    DENY = "deny"


class Intention(Record, frozen=True, kw_only=True):
    """May `source_name` open connections to `destination_name`? Names are exact or `*`.

    `permissions` are rules about requests, `jwt` is a demand on the tokens of what is else allowed, both in the form of
    `lictor_core.entries.access`. With either, `action` is a denial: what is true for who sees connections alone.
    """

    id: str = msgspec.field(name="ID")
    description: str
    source_ns: str = msgspec.field(name="SourceNS")
    source_name: str
    destination_ns: str = msgspec.field(name="DestinationNS")
    destination_name: str
    source_type: str
    action: IntentionAction
    default_addr: str
    default_port: int
    meta: dict[str, str] | None
    permissions: list[JsonObject] = []
    jwt: JsonObject | None = msgspec.field(default=None, name="JWT")
    precedence: int
    created_at: str
    updated_at: str
    hash: str
    create_index: int
    modify_index: int


class CARoot(Record, frozen=True, kw_only=True):
    """One trusted root. The private key is not here: it never leaves the servers' state."""

    id: str = msgspec.field(name="ID")
    name: str
    serial_number: int
    signing_key_id: str = msgspec.field(name="SigningKeyID")
    external_trust_domain: str
    not_before: str
    not_after: str
    root_cert: str
    intermediate_certs: list[str] | None
    active: bool
    private_key_type: str
    private_key_bits: int
    create_index: int
    modify_index: int


class CARoots(Record, frozen=True, kw_only=True):
    """All roots that leaves may chain to now. `trust_domain` is `<cluster uuid>.consul`, lower case."""

    active_root_id: str = msgspec.field(name="ActiveRootID")
    trust_domain: str
    roots: list[CARoot]


class CAConfiguration(Record, frozen=True, kw_only=True):
    """Settings of the CA: the provider's name and its own keys, as users write them."""

    provider: str
    config: JsonObject
    state: dict[str, str] | None
    force_without_cross_signing: bool
    create_index: int
    modify_index: int


class MemberStatus(enum.IntEnum):
    """Serf's numbers for what a member is, which `/v1/agent/members` shows."""

    NONE = 0
    ALIVE = 1
    LEAVING = 2
    LEFT = 3
    FAILED = 4


class Member(Record, frozen=True, kw_only=True):
    """An agent of the cluster as membership sees it."""

    name: str
    addr: str
    port: int
    tags: dict[str, str]
    status: MemberStatus
    protocol_min: int
    protocol_max: int
    protocol_cur: int
    delegate_min: int
    delegate_max: int
    delegate_cur: int
    cause: str = ""
    """Why it is not alive: which server saw what, and when. Ours; Consul does not say."""
