"""Intentions: what was acknowledged as enforced lets nothing through, what is allowed passes in the end. Pure.

A deny is judged from the answer that names the destination's proxy among those that judge by it, until the last look
that still shows the same intention: a change whose end nobody knows may come at any later time, and only what the
registry shows afterwards proves that none did.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from lictor_jepsen.checker.lives import Deed, deeds, part, text
from lictor_jepsen.checker.telling import describe, told
from lictor_jepsen.checker.verdict import Finding, Problem, finding
from lictor_jepsen.op import Kind, Op

__all__ = ["check_intentions"]

_ENOUGH: Final = 5
_TALKS: Final = ("connect", "send", "settle")


class _Denied(NamedTuple):
    """A time in which nothing may pass."""

    since_ms: float
    until_ms: float
    acknowledged: Deed
    seen: Deed


def check_intentions(history: Sequence[Op]) -> dict[str, Finding]:
    """The findings, by what they are about.

    `denied`: after a deny was acknowledged as enforced no new connection gets a byte, and none passes on a live one;
    `allowed`: everything that is allowed passes in the end; `destination`: bytes come from the service that was meant.
    """
    found = deeds(history)
    return {"denied": _denied(found), "allowed": _allowed(found), "destination": _destination(found)}


def _denied(found: Sequence[Deed]) -> Finding:
    problems: list[Problem] = []
    judged = 0
    for key in dict.fromkeys(deed.key for deed in found):
        spells = list(_spells([deed for deed in found if deed.key == key]))
        for deed in (deed for deed in found if deed.key == key and deed.f in ("connect", "send")):
            inside = next(
                (one for one in spells if one.since_ms < deed.begun_ms and deed.ended_ms < one.until_ms), None
            )
            if inside is None:
                continue
            judged += 1
            if deed.is_ok:
                words = f"{describe(inside.acknowledged.call)}, and {describe(inside.seen.call)}"
                calls = (inside.acknowledged.call, inside.seen.call)
                problems.append(told(f"bytes passed: {describe(deed.call)}; denied by {words}", deed.call, *calls))
    return finding(judged, problems, enough=_ENOUGH)


def _spells(own: Sequence[Deed]) -> Iterator[_Denied]:
    """The times in which a destination's proxies judge by a deny, and the registry has it."""
    looks = [deed for deed in own if deed.f == "look" and deed.is_ok and text(deed.call.value, 0) == "deny"]
    for deed in own:
        if deed.f != "deny" or not deed.is_ok or not is_enforced(deed):
            continue
        index = part(deed.call.value, 0)
        same = [look for look in looks if look.begun_ms > deed.ended_ms and part(look.call.value, 1) <= index]
        if same:
            seen = max(same, key=lambda look: look.begun_ms)
            yield _Denied(deed.ended_ms, seen.begun_ms, deed, seen)


def is_enforced(deed: Deed) -> bool:
    """Whether a change was answered with: all proxies that should judge by it, the destination's among them."""
    value = deed.call.value
    names = value[2] if isinstance(value, tuple) and len(value) > 2 else ()
    return bool(part(value, 1)) and isinstance(names, tuple) and f"{deed.key}-sidecar-proxy" in names


def _allowed(found: Sequence[Deed]) -> Finding:
    """Tries that went on for long, where a look after them shows that it was allowed."""
    tried = [deed for deed in found if deed.f == "settle"]
    failed = [deed for deed in tried if deed.call.kind is Kind.FAIL and _was_allowed(deed, found)]
    problems = [told(f"allowed, and nothing passes: {describe(deed.call)}", deed.call) for deed in failed]
    return finding(sum(deed.is_ok for deed in tried) + len(failed), problems)


def _was_allowed(tried: Deed, found: Sequence[Deed]) -> bool:
    looks = [deed for deed in found if deed.f == "look" and deed.is_ok and deed.key == tried.key]
    after = [look for look in looks if look.begun_ms >= tried.ended_ms]
    return bool(after) and text(after[0].call.value, 0) == "allow"


def _destination(found: Sequence[Deed]) -> Finding:
    answered = [deed for deed in found if deed.f in _TALKS and deed.is_ok]
    problems = [
        told(f"bytes of another service: {describe(deed.call)}", deed.call)
        for deed in answered
        if text(deed.call.value, 0) != deed.key
    ]
    return finding(len(answered), problems, enough=_ENOUGH)
