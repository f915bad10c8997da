"""Sessions, intentions, the CA, coordinates, operators: what is sent and what is shown."""

from __future__ import annotations

from typing import Literal, NotRequired, TypeAlias, TypedDict

from lictor_agent.http.document.shapes.registrations import Duration
from lictor_core.coordinates import Coordinate
from lictor_core.entries.permissions import Permission
from lictor_core.proxy_status import ProxyPolicy
from lictor_core.records import Intention, JsonObject, Node, Service

__all__ = [
    "AgentToken",
    "AutopilotState",
    "AutopilotToSet",
    "CAToSet",
    "CatalogNodeServices",
    "CoordinateMap",
    "CoordinateMaps",
    "CoordinateReport",
    "CoordinateRow",
    "CoordinateRows",
    "CoordinateToReport",
    "FederationAnswer",
    "FederationGateways",
    "FederationState",
    "FederationStates",
    "Id",
    "IdEnforced",
    "IntentionDecision",
    "IntentionMatches",
    "IntentionToSet",
    "IntentionToUpsert",
    "KeyringKey",
    "NodeShownInFull",
    "NodesShownInFull",
    "ServerState",
    "ServiceCheckToName",
    "SessionToCreate",
    "Success",
]


class Id(TypedDict):
    """The id of what was made."""

    ID: str


class IdEnforced(Id):
    """The id, and with `wait-enforced` which proxies judge by the intention."""

    Index: NotRequired[int]
    Complete: NotRequired[bool]
    Enforced: NotRequired[list[ProxyPolicy]]
    Pending: NotRequired[list[ProxyPolicy]]


class ServiceCheckToName(TypedDict, total=False):
    """A check of an instance."""

    ID: str
    Namespace: str


class SessionToCreate(TypedDict, total=False):
    """A session. A `LockDelay` below 1000 is one of seconds."""

    Name: str
    Node: str
    LockDelay: Duration
    Behavior: Literal["", "release", "delete"]
    TTL: str
    NodeChecks: list[str]
    ServiceChecks: list[ServiceCheckToName]
    Checks: list[str]


class IntentionToSet(TypedDict, total=False):
    """An intention. What the registry gives itself (`Precedence`, times, `Hash`, indexes) may be sent back with it."""

    ID: str
    Description: str
    SourceNS: str
    SourceName: str
    DestinationNS: str
    DestinationName: str
    SourceType: Literal["", "consul"]
    Action: Literal["allow", "deny"]
    DefaultAddr: str
    DefaultPort: int
    Meta: dict[str, str]
    CreatedAt: str
    UpdatedAt: str
    Hash: str
    Precedence: int
    CreateIndex: int
    ModifyIndex: int


class IntentionToUpsert(IntentionToSet, total=False):
    """The intention between two names; with permissions it has no action and no metadata."""

    Permissions: list[Permission]


IntentionMatches: TypeAlias = dict[str, list[Intention] | None]


class IntentionDecision(TypedDict):
    """Whether connections are allowed."""

    Allowed: bool


class CAToSet(TypedDict, total=False):
    """The provider of the CA and its own settings."""

    Provider: str
    Config: JsonObject
    ForceWithoutCrossSigning: bool
    State: dict[str, str]
    CreateIndex: int
    ModifyIndex: int


class CoordinateRow(TypedDict):
    """Where a node stands."""

    Node: str
    Segment: str
    Coord: Coordinate


class CoordinateMap(TypedDict):
    """Where the servers of a datacenter stand."""

    Datacenter: str
    AreaID: str
    Coordinates: list[CoordinateRow]


CoordinateRows: TypeAlias = list[CoordinateRow]
CoordinateMaps: TypeAlias = list[CoordinateMap]


class CoordinateToReport(TypedDict, total=False):
    """A place, in seconds: eight numbers, and three more."""

    Vec: list[float]
    Error: float
    Adjustment: float
    Height: float


class CoordinateReport(TypedDict, total=False):
    """Where a node says that it stands."""

    Datacenter: str
    Node: str
    Segment: str
    Coord: CoordinateToReport


class AutopilotToSet(TypedDict, total=False):
    """Autopilot's settings; what is left out is off, 0 or empty."""

    CleanupDeadServers: bool
    LastContactThreshold: Duration
    MaxTrailingLogs: int
    MinQuorum: int
    ServerStabilizationTime: Duration
    RedundancyZoneTag: str
    DisableUpgradeMigration: bool
    UpgradeVersionTag: str
    CreateIndex: int
    ModifyIndex: int


class ServerState(TypedDict):
    """How one server does."""

    ID: str
    Name: str
    Address: str
    NodeStatus: str
    Version: str
    LastContact: str
    LastTerm: int
    LastIndex: int
    Healthy: bool
    StableSince: str
    ReadReplica: bool
    Status: str
    Meta: dict[str, str]
    NodeType: str


class AutopilotState(TypedDict):
    """How the servers do, by id."""

    Healthy: bool
    FailureTolerance: int
    OptimisticFailureTolerance: int
    Servers: dict[str, ServerState]
    Leader: str
    Voters: list[str]


class Success(TypedDict):
    """It is done."""

    Success: bool


class CatalogNodeServices(TypedDict):
    """A node with its instances; null when there is no such node, or it has none."""

    Node: Node | None
    Services: list[Service] | None


class AgentToken(TypedDict, total=False):
    """A token's secret; an empty one empties the slot."""

    Token: str


class KeyringKey(TypedDict, total=False):
    """A key that agents prove, in base64."""

    Key: str


class NodeShownInFull(TypedDict):
    """A node with its instances and checks. Tags that nobody gave are null, unlike elsewhere."""

    ID: str
    Node: str
    Address: str
    TaggedAddresses: dict[str, str] | None
    Meta: dict[str, str] | None
    Services: list[JsonObject]
    Checks: list[JsonObject]


NodesShownInFull: TypeAlias = list[NodeShownInFull]
"""All of them."""


class GatewayShown(TypedDict):
    """A mesh gateway with its node and checks. Tags and checks that nobody gave are null."""

    Node: Node
    Service: JsonObject
    Checks: list[JsonObject] | None


class FederationState(TypedDict):
    """What other datacenters are told of one; its gateways only where it has any."""

    Datacenter: str
    MeshGateways: NotRequired[list[GatewayShown]]
    UpdatedAt: str
    PrimaryModifyIndex: int
    CreateIndex: int
    ModifyIndex: int


FederationStates: TypeAlias = list[FederationState]
"""Of all datacenters."""
FederationGateways: TypeAlias = dict[str, list[GatewayShown]]
"""By datacenter."""


class FederationAnswer(TypedDict):
    """One state, and how fresh the answer is."""

    State: FederationState
    Index: int
    LastContact: int
    KnownLeader: bool
    ConsistencyLevel: str
