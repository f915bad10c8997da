"""What `/v1/txn` takes and gives."""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict

from lictor_agent.http.document.shapes.registrations import CatalogCheck, CatalogInstance
from lictor_core.records import CheckDefinition, Connect, KVEntry, Node, Proxy, ServiceAddress, ServiceKind, Weights

__all__ = ["TransactionOutcome", "TransactionToRun"]


class KeyToDo(TypedDict, total=False):
    """On a key. `Value` is base64. `Index` is compared by `cas`, `delete-cas` and `check-index`."""

    Verb: Literal[
        "set",
        "cas",
        "lock",
        "unlock",
        "get",
        "get-tree",
        "check-index",
        "check-session",
        "check-not-exists",
        "delete",
        "delete-cas",
        "delete-tree",
    ]
    Key: str
    Value: str
    Flags: int
    Index: int
    Session: str
    Namespace: Literal["", "default"]


class NodeRecord(TypedDict, total=False):
    """A node. `ModifyIndex` is compared by `cas` and `delete-cas`."""

    ID: str
    Node: str
    Address: str
    Datacenter: str
    TaggedAddresses: dict[str, str]
    Meta: dict[str, str]
    CreateIndex: int
    ModifyIndex: int


class NodeToDo(TypedDict, total=False):
    """On a node's record."""

    Verb: Literal["get", "set", "cas", "delete", "delete-cas"]
    Node: NodeRecord


class InstanceToDo(CatalogInstance, total=False):
    """An instance. `ModifyIndex` is compared by `cas` and `delete-cas`."""

    ContentHash: str
    Namespace: Literal["", "default"]


class ServiceToDo(TypedDict, total=False):
    """On an instance of the node named `Node`."""

    Verb: Literal["get", "set", "cas", "delete", "delete-cas"]
    Node: str
    Service: InstanceToDo


class CheckRecord(CatalogCheck, total=False):
    """A check. `ModifyIndex` is compared by `cas` and `delete-cas`."""

    Namespace: Literal["", "default"]


class CheckToDo(TypedDict, total=False):
    """On a check, which names its node."""

    Verb: Literal["get", "set", "cas", "delete", "delete-cas"]
    Check: CheckRecord


class OperationToDo(TypedDict, total=False):
    """One operation: one of the four."""

    KV: KeyToDo
    Node: NodeToDo
    Service: ServiceToDo
    Check: CheckToDo


TransactionToRun = list[OperationToDo]


class InstanceDone(TypedDict):
    """An instance; no tags are null here."""

    Kind: NotRequired[ServiceKind]
    ID: str
    Service: str
    Tags: list[str] | None
    Address: str
    TaggedAddresses: NotRequired[dict[str, ServiceAddress]]
    Meta: dict[str, str] | None
    Port: int
    Weights: Weights
    EnableTagOverride: bool
    Proxy: Proxy
    Connect: Connect
    CreateIndex: int
    ModifyIndex: int


class CheckDone(TypedDict):
    """A check; no tags are null here."""

    Node: str
    CheckID: str
    Name: str
    Status: str
    Notes: str
    Output: str
    ServiceID: str
    ServiceName: str
    ServiceTags: list[str] | None
    Type: str
    Definition: CheckDefinition
    CreateIndex: int
    ModifyIndex: int


class OperationDone(TypedDict):
    """What one operation wrote, read or found: one of the four."""

    KV: NotRequired[KVEntry]
    Node: NotRequired[Node]
    Service: NotRequired[InstanceDone]
    Check: NotRequired[CheckDone]


class OperationFailed(TypedDict):
    """Why the operation at `OpIndex`, counted from 0, cannot be."""

    OpIndex: int
    What: str


class TransactionOutcome(TypedDict):
    """What became of it. Only one that reads alone has the last four, which say how fresh it is."""

    Results: list[OperationDone] | None
    Errors: list[OperationFailed] | None
    Index: NotRequired[int]
    LastContact: NotRequired[int]
    KnownLeader: NotRequired[bool]
    ConsistencyLevel: NotRequired[str]
