"""What is registered on the agent or in the catalog: services, checks, proxies, as they are sent.

In what is sent the case of names does not matter, nor do underscores in them.
"""

from __future__ import annotations

from typing import Literal, TypeAlias, TypedDict

from lictor_core.records import JsonObject

__all__ = [
    "AddressToSet",
    "CatalogCheck",
    "CatalogCheckDefinition",
    "CatalogInstance",
    "CatalogProxy",
    "CatalogRegistration",
    "CatalogRemoval",
    "CheckStatus",
    "CheckToRegister",
    "ConnectToRegister",
    "Duration",
    "ExposePathToRegister",
    "ExposeToRegister",
    "MeshGatewayToSet",
    "ProxyQuestion",
    "ServiceCheckToRegister",
    "ServiceToRegister",
    "SidecarToRegister",
    "Status",
    "UpstreamToRegister",
    "WeightsToSet",
]

Duration: TypeAlias = str | int
"""Go's text for a duration, or nanoseconds."""
Status: TypeAlias = Literal["passing", "warning", "critical"]


class ProxyQuestion(TypedDict, total=False):
    """Who wants to connect to what. `ClientCertURI` is a SPIFFE id."""

    Target: str
    ClientCertURI: str
    ClientCertSerial: str


class CheckToRegister(TypedDict, total=False):
    """A check, whose kind is told by what it has: `HTTP`, `TCP`, `TTL`, `Args`, ..."""

    ID: str
    Name: str
    Notes: str
    ServiceID: str
    Token: str
    Status: Status | Literal[""]
    Args: list[str]
    ScriptArgs: list[str]
    HTTP: str
    Header: dict[str, list[str]]
    Method: str
    Body: str
    DisableRedirects: bool
    TCP: str
    UDP: str
    GRPC: str
    GRPCUseTLS: bool
    H2Ping: str
    H2PingUseTLS: bool
    TLSServerName: str
    TLSSkipVerify: bool
    OSService: str
    DockerContainerID: str
    Shell: str
    AliasNode: str
    AliasService: str
    Interval: Duration
    Timeout: Duration
    TTL: Duration
    SuccessBeforePassing: int
    FailuresBeforeWarning: int
    FailuresBeforeCritical: int
    DeregisterCriticalServiceAfter: Duration
    OutputMaxSize: int


class ServiceCheckToRegister(CheckToRegister, total=False):
    """A check of the instance that it stands in."""

    CheckID: str


class CheckStatus(TypedDict, total=False):
    """What a TTL check is told."""

    Status: Status
    Output: str


class MeshGatewayToSet(TypedDict, total=False):
    """How traffic leaves the datacenter."""

    Mode: str


class UpstreamToRegister(TypedDict, total=False):
    """A service that the proxy makes reachable on a local port."""

    DestinationType: str
    DestinationNamespace: str
    DestinationName: str
    Datacenter: str
    LocalBindAddress: str
    LocalBindPort: int
    LocalBindSocketPath: str
    LocalBindSocketMode: str
    Config: JsonObject
    MeshGateway: MeshGatewayToSet


class ExposePathToRegister(TypedDict, total=False):
    """A path that the proxy serves without mTLS."""

    ListenerPort: int
    Path: str
    LocalPathPort: int
    Protocol: str
    ParsedFromCheck: bool


class ExposeToRegister(TypedDict, total=False):
    """Which paths the proxy serves without mTLS."""

    Checks: bool
    Paths: list[ExposePathToRegister]


class CatalogProxy(TypedDict, total=False):
    """What a proxy fronts, and where it listens."""

    DestinationServiceName: str
    DestinationServiceID: str
    LocalServiceAddress: str
    LocalServicePort: int
    LocalServiceSocketPath: str
    Config: JsonObject
    Upstreams: list[UpstreamToRegister]
    MeshGateway: MeshGatewayToSet
    Expose: ExposeToRegister


class WeightsToSet(TypedDict, total=False):
    """Weights of an instance by its health."""

    Passing: int
    Warning: int


class AddressToSet(TypedDict, total=False):
    """A tagged address."""

    Address: str
    Port: int


class _Instance(TypedDict, total=False):
    """What an instance has, whoever registers it and where."""

    Kind: str
    Tags: list[str]
    Address: str
    TaggedAddresses: dict[str, AddressToSet]
    Meta: dict[str, str]
    Port: int
    Weights: WeightsToSet
    EnableTagOverride: bool
    Proxy: CatalogProxy


class SidecarToRegister(_Instance, total=False):
    """The proxy to register beside an instance; what is left out the agent chooses."""

    Name: str
    Token: str
    Check: ServiceCheckToRegister
    Checks: list[ServiceCheckToRegister]


class ConnectToRegister(TypedDict, total=False):
    """An instance's part in the mesh."""

    Native: bool
    SidecarService: SidecarToRegister


class ServiceToRegister(SidecarToRegister, total=False):
    """An instance of a service."""

    ID: str
    Connect: ConnectToRegister


class CatalogInstance(_Instance, total=False):
    """An instance of a node that has no agent."""

    ID: str
    Service: str
    Connect: ConnectToRegister
    CreateIndex: int
    ModifyIndex: int


class CatalogCheckDefinition(TypedDict, total=False):
    """How a check is done, for who does it: the catalog keeps it alone."""

    HTTP: str
    TLSSkipVerify: bool
    Header: dict[str, list[str]]
    Method: str
    Body: str
    TCP: str
    Interval: Duration
    IntervalDuration: Duration
    Timeout: Duration
    TimeoutDuration: Duration
    DeregisterCriticalServiceAfter: Duration
    DeregisterCriticalServiceAfterDuration: Duration


class CatalogCheck(TypedDict, total=False):
    """The health of a node or an instance."""

    Node: str
    CheckID: str
    Name: str
    Status: str
    Notes: str
    Output: str
    ServiceID: str
    ServiceName: str
    ServiceTags: list[str]
    Type: str
    Definition: CatalogCheckDefinition
    CreateIndex: int
    ModifyIndex: int


class CatalogRegistration(TypedDict, total=False):
    """A node, and an instance and checks on it. `SkipNodeUpdate` leaves a node as it is that is there."""

    Datacenter: str
    ID: str
    Node: str
    Address: str
    TaggedAddresses: dict[str, str]
    NodeMeta: dict[str, str]
    Service: CatalogInstance
    Check: CatalogCheck
    Checks: list[CatalogCheck]
    SkipNodeUpdate: bool
    CreateIndex: int
    ModifyIndex: int


class CatalogRemoval(TypedDict, total=False):
    """What goes: a check, an instance, or with neither the whole node."""

    Datacenter: str
    Node: str
    Address: str
    ServiceID: str
    CheckID: str
