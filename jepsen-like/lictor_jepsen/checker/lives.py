"""What a history proves of sessions: how long each surely lived, and when it surely held what. Pure.

Whoever holds a lock knows it for some time only. What is proven here is the least that any server can have meant by its
answers: a session lived at least until the last answer that needed it alive was asked for, and, where it has a TTL and
nothing else may end it, for its TTL from when it was last renewed; unless somebody asked to destroy it. Times are
milliseconds of the harness's clock. Source: Consul's document `docs/dynamic-app-config/sessions`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from lictor_jepsen.history import Call, calls
from lictor_jepsen.op import Kind, Op, Value

__all__ = [
    "CLOCK_RATE_MIN",
    "GONE",
    "GOT",
    "NODE",
    "REFUSED",
    "Deed",
    "Hold",
    "Life",
    "deeds",
    "holds",
    "lives",
    "part",
]

CLOCK_RATE_MIN: Final = 0.9
"""How slow a clock may be beside another one: times that servers count may seem so much shorter here."""
GOT: Final = "got"
"""What an `acquire` or `enter` came to: the session has it."""
REFUSED: Final = "refused"
"""Somebody else has it, or it may not be locked yet."""
GONE: Final = "gone"
"""There is no such session any more."""
NODE: Final = "node"
"""What else ends a session: the health of its node."""
_NEVER: Final = float("inf")


class Deed(NamedTuple):
    """A call, with the time of its end."""

    call: Call
    begun_ms: float
    ended_ms: float
    """Infinite when nobody knows whether it took place, or will."""

    @property
    def f(self) -> str:
        return self.call.asked.f

    @property
    def key(self) -> str:
        return self.call.asked.key

    @property
    def who(self) -> int:
        """The number of the session that it is about; of a `read`, whom it saw, 0 for nobody."""
        return part(self.call.value, 0)

    @property
    def is_ok(self) -> bool:
        return self.call.kind is Kind.OK

    @property
    def may_count(self) -> bool:
        """Whether it may have taken place."""
        return self.call.kind is not Kind.FAIL

    @property
    def is_got(self) -> bool:
        return self.is_ok and self.f in ("acquire", "enter") and text(self.call.value, 1) == GOT

    @property
    def is_gone(self) -> bool:
        """Whether it was told that the session is over."""
        if not self.is_ok:
            return False
        return (self.f == "renew" and not part(self.call.value, 1)) or (
            self.f in ("acquire", "enter") and text(self.call.value, 1) == GONE
        )


class Life(NamedTuple):
    """A session, as far as it was seen."""

    who: int
    ttl_ms: float
    """0 without one."""
    delay_ms: float
    deletes: bool
    """Whether its keys go with it."""
    surely_until_ms: float
    """It lived at least so long, given that it was ended by nobody but who was asked to."""
    last: Deed
    """The deed that proves it."""
    seen: Deed
    """The last one that needed it alive."""
    renewed_ms: float
    """It was renewed no later than that."""


class Hold(NamedTuple):
    """A time in which a session surely had a key: from the answer on until it may have been given up, or have ended."""

    who: int
    key: str
    since_ms: float
    until_ms: float
    deed: Deed
    released: bool
    """Whether its session may have given it up, rather than ended with it."""


def part(value: Value, place: int) -> int:
    """A number within a value; 0 where there is none."""
    found = value[place] if isinstance(value, tuple) and place < len(value) else 0
    return int(found) if isinstance(found, (int, float)) else 0


def text(value: Value, place: int) -> str:
    """A text within a value; empty where there is none."""
    found = value[place] if isinstance(value, tuple) and place < len(value) else ""
    return found if isinstance(found, str) else ""


def deeds(history: Sequence[Op]) -> list[Deed]:
    """The calls with the times of their ends, by invocation."""
    return [
        Deed(call, call.time_ms, _NEVER if call.returned is None else history[call.returned].time_ms)
        for call in calls(history)
    ]


def lives(found: Iterable[Deed]) -> dict[int, Life]:
    """The sessions of which somebody learnt that they began, by number."""
    of: dict[int, list[Deed]] = {}
    for deed in found:
        if deed.who:
            of.setdefault(deed.who, []).append(deed)
    return {
        who: _life(who, opened, own)
        for who, own in of.items()
        if (opened := next((deed for deed in own if deed.f == "open" and deed.is_ok), None)) is not None
    }


def _life(who: int, opened: Deed, own: Sequence[Deed]) -> Life:
    value = opened.call.value
    ttl_ms, delay_ms = part(value, 1), part(value, 2)
    proofs = [opened, *(deed for deed in own if _proves(deed))]
    renewals = [deed for deed in proofs if deed is opened or deed.f == "renew"]
    last = max(proofs, key=lambda deed: deed.begun_ms)
    renewed = max(renewals, key=lambda deed: deed.begun_ms)
    seen, surely = last, last.begun_ms
    if ttl_ms and text(value, 4) != NODE:
        destroyed_ms = min((deed.begun_ms for deed in own if deed.f == "destroy" and deed.may_count), default=_NEVER)
        protected = min(renewed.begun_ms + ttl_ms * CLOCK_RATE_MIN, destroyed_ms)
        if protected > surely:
            surely, last = protected, renewed
    tried = [deed for deed in own if deed.f in ("open", "renew")]
    return Life(
        who=who,
        ttl_ms=ttl_ms,
        delay_ms=delay_ms,
        deletes=text(value, 3) == "delete",
        surely_until_ms=surely,
        last=last,
        seen=seen,
        renewed_ms=max(deed.begun_ms if deed.ended_ms == _NEVER else deed.ended_ms for deed in tried),
    )


def _proves(deed: Deed) -> bool:
    """Whether the session lived when this was answered."""
    if not deed.is_ok:
        return False
    match deed.f:
        case "read":
            return True
        case "renew" | "release":
            return bool(part(deed.call.value, 1))
        case _:
            return deed.is_got


def holds(found: Sequence[Deed], known: Mapping[int, Life]) -> list[Hold]:
    """When who surely held what, by begin.

    A `release` that may have taken place at any time leaves nothing sure of that key and session from there on.
    """
    gives_up: dict[tuple[int, str], list[Deed]] = {}
    for deed in found:
        if deed.f in ("release", "leave") and deed.may_count:
            gives_up.setdefault((deed.who, deed.key), []).append(deed)
    surely: list[Hold] = []
    for deed in found:
        life = known.get(deed.who)
        if life is None or not (deed.is_got or (deed.f == "read" and deed.is_ok)):
            continue
        ends = [one for one in gives_up.get((deed.who, deed.key), []) if one.ended_ms >= deed.begun_ms]
        if any(one.begun_ms <= deed.ended_ms for one in ends):
            continue
        until = min([life.surely_until_ms, *(one.begun_ms for one in ends)])
        surely.append(Hold(deed.who, deed.key, deed.ended_ms, until, deed, released=bool(ends)))
    return sorted(surely, key=lambda hold: hold.since_ms)
