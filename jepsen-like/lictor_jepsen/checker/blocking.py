"""Blocking queries: no change missed, no wake lost, none without a change, the index never back, the wait held.

Everything that is watched has one writer each (`follow`). A poll says at which index it waits and what it knew at that
one; it shows what it shows at some time between its begin and its end. Judged are, by Consul's document
`api-docs/features/blocking`:

* `index`: it never is 0, nor below the one that a poll waited at. (A stale poll of an agent may go back: another server
  may be behind.)
* `consistent`, `default`, `stale`: what is shown follows the writers; in polls that are not stale it has all that was
  acknowledged before they began.
* `woken`: who waits is told of a change within `WAKE_MS`, room for a loaded host included; after faults within
  `AFTER_MS`.
* `quiet`: nobody is told early that nothing changed. Consul leaves itself room there ("may return without a change");
  of a key that is there, and of keys with a prefix, both products keep it while nothing is wrong. A poll of a key that
  is not there is told of each write to any key by Consul, so those are not judged. A run may be all faults: a 0 tells.
* `waits`: a poll ends within its wait, a sixteenth of it, and `LATE_MS` of room.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from lictor_jepsen.checker.enough import enough
from lictor_jepsen.checker.follow import Change, Sight, change_of, follow
from lictor_jepsen.checker.telling import describe, told
from lictor_jepsen.checker.trouble import Trouble, settled_ms, troubles
from lictor_jepsen.checker.verdict import Finding, Problem, finding
from lictor_jepsen.history import Call, calls
from lictor_jepsen.op import ABSENT, OUTSIDE, Kind, Mode, Op, Value

__all__ = ["AFTER_MS", "CHANGES", "LATE_MS", "WAKE_MS", "blocking", "key_name", "service_name", "wait_ms_max"]

CHANGES: Final = frozenset({"write", "delete", "put", "remove"})
WAKE_MS: Final = 2_500.0
"""How long after its acknowledgement a change may be unknown to who waits for it."""
AFTER_MS: Final = 10_000.0
"""The same after the last fault: an election, a new connection to a server, and what a loaded host adds."""
LATE_MS: Final = 2_500.0
"""How much longer than it may wait a poll takes on a loaded host."""
_EARLY_MS: Final = 20.0
"""How much earlier than its wait a poll may end: clocks of two processes count."""
_JITTER: Final = 16


def key_name(key: str, thread: int) -> str:
    """The key that a thread writes."""
    return f"{key}/{thread}"


def service_name(key: str, thread: int) -> str:
    """The instance that a thread writes."""
    return f"{OUTSIDE}{key}-{thread}/{key}-{thread}"


def wait_ms_max(wait_ms: float) -> float:
    """How long a poll may wait: Consul adds up to a sixteenth, so that many do not end together."""
    return wait_ms + wait_ms / _JITTER


class _Poll(NamedTuple):
    """One blocking query that was answered."""

    call: Call
    target: str
    """A key, the beginning of keys (it ends in a slash), or a service."""
    waited_at: int
    """The index that it waited at; 0 for one that did not wait."""
    wait_ms: float
    known: Mapping[str, Value]
    shown: Mapping[str, Value]
    sight: Sight
    """Of nothing yet: its times."""

    @property
    def lasted_ms(self) -> float:
        return self.sight.returned_ms - self.sight.invoked_ms

    @property
    def waits(self) -> bool:
        return self.waited_at > 0

    def covers(self, name: str) -> bool:
        """Whether it shows what has that name."""
        if name.startswith(OUTSIDE):
            return not self.target.endswith("/") and name.startswith(f"{OUTSIDE}{self.target}-")
        return name == self.target or (self.target.endswith("/") and name.startswith(self.target))


def blocking(history: Sequence[Op]) -> dict[str, Finding]:
    """The findings, by what they are about. Raises `HistoryError` for what is no history."""
    made = calls(history)
    faulty = troubles(history)
    changes = _changes(made, history)
    polls = [_poll(call, history) for call in made if call.asked.f == "watch" and call.kind is Kind.OK]
    failed = [call for call in made if call.asked.f == "watch" and call.kind is not Kind.OK]
    groups = {"changes": [call for call in made if call.asked.f in CHANGES]}
    groups["polls that waited"] = [poll.call for poll in polls if poll.waits]
    for mode in (Mode.DEFAULT, Mode.CONSISTENT, Mode.STALE):
        groups[f"{mode} reads"] = [call for call in made if call.asked.mode is mode]
    return {
        "index": _judged(polls, _indexes(polls)),
        "consistent": _shown(polls, changes, {Mode.CONSISTENT}),
        "default": _shown(polls, changes, {Mode.DEFAULT, Mode.CONSISTENT}),
        "stale": _shown(polls, changes, {Mode.STALE}),
        "woken": _woken(polls, changes, faulty),
        "quiet": _quiet(polls, changes, faulty),
        "waits": _judged(polls, _waits(polls, failed, history, faulty)),
        "enough": enough(groups),
    }


def _changes(made: Sequence[Call], history: Sequence[Op]) -> dict[str, list[Change]]:
    """What was done, by the name of what it was done to."""
    found: dict[str, list[Change]] = {}
    for call in made:
        if call.asked.f not in CHANGES:
            continue
        value = call.asked.value
        thread, number = value if isinstance(value, tuple) else (value, ABSENT)
        assert isinstance(thread, int), "a change names its thread"
        name = (key_name if call.asked.f in ("write", "delete") else service_name)(call.asked.key, thread)
        change = change_of(call, history, number)
        if change is not None:
            found.setdefault(name, []).append(change)
    return found


def _poll(call: Call, history: Sequence[Op]) -> _Poll:
    assert isinstance(call.value, tuple), "a poll tells what it waited for"
    assert call.returned is not None, "a poll that is ok has ended"
    target, waited_at, wait_ms, known, shown = call.value
    assert isinstance(waited_at, int), "an index is a number"
    assert isinstance(wait_ms, int | float), "a wait is a number"
    where = f"{target} {call.asked.mode} at {call.node}"
    sight = Sight(None, call.invoked, call.returned, call.time_ms, history[call.returned].time_ms, where)
    return _Poll(call, str(target), waited_at, wait_ms, _rows(known), _rows(shown), sight)


def _rows(value: Value) -> dict[str, Value]:
    return {str(row[0]): row[1] for row in value if isinstance(row, tuple)} if isinstance(value, tuple) else {}


def _judged(polls: Sequence[_Poll], problems: Iterator[Problem]) -> Finding:
    return finding(len(polls), list(problems))


def _indexes(polls: Sequence[_Poll]) -> Iterator[Problem]:
    for poll in polls:
        index = poll.call.x_index or 0
        if index == 0:
            yield told(f"index 0 would make a blocking query spin: {describe(poll.call)}", poll.call)
        elif index < poll.waited_at and not poll.call.has_no_one_server:
            yield told(f"index {index} after {poll.waited_at}: {describe(poll.call)}", poll.call)


def _shown(polls: Sequence[_Poll], changes: Mapping[str, Sequence[Change]], modes: set[Mode]) -> Finding:
    """Whether polls of some modes show what the writers did."""
    looks = [poll for poll in polls if poll.call.asked.mode in modes]
    problems: list[Problem] = []
    for name in sorted({*changes, *(name for poll in looks for name in poll.shown)}):
        sights = [poll.sight._replace(value=poll.shown.get(name)) for poll in looks if poll.covers(name)]
        strict = Mode.STALE not in modes
        problems += follow(
            changes.get(name, ()), sights, must_show=_done_before if strict else _never, keeps_order=strict
        )
    problems += [
        told(f"phantom: {name} in {describe(poll.call)}", poll.call)
        for poll in looks
        for name in poll.shown
        if not poll.covers(name)
    ]
    return finding(len(looks), problems)


def _done_before(change: Change, sight: Sight) -> bool:
    return change.ended_ms < sight.invoked_ms


def _never(change: Change, sight: Sight) -> bool:
    del change, sight
    return False


def _woken(polls: Sequence[_Poll], changes: Mapping[str, Sequence[Change]], faulty: Sequence[Trouble]) -> Finding:
    """Whether who waited was told of each change in time. Judged are changes to what somebody waited for."""
    judged = 0
    problems: list[Problem] = []
    for poll in polls:
        news = [
            (max(change.ended_ms, poll.sight.invoked_ms), name, change)
            for name in (changes if poll.waits else ())
            if poll.covers(name)
            for change in _news(poll, name, changes[name])
        ]
        judged += len(news)
        if not news:
            continue
        began_ms, name, change = min(news, key=lambda one: one[0])
        if poll.sight.returned_ms > settled_ms(faulty, began_ms, WAKE_MS, AFTER_MS):
            late_s = (poll.sight.returned_ms - began_ms) / 1000
            text = f"told {late_s:.1f} s late of {change.value!r} in {name}, changed at line {change.invoked + 1}"
            problems.append(told(f"{text}: {describe(poll.call)}", poll.call))
    return finding(judged, problems)


def _news(poll: _Poll, name: str, changes: Sequence[Change]) -> Iterator[Change]:
    """The changes that surely were none of what a poll knew when it began, and were acknowledged before it ended.

    They began behind it; or what it knew is an earlier change of the same writer. Of a change that nobody knows of the
    effect may come late, behind others: from it nothing follows.
    """
    held = poll.known.get(name, ABSENT)
    same = [number for number, one in enumerate(changes) if one.value == held and one.invoked < poll.sight.invoked]
    known = same[-1] if same else -1 if held == ABSENT else len(changes)
    if any(not changes[number].is_known for number in same):
        known = len(changes)
    for number, change in enumerate(changes):
        is_new = change.invoked > poll.sight.invoked or number > known
        if is_new and _matters(number, changes) and change.ended_ms < poll.sight.returned_ms:
            yield change


def _matters(number: int, changes: Sequence[Change]) -> bool:
    """Whether a change surely changed something: the removal of what is not there does not."""
    before = changes[number - 1] if number else None
    if changes[number].value == ABSENT and (before is None or not before.is_known or before.value == ABSENT):
        return False
    return changes[number].is_known


def _quiet(polls: Sequence[_Poll], changes: Mapping[str, Sequence[Change]], faulty: Sequence[Trouble]) -> Finding:
    """Whether nobody was woken for nothing."""
    waited = [poll for poll in polls if poll.waits and _is_peaceful(poll, faulty) and not _is_absent_key(poll)]
    problems: list[Problem] = []
    for poll in waited:
        if poll.lasted_ms >= poll.wait_ms - _EARLY_MS or poll.shown != poll.known:
            continue
        if poll.call.x_index == poll.waited_at or not _may_have_changed(poll, changes):
            text = f"woken after {poll.lasted_ms / 1000:.3f} s of {poll.wait_ms / 1000:.3f} s, and nothing changed"
            problems.append(told(f"{text}: {describe(poll.call)}", poll.call))
    return finding(len(waited), problems, enough=0 if faulty else 1)


def _is_absent_key(poll: _Poll) -> bool:
    return "/" in poll.target and not poll.known


def _may_have_changed(poll: _Poll, changes: Mapping[str, Sequence[Change]]) -> bool:
    """Whether something was done to it around this time, be it that it is again as before."""
    return any(
        change.invoked < poll.sight.returned and change.ended_ms + AFTER_MS > poll.sight.invoked_ms
        for name, done in changes.items()
        if poll.covers(name)
        for change in done
    )


def _is_peaceful(poll: _Poll, faulty: Sequence[Trouble]) -> bool:
    usual_ms = poll.lasted_ms
    return settled_ms(faulty, poll.sight.invoked_ms, usual_ms, AFTER_MS) == poll.sight.invoked_ms + usual_ms


def _waits(
    polls: Sequence[_Poll], failed: Sequence[Call], history: Sequence[Op], faulty: Sequence[Trouble]
) -> Iterator[Problem]:
    """Polls that took too long while nothing was wrong, with an answer in the end or without one."""
    took = [(poll.call, poll.sight.returned_ms) for poll in polls]
    took += [(call, history[call.ended].time_ms) for call in failed if call.ended is not None]
    for call, ended_ms in took:
        value = call.asked.value
        wait_ms = value[1] if isinstance(value, tuple) else 0
        assert isinstance(wait_ms, int | float), "a poll is asked with its wait"
        if ended_ms > settled_ms(faulty, call.time_ms, wait_ms_max(wait_ms) + LATE_MS, AFTER_MS):
            lasted_s = (ended_ms - call.time_ms) / 1000
            yield told(f"took {lasted_s:.1f} s with a wait of {wait_ms / 1000:.1f} s: {describe(call)}", call)
