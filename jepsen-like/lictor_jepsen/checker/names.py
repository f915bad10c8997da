"""DNS against the catalog: what an answer shows was true a short while ago at most.

Every instance has one writer (`follow`), and a number for each state of it, which its address tells. An answer may be
as old as `dns_config.max_stale` lets it be, which the workload sets to `MAX_STALE_MS`; `STALE_MS` adds room for what
both products cannot know (how far the server that they heard from was behind) and for a loaded host. This holds under
all faults: who cannot know how old its picture is has to answer SERVFAIL, which is no answer here.

* `services`: addresses and SRV records of a service. An instance that is well, and has been for longer than that, is in
  each answer that is not cut; no answer has one that is gone or critical for longer.
* `nodes`: addresses of nodes, which stay when their instances go.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from lictor_jepsen.checker.enough import enough
from lictor_jepsen.checker.follow import Change, Sight, change_of, follow
from lictor_jepsen.checker.telling import describe, told
from lictor_jepsen.checker.verdict import Finding, Problem, finding
from lictor_jepsen.history import Call, calls
from lictor_jepsen.op import ABSENT, Kind, Op, Value

__all__ = ["CHANGES", "MAX_STALE_MS", "ROOM_MS", "STALE_MS", "names"]

CHANGES: Final = frozenset({"put", "ail", "remove"})
"""Register an instance that is well, register one that is critical, deregister it."""
_OF_SERVICES: Final = frozenset({"addresses", "servers"})
MAX_STALE_MS: Final = 2_500
ROOM_MS: Final = 2_000.0
"""How much older an answer may be than that: Lictor hears of its server's age once a second; the rest is room."""
STALE_MS: Final = MAX_STALE_MS + ROOM_MS
"""How old an answer may be."""
_Thing = tuple[str, int]
"""An instance, or its node: service and thread."""


_LongDone = Callable[[Change, Sight], bool]
"""Whether an answer must show a change."""


class _Answer(NamedTuple):
    """A question that was answered."""

    call: Call
    sight: Sight
    """Of nothing yet: its times."""
    is_cut: bool
    numbers: tuple[Value, ...]


def names(history: Sequence[Op], stale_ms: float = STALE_MS) -> dict[str, Finding]:
    """The findings, by what they are about: answers may be so old. Raises `HistoryError` for what is no history."""
    made = calls(history)
    answers = [_answer(call, history) for call in made if call.kind is Kind.OK and call.asked.f not in CHANGES]
    of_services = [answer for answer in answers if answer.call.asked.f in _OF_SERVICES]
    of_nodes = [answer for answer in answers if answer.call.asked.f == "node"]
    long_done = _long_done(stale_ms)
    groups = {"changes": [call for call in made if call.asked.f in CHANGES]}
    for f in ("addresses", "servers", "node"):
        groups[f"questions for {f}"] = [call for call in made if call.asked.f == f]
    return {
        "services": _services(made, history, of_services, long_done),
        "nodes": _nodes(made, history, of_nodes, long_done),
        "enough": enough(groups),
    }


def _answer(call: Call, history: Sequence[Op]) -> _Answer:
    assert isinstance(call.value, tuple), "an answer tells whether it was cut, and the numbers"
    assert call.returned is not None, "an answer has ended"
    is_cut, numbers = call.value
    assert isinstance(numbers, tuple), "there may be several numbers"
    where = f"{call.asked.f} of {call.asked.key} at {call.node}"
    sight = Sight(ABSENT, call.invoked, call.returned, call.time_ms, history[call.returned].time_ms, where)
    return _Answer(call, sight, bool(is_cut), numbers)


def _thing(call: Call) -> _Thing:
    value = call.asked.value
    thread = value[0] if isinstance(value, tuple) else value
    assert isinstance(thread, int), "changes, and questions for nodes, name their thread"
    return call.asked.key, thread


def _changes(made: Iterable[Call], history: Sequence[Op], shown: frozenset[str]) -> dict[_Thing, list[Change]]:
    """What was done, by thing: `shown` operations set it to a number, others take it away."""
    found: dict[_Thing, list[Change]] = {}
    for call in made:
        number = call.asked.value[1] if isinstance(call.asked.value, tuple) else ABSENT
        change = change_of(call, history, number if call.asked.f in shown else ABSENT)
        if change is not None:
            found.setdefault(_thing(call), []).append(change)
    return found


def _services(made: Sequence[Call], history: Sequence[Op], answers: Sequence[_Answer], long_done: _LongDone) -> Finding:
    changes = _changes((call for call in made if call.asked.f in CHANGES), history, frozenset({"put"}))
    owners: dict[Value, _Thing] = {
        change.value: thing for thing, done in changes.items() for change in done if change.value != ABSENT
    }
    by_service: dict[str, list[_Answer]] = {}
    for answer in answers:
        by_service.setdefault(answer.call.asked.key, []).append(answer)
    problems = [problem for answer in answers for problem in _strangers(answer, owners)]
    for thing, done in changes.items():
        sights = [*_sights(thing, by_service.get(thing[0], ()), owners)]
        problems += follow(done, sights, must_show=long_done, keeps_order=False)
    return finding(len(answers), problems)


def _strangers(answer: _Answer, owners: Mapping[Value, _Thing]) -> Iterator[Problem]:
    """What nobody ever registered well, and two states of one instance in one answer."""
    seen: set[_Thing] = set()
    for number in answer.numbers:
        owner = owners.get(number)
        if owner is None or owner[0] != answer.call.asked.key:
            yield told(f"phantom: {number!r} in {describe(answer.call)}", answer.call)
        elif owner in seen:
            yield told(f"twice: the instance of thread {owner[1]} in {describe(answer.call)}", answer.call)
        else:
            seen.add(owner)


def _sights(thing: _Thing, answers: Iterable[_Answer], owners: Mapping[Value, _Thing]) -> Iterator[Sight]:
    """What answers show of an instance; one that was cut does not tell that something is absent."""
    for answer in answers:
        value = next((number for number in answer.numbers if owners.get(number) == thing), ABSENT)
        if value != ABSENT or not answer.is_cut:
            yield answer.sight._replace(value=value)


def _long_done(stale_ms: float) -> _LongDone:
    """Whether an answer cannot be so old that it does not show a change."""
    return lambda change, sight: change.ended_ms + stale_ms <= sight.invoked_ms


def _nodes(made: Sequence[Call], history: Sequence[Op], answers: Sequence[_Answer], long_done: _LongDone) -> Finding:
    """Nodes have the address that was written last, also when it was with an instance that is critical or gone."""
    shown = frozenset({"put", "ail"})
    changes = _changes((call for call in made if call.asked.f in shown), history, shown)
    problems: list[Problem] = []
    for thing in sorted({*changes, *(_thing(answer.call) for answer in answers)}):
        mine = [answer for answer in answers if _thing(answer.call) == thing]
        problems += [
            told(f"several: {describe(answer.call)}", answer.call) for answer in mine if len(answer.numbers) > 1
        ]
        sights = [answer.sight._replace(value=answer.numbers[0] if answer.numbers else ABSENT) for answer in mine]
        problems += follow(changes.get(thing, ()), sights, must_show=long_done, keeps_order=False)
    return finding(len(answers), problems)
