"""Locks and semaphores by sessions: mutual exclusion by what is documented of TTLs, lock delays, fencing tokens. Pure.

Nothing here guesses when a session ended: what `lives` proves is held against what others were told. A server may end a
session later than its TTL, so a checker of locks that knows no time would blame it for what it may do.
Source: Consul's document `docs/dynamic-app-config/sessions`; of semaphores, its guide.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, TypeAlias

from lictor_jepsen.checker.lives import CLOCK_RATE_MIN, Deed, Hold, Life, deeds, holds, lives, part
from lictor_jepsen.checker.telling import describe, told
from lictor_jepsen.checker.verdict import Finding, Problem, finding
from lictor_jepsen.op import NEMESIS, Op

__all__ = ["LATE_MS_MAX", "check_sessions"]

LATE_MS_MAX: Final = 10_000.0
"""How long after twice its TTL a session that nobody renews may live: an election, and slack for a loaded host."""
_ENOUGH: Final = 5
_Token: TypeAlias = tuple[int, int]
_NO_TOKEN: Final = (0, 0)


def check_sessions(history: Sequence[Op]) -> dict[str, Finding]:
    """The findings over a whole history, by what they are about.

    `exclusion`: no two sessions have a lock at once, and no read denies who has it; `semaphore`: no more than its limit
    do; `ttl`: no session ends before its time, and none lives on for good; `delay`: nobody gets a lock within the lock
    delay of a session that ended with it; `fencing`: each new holder has a higher token, so that a store which takes no
    lower one than it has seen keeps writes of former holders out.
    """
    found = deeds(history)
    known = lives(found)
    held = holds(found, known)
    last_fault_ms = max((op.time_ms for op in history if op.process == NEMESIS), default=0.0)
    return {
        "exclusion": _exclusion(found, held),
        "semaphore": _semaphore(found, held),
        "ttl": _ttl(found, known, last_fault_ms),
        "delay": _delay(found, known, held),
        "fencing": _fencing(found, known),
    }


def _exclusion(found: Sequence[Deed], held: Sequence[Hold]) -> Finding:
    problems: list[Problem] = []
    judged = 0
    for key, seen in _by_key(deed for deed in found if deed.f in ("acquire", "read") and deed.is_ok).items():
        own = [hold for hold in held if hold.key == key]
        told_of = [deed for deed in seen if deed.is_got or deed.f == "read"]
        judged += len(told_of)
        problems += [
            told(f"{describe(deed.call)}, while {_words(hold)}", deed.call, hold.deed.call)
            for deed in told_of
            for hold in own
            if hold.who != deed.who and hold.since_ms < deed.begun_ms and deed.ended_ms < hold.until_ms
        ]
        problems += [
            told(f"{key} is had by two: {_words(one)}, and {_words(other)}", one.deed.call, other.deed.call)
            for one, other in _overlapping(own)
        ]
    return finding(judged, problems, enough=_ENOUGH)


def _overlapping(own: Sequence[Hold]) -> Iterator[tuple[Hold, Hold]]:
    """Pairs of holds of different sessions at one time; each hold with the last one before it that reaches furthest."""
    furthest: dict[int, Hold] = {}
    for hold in own:
        if hold.until_ms <= hold.since_ms:
            continue
        for other in furthest.values():
            if other.who != hold.who and hold.since_ms < other.until_ms:
                yield other, hold
                break
        before = furthest.get(hold.who)
        if before is None or before.until_ms < hold.until_ms:
            furthest[hold.who] = hold


def _semaphore(found: Sequence[Deed], held: Sequence[Hold]) -> Finding:
    problems: list[Problem] = []
    entered = _by_key(deed for deed in found if deed.f == "enter" and deed.is_got)
    for key, deeds_of in entered.items():
        limit = part(deeds_of[0].call.asked.value, 1)
        inside: dict[int, Hold] = {}
        for hold in (hold for hold in held if hold.key == key and hold.until_ms > hold.since_ms):
            inside = {who: one for who, one in inside.items() if one.until_ms > hold.since_ms}
            if hold.who not in inside or inside[hold.who].until_ms < hold.until_ms:
                inside[hold.who] = hold
            if len(inside) > limit:
                words = ", and ".join(map(_words, inside.values()))
                calls = [one.deed.call for one in inside.values()]
                problems.append(told(f"{key} is had by {len(inside)} where {limit} may: {words}", *calls))
    return finding(sum(map(len, entered.values())), problems)


def _ttl(found: Sequence[Deed], known: Mapping[int, Life], last_fault_ms: float) -> Finding:
    problems: list[Problem] = []
    judged = 0
    for deed in found:
        life = known.get(deed.who)
        if life is None or not deed.is_ok:
            continue
        if deed.f == "renew" or deed.is_gone:
            judged += 1
        if deed.is_gone and deed.ended_ms < life.surely_until_ms:
            why = f"it lived until {_s(life.surely_until_ms)} at least, by {describe(life.last.call)}"
            problems.append(told(f"ended too early: {describe(deed.call)}; {why}", deed.call, life.last.call))
        if deed.f == "destroy" and deed.ended_ms < life.seen.begun_ms:
            words = f"{describe(life.seen.call)}, after {describe(deed.call)}"
            problems.append(told(f"there again: {words}", life.seen.call, deed.call))
        latest = max(life.renewed_ms, last_fault_ms) + 2 * life.ttl_ms + LATE_MS_MAX
        if deed.f == "read" and life.ttl_ms and deed.begun_ms > latest:
            why = f"its TTL is {life.ttl_ms / 1000:g} s, and it was renewed no later than {_s(life.renewed_ms)}"
            problems.append(told(f"lives on: {describe(deed.call)}; {why}", deed.call))
    return finding(judged, problems, enough=_ENOUGH)


def _delay(found: Sequence[Deed], known: Mapping[int, Life], held: Sequence[Hold]) -> Finding:
    """Who got a key next, after a session ended with it: not before its lock delay was over."""
    problems: list[Problem] = []
    judged = 0
    for key, gots in _by_key(deed for deed in found if deed.f == "acquire" and deed.is_got).items():
        latest = {hold.who: hold for hold in held if hold.key == key}
        for hold in (hold for hold in latest.values() if not hold.released):
            life = known[hold.who]
            later = [deed for deed in gots if deed.who != hold.who and deed.begun_ms > hold.since_ms]
            if not life.delay_ms or not later:
                continue
            judged += 1
            first = min(later, key=lambda deed: deed.ended_ms)
            if first.ended_ms < life.surely_until_ms + life.delay_ms * CLOCK_RATE_MIN:
                words = f"{_words(hold)}, never gave it up, and its lock delay is {life.delay_ms / 1000:g} s"
                calls = (first.call, hold.deed.call, life.last.call)
                problems.append(told(f"within the lock delay: {describe(first.call)}; {words}", *calls))
    return finding(judged, problems)


def _fencing(found: Sequence[Deed], known: Mapping[int, Life]) -> Finding:
    problems: list[Problem] = []
    judged = 0
    seen = [deed for deed in found if deed.is_ok and deed.f in ("acquire", "read") and _token(deed) != _NO_TOKEN]
    for key, own in _by_key(seen).items():
        goes = any(known[deed.who].deletes for deed in own if deed.who in known)
        judged += sum(deed.is_got for deed in own)
        problems += _repeated(key, own, goes=goes)
        problems += _falling(own, goes=goes)
    problems += _let_through(found)
    return finding(judged, problems, enough=_ENOUGH)


def _repeated(key: str, own: Sequence[Deed], *, goes: bool) -> Iterator[Problem]:
    """Tokens that two sessions had."""
    first: dict[_Token, Deed] = {}
    for deed in own:
        if deed.who:
            other = first.setdefault(_counted(_token(deed), goes=goes), deed)
            if other.who != deed.who:
                words = f"{describe(other.call)}; {describe(deed.call)}"
                yield told(f"one token of {key} for two sessions: {words}", other.call, deed.call)


def _falling(own: Sequence[Deed], *, goes: bool) -> Iterator[Problem]:
    """Tokens that are no higher than one that was seen before they were asked for."""
    events = sorted(
        [*((deed.begun_ms, 1, deed) for deed in own), *((deed.ended_ms, 0, deed) for deed in own)], key=_time
    )
    highest: Deed | None = None
    for _, begins, deed in events:
        token = _counted(_token(deed), goes=goes)
        best = _NO_TOKEN if highest is None else _counted(_token(highest), goes=goes)
        if not begins:
            highest = deed if token >= best else highest
        elif highest is not None and (token < best or (token == best and deed.is_got and highest.who != deed.who)):
            words = f"{describe(deed.call)}, after {describe(highest.call)}"
            yield told(f"a token that is not higher: {words}", deed.call, highest.call)


def _let_through(found: Sequence[Deed]) -> Iterator[Problem]:
    """A store that takes no token below the highest: no write of a session after one of who got the key later."""
    got: dict[tuple[str, int], Deed] = {}
    newest: dict[str, Deed] = {}
    highest: dict[str, _Token] = {}
    for deed in sorted((deed for deed in found if deed.is_ok), key=lambda deed: deed.ended_ms):
        if deed.is_got:
            got[deed.key, deed.who] = deed
        writer = got.get((deed.key, deed.who))
        token = _token(deed)
        if deed.f != "guard" or writer is None or token < highest.get(deed.key, _NO_TOKEN) or token == _NO_TOKEN:
            continue
        highest[deed.key] = token
        last = newest.setdefault(deed.key, writer)
        if last.who != writer.who and writer.ended_ms < last.begun_ms:
            words = f"{describe(deed.call)}; {describe(last.call)} came after {describe(writer.call)}"
            yield told(f"a former holder's write was let through: {words}", deed.call, last.call, writer.call)
        elif writer.begun_ms >= last.begun_ms:
            newest[deed.key] = writer


def _token(deed: Deed) -> _Token:
    """CreateIndex and LockIndex of the key: the last two parts of the value."""
    value = deed.call.value
    at = 1 if deed.f in ("read", "guard") else 2
    return part(value, at), part(value, at + 1)


def _counted(token: _Token, *, goes: bool) -> _Token:
    """LockIndex alone is the token of a key that stays; one that is deleted begins anew, at a higher CreateIndex."""
    return token if goes else (0, token[1])


def _time(event: tuple[float, int, Deed]) -> tuple[float, int]:
    return event[0], event[1]


def _by_key(found: Iterator[Deed] | Sequence[Deed]) -> dict[str, list[Deed]]:
    keys: dict[str, list[Deed]] = {}
    for deed in found:
        keys.setdefault(deed.key, []).append(deed)
    return keys


def _words(hold: Hold) -> str:
    return f"session {hold.who} had it from {_s(hold.since_ms)} to {_s(hold.until_ms)} at least"


def _s(moment_ms: float) -> str:
    return f"{moment_ms / 1000:.3f} s"
