"""What the agent shows of itself and of what is registered on it."""

from __future__ import annotations

from typing import Literal, NotRequired, TypeAlias, TypedDict

from lictor_core.coordinates import Coordinate
from lictor_core.records import (
    Check,
    Connect,
    Expose,
    ExposePath,
    JsonObject,
    Member,
    MeshGateway,
    ServiceAddress,
    ServiceKind,
    Weights,
)

__all__ = [
    "AgentCheck",
    "AgentCheckDefinition",
    "AgentChecks",
    "AgentConfiguration",
    "AgentHealth",
    "AgentHealthById",
    "AgentHealthByName",
    "AgentLocal",
    "AgentLocalService",
    "AgentProxy",
    "AgentReload",
    "AgentSelf",
    "AgentService",
    "AgentServiceWithHash",
    "AgentServices",
    "AgentUpstream",
    "Aggregate",
    "AggregatedStatus",
    "ExposedByChecks",
    "Gauge",
    "Host",
    "Leaf",
    "LocalCheck",
    "LocalOrigin",
    "LocalService",
    "Metrics",
    "ProxyJudgement",
    "Status",
]

Status: TypeAlias = Literal["passing", "warning", "critical"]
AggregatedStatus: TypeAlias = Literal["passing", "warning", "critical", "maintenance"]


class AgentUpstream(TypedDict):
    """A service that a proxy makes reachable on a local port."""

    DestinationType: str
    DestinationNamespace: NotRequired[str]
    DestinationName: str
    Datacenter: NotRequired[str]
    LocalBindAddress: NotRequired[str]
    LocalBindPort: int
    LocalBindSocketPath: NotRequired[str]
    LocalBindSocketMode: NotRequired[str]
    Config: NotRequired[JsonObject]
    MeshGateway: MeshGateway


class AgentProxy(TypedDict):
    """What a proxy instance fronts."""

    DestinationServiceName: NotRequired[str]
    DestinationServiceID: NotRequired[str]
    LocalServiceAddress: NotRequired[str]
    LocalServicePort: NotRequired[int]
    LocalServiceSocketPath: NotRequired[str]
    Config: NotRequired[JsonObject]
    Upstreams: NotRequired[list[AgentUpstream]]
    MeshGateway: MeshGateway
    Expose: Expose


class ExposedByChecks(TypedDict):
    """The paths that a proxy has to open for checks."""

    Paths: list[ExposePath]


class AgentService(TypedDict):
    """An instance that is registered on the agent."""

    Kind: NotRequired[ServiceKind]
    ID: str
    Service: str
    Tags: list[str]
    Meta: dict[str, str]
    Port: int
    Address: str
    TaggedAddresses: NotRequired[dict[str, ServiceAddress]]
    Weights: Weights
    EnableTagOverride: bool
    Proxy: NotRequired[AgentProxy]
    Connect: NotRequired[Connect]


class AgentServiceWithHash(AgentService):
    """An instance with the hash to wait by."""

    ContentHash: str


AgentServices: TypeAlias = dict[str, AgentService]
AgentChecks: TypeAlias = dict[str, Check]


class AgentCheckDefinition(TypedDict):
    """A definition with every field, none of them filled: how a check is done is the agent's own affair."""

    Interval: str
    Timeout: str
    DeregisterCriticalServiceAfter: str
    HTTP: str
    Header: dict[str, list[str]] | None
    Method: str
    Body: str
    TLSSkipVerify: bool
    TCP: str


class AgentCheck(TypedDict):
    """A check as the agent's own health endpoints show it."""

    Node: str
    CheckID: str
    Name: str
    Status: Status
    Notes: str
    Output: str
    ServiceID: str
    ServiceName: str
    ServiceTags: list[str] | None
    Type: str
    Definition: AgentCheckDefinition
    CreateIndex: int
    ModifyIndex: int


class AgentHealth(TypedDict):
    """An instance with its checks and those of the node, and what they come to."""

    AggregatedStatus: AggregatedStatus
    Service: AgentService | None
    Checks: list[AgentCheck] | None


AgentHealthById: TypeAlias = AgentHealth | str
"""A text where text was asked for, and there is no such instance."""
AgentHealthByName: TypeAlias = list[AgentHealth]


class AgentConfiguration(TypedDict):
    """Who the agent is."""

    Datacenter: str
    NodeName: str
    NodeID: str
    Revision: str
    Server: bool
    Version: str


class AgentSelf(TypedDict):
    """The agent: who it is, how it is configured, its membership and its figures."""

    Config: AgentConfiguration
    DebugConfig: JsonObject
    Coord: Coordinate
    Member: Member
    Stats: dict[str, dict[str, str]]
    Meta: dict[str, str] | None
    xDS: NotRequired[JsonObject]


class AgentReload(TypedDict):
    """What a reload could not take over: keys that need a restart, and what failed."""

    NeedsRestart: list[str]
    Failures: list[str]


class LocalOrigin(TypedDict):
    """Where a registration came from, and when. `Kept`: it is there again after a restart."""

    Origin: str
    Place: str
    Time: str
    Restored: bool
    Kept: bool
    HasToken: bool
    Refused: str


class LocalService(LocalOrigin):
    """An instance and where it came from."""

    ID: str
    Service: str
    SidecarOf: str
    Sidecars: list[str]


class LocalCheck(LocalOrigin):
    """A check and where it came from."""

    CheckID: str
    ServiceID: str
    Status: str


class AgentLocal(TypedDict):
    """All that is registered on the agent, by id."""

    Node: str
    Services: dict[str, LocalService]
    Checks: dict[str, LocalCheck]


class AgentLocalService(LocalService):
    """An instance with its checks by id."""

    Node: str
    Checks: dict[str, LocalCheck]


class Gauge(TypedDict):
    """A figure of this moment."""

    Name: str
    Value: float
    Labels: dict[str, str]


class Aggregate(TypedDict):
    """What came together in an interval."""

    Name: str
    Count: int
    Rate: float
    Sum: float
    Min: float
    Max: float
    Mean: float
    Stddev: float
    Labels: dict[str, str]


class Metrics(TypedDict):
    """The agent's figures of the last interval."""

    Timestamp: str
    Gauges: list[Gauge]
    Points: list[JsonObject]
    Counters: list[Aggregate]
    Samples: list[Aggregate]


class Host(TypedDict):
    """The machine; what could not be read is null, and said in `Errors`."""

    Memory: JsonObject | None
    CPU: list[JsonObject] | None
    Host: JsonObject | None
    Disk: JsonObject | None
    CollectionTime: int
    Errors: list[str] | None


class Leaf(TypedDict):
    """A service's certificate with its private key."""

    SerialNumber: str
    CertPEM: str
    PrivateKeyPEM: str
    Service: str
    ServiceURI: str
    ValidAfter: str
    ValidBefore: str
    CreateIndex: int
    ModifyIndex: int


class ProxyJudgement(TypedDict):
    """Whether a connection may be, and why."""

    Authorized: bool
    Reason: str
