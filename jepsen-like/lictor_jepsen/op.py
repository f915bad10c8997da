"""One line of a history, in Jepsen's words: a process invokes something, and later it is `ok`, `fail` or `info`.

`fail` says that it surely did not happen, `info` that nobody knows: it may have happened, may happen later, or never.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NamedTuple, TypeAlias

__all__ = [
    "ABSENT",
    "AGENT",
    "HEAL",
    "NEMESIS",
    "OUTSIDE",
    "REFUSED",
    "SERVER",
    "Invocation",
    "Kind",
    "Mode",
    "Op",
    "Outcome",
    "Value",
]

Value: TypeAlias = "bool | int | float | str | tuple[Value, ...] | None"
"""What an operation is about; each workload says what it means there. What JSON can hold, with tuples for its lists."""

ABSENT: Final = None
"""The value of a key that was never written."""

NEMESIS: Final = -1
"""The process id of the nemesis; those of clients start at 0."""

HEAL: Final = "heal"
"""What the nemesis does once, behind all faults: it ends all that may be left of them."""


SERVER: Final = "n"
"""What the name of a server begins with; a number follows."""

AGENT: Final = "a"
"""What the name of an agent that is no server begins with. It asks one server, and another one when that is lost."""

OUTSIDE: Final = "x-"
"""What the name of a node begins with that stands in the catalog alone, and has no agent."""

REFUSED: Final = 0
"""The value of an `acquire` or `release` that was answered with false: somebody else holds the lock."""


class Kind(StrEnum):
    """What a line of a history says about its operation."""

    INVOKE = "invoke"
    OK = "ok"
    FAIL = "fail"
    INFO = "info"


class Mode(StrEnum):
    """How fresh a read is asked to be; empty for what is no read."""

    NONE = ""
    DEFAULT = "default"
    CONSISTENT = "consistent"
    STALE = "stale"


class Invocation(NamedTuple):
    """What a client is to do."""

    f: str
    """What: `read`, `write`, ...: a word of its workload."""
    key: str
    value: Value = None
    mode: Mode = Mode.NONE


class Outcome(NamedTuple):
    """How it went."""

    kind: Kind
    value: Value = None
    x_index: int | None = None
    """The `X-Consul-Index` of a read."""
    error: str = ""


class Op(NamedTuple):
    """One line of a history."""

    time_ms: float
    """Milliseconds since the run began."""
    process: int
    """Who; a process whose operation ended in `info` does nothing more, its client goes on under another id."""
    kind: Kind
    f: str
    key: str = ""
    value: Value = None
    mode: Mode = Mode.NONE
    node: str = ""
    """Which server or agent was asked."""
    x_index: int | None = None
    """The `X-Consul-Index` of a read."""
    error: str = ""
    relayed: bool = False
    """Whether that is an agent that is no server: who answers is the server that it asks at the time."""
    took_ms: int = 0
    """Of a step of the nemesis: how long it took to be made, up to this line. It may be felt from its first moment."""
