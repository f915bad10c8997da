"""What calls carry that have more than one argument: msgpack of these records."""

from __future__ import annotations

import msgspec

from lictor_core.queries import AnyQuery
from lictor_core.records import JsonObject
from lictor_core.registry import ReadOptions

__all__ = ["ConfigureRequest", "ForceLeaveRequest", "RaftServersRequest", "ReadRequest", "WriteRequest"]


class ReadRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`read`: the answer is a `Reading` of the query's answer."""

    query: AnyQuery
    options: ReadOptions


class WriteRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`write`: a command in its form for the log; the answer is an `Outcome`."""

    command: bytes
    token: str = ""


class ConfigureRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`configure_ca`: the answer is null."""

    provider: str
    config: JsonObject
    token: str = ""


class ForceLeaveRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`force_leave`: the answer is null."""

    name: str
    prune: bool = False


class RaftServersRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`raft_servers`: the answer is a `RaftServers`."""

    stale: bool = False
