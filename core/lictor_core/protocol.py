"""Which form of the wire a build speaks: one small number, told by both ends where a connection begins. Pure.

The number stands for all that processes say to one another and keep in the log: frames, methods and their arguments,
Raft's messages, commands. `tests/server/golden/wire.txt` holds those forms, so none changes unnoticed. Who has to
change one:

* a field that may be missing, where the reader passes over what it does not know: nothing to do;
* anything else that a former build cannot read: raise `PROTOCOL_MAX`, say the former form to whoever's greeting does
  not reach the new number, and keep reading it until `PROTOCOL_MIN` is raised in a later release;
* a kind of command, or a field of one: besides, a line in `NEWER`. The leader writes it only once every server of the
  cluster has told that it knows that number, so none has an entry that it cannot apply. A struct with a new field gets
  `omit_defaults`, so that a command that makes no use of it stays in its former form.

Consul's own "protocol version" (2, of 2 to 3) is another number: it is shown where Consul's clients look for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Annotated, Final, NamedTuple

import msgspec

from lictor_core.command import CommandBase
from lictor_core.errors import MixedVersionsError, PeerError
from lictor_core.version import LICTOR

__all__ = [
    "NEWER",
    "OWN",
    "PROTOCOL_MAX",
    "PROTOCOL_MIN",
    "UNTOLD",
    "Newer",
    "Spoken",
    "check_all_know",
    "disagreement",
    "read_greeting",
    "wanted",
]

PROTOCOL_MIN: Final = 1
PROTOCOL_MAX: Final = 1
"""The forms that this build speaks, both ends included."""
_NUMBER_MAX: Final = 65_535
_PROGRAM_SHOWN_MAX: Final = 32

_Number = Annotated[int, msgspec.Meta(ge=1, le=_NUMBER_MAX)]


class Spoken(msgspec.Struct, frozen=True, kw_only=True):
    """What one end tells of itself: the forms that it speaks, and its version. Who tells nothing speaks the first."""

    minimum: _Number = 1
    maximum: _Number = 1
    program: str = ""

    def __str__(self) -> str:
        which = str(self.minimum) if self.minimum == self.maximum else f"{self.minimum} to {self.maximum}"
        # Who tells a number tells a version too; it comes from outside, and stands in logs.
        shown = "".join(one for one in self.program[:_PROGRAM_SHOWN_MAX] if one.isprintable())
        return f"protocol {which} ({f'Lictor {shown}' if shown else 'a Lictor that does not tell its version'})"


OWN: Final = Spoken(minimum=PROTOCOL_MIN, maximum=PROTOCOL_MAX, program=LICTOR)
UNTOLD: Final = Spoken()
"""Builds from before there was a number."""


def read_greeting(data: bytes) -> Spoken:
    """What the other end tells in `data`; what a later build tells besides is passed over. Raises `PeerError`."""
    try:
        return msgspec.msgpack.decode(data, type=Spoken)
    except (ValueError, OverflowError, RecursionError) as error:
        raise PeerError(f"its greeting does not tell which protocol it speaks: {error}") from error


def disagreement(caller: Spoken, acceptor: Spoken, *, caller_name: str, acceptor_name: str) -> str | None:
    """Why the two cannot talk, with what to do; None when there is a form that both speak."""
    if caller.maximum >= acceptor.minimum and acceptor.maximum >= caller.minimum:
        return None
    older = caller_name if caller.maximum < acceptor.minimum else acceptor_name
    return (
        f"{caller_name} speaks {caller}, {acceptor_name} {acceptor}: upgrade {older}, or go by a version between the "
        "two; servers come before agents"
    )


class Newer(NamedTuple):
    """A kind or form of command that builds before `number` cannot read; `has` tells whether a command is one."""

    number: int
    what: str
    has: Callable[[CommandBase], bool]


NEWER: tuple[Newer, ...] = ()
"""All that came after the first number, for as long as a build without it may be in a cluster."""


def wanted(command: CommandBase) -> Newer | None:
    """What of `command` the youngest build is needed for; None when every build can read it."""
    if not NEWER:  # as a rule; this is asked of every write
        return None
    return max((one for one in NEWER if one.has(command)), key=lambda one: one.number, default=None)


def check_all_know(newer: Newer, servers: Iterable[tuple[str, Spoken | None]]) -> None:
    """Raise `MixedVersionsError` unless every server, by its name, has told that it reads `newer`; None: it has not
    been heard."""
    late = [
        f"{name} ({'was not heard yet' if spoken is None else spoken})"
        for name, spoken in servers
        if spoken is None or spoken.maximum < newer.number
    ]
    if late:
        raise MixedVersionsError(
            f"{newer.what} needs protocol {newer.number} on all servers, and nothing was written: upgrade or start "
            f"{', '.join(late)}, then try again"
        )
