"""The catalog: what was registered and acknowledged is there, what was deregistered stays gone, the agent's truth wins.

Two sorts of instances, told apart by the name of their node:

* Those of an agent (`register`, `deregister` at the agent) have one writer each. The agent itself shows at once what it
  answered (`local`). The catalog is a copy: it may lag behind within bounds, but never goes back in a read that is not
  stale, and shows nothing that was never registered. What somebody takes out of the catalog behind the agent's back
  (`erase`) comes back.
* Those that are written into the catalog (`put`, `remove`), on nodes without an agent, are registers: reads and writes
  of each are linearizable.

Bounds. A change that an agent has taken is told to the servers at once (Consul's document `internals/anti-entropy`):
`PROMPT_MS` is room for a loaded host. When that fails the agent tries again: Consul after 15 to 30 s, or within 6 s
when it sees a server come up; Lictor after at most 15 s, or within 3 s: `AFTER_MS` is the longer one, and room.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from lictor_jepsen.checker.enough import enough
from lictor_jepsen.checker.follow import Change, Sight, change_of, follow
from lictor_jepsen.checker.linearizable import linearizable
from lictor_jepsen.checker.stale import index_monotonic
from lictor_jepsen.checker.telling import describe, told
from lictor_jepsen.checker.trouble import Trouble, settled_ms, troubles
from lictor_jepsen.checker.verdict import Finding, Problem, Verdict, finding, joined
from lictor_jepsen.history import Call, calls
from lictor_jepsen.op import ABSENT, OUTSIDE, Invocation, Kind, Mode, Op, Value

__all__ = ["AFTER_MS", "CHANGES", "COMPARED_MS", "PROMPT_MS", "READS", "catalog", "rows"]

CHANGES: Final = frozenset({"register", "deregister", "put", "remove"})
READS: Final = frozenset({"health", "list"})
"""The reads of a service in the catalog: by `/v1/health/service`, and by `/v1/catalog/service`."""
PROMPT_MS: Final = 5_000.0
"""How long what an agent took may lack in the catalog while nothing is wrong."""
AFTER_MS: Final = 35_000.0
"""How long after the last fault agent and catalog may differ."""
COMPARED_MS: Final = 15_000.0
"""How long what is erased may lack: two of the intervals that the workload sets (`ae_interval`), and room."""
_SHOWN_MODES: Final = {
    "consistent": frozenset({Mode.CONSISTENT}),
    "default": frozenset({Mode.DEFAULT, Mode.CONSISTENT}),
}


class _Story(NamedTuple):
    """What the history tells of one service."""

    history: Sequence[Op]
    calls: Sequence[Call]
    faulty: Sequence[Trouble]

    @property
    def reads(self) -> list[Call]:
        return [call for call in self.calls if call.asked.f in READS and call.kind is Kind.OK]

    def settled_ms(self, moment_ms: float, usual_ms: float = PROMPT_MS) -> float:
        return settled_ms(self.faulty, moment_ms, usual_ms, AFTER_MS)


def catalog(history: Sequence[Op]) -> dict[str, Finding]:
    """The findings, by what they are about. Raises `HistoryError` for what is no history."""
    made = calls(history)
    faulty = troubles(history)
    services: dict[str, list[Call]] = {}
    for call in made:
        services.setdefault(call.asked.key, []).append(call)
    stories = [_Story(history, found, faulty) for found in services.values()]
    groups = {"changes": [call for call in made if call.asked.f in CHANGES]}
    groups["reads of agents"] = [call for call in made if call.asked.f == "local"]
    for mode in (Mode.DEFAULT, Mode.CONSISTENT, Mode.STALE):
        groups[f"{mode} reads"] = [call for call in made if call.asked.mode is mode]
    return {
        "agents": _together(_agents(story) for story in stories),
        "consistent": _together(_shown(story, _SHOWN_MODES["consistent"]) for story in stories),
        "default": _together(_shown(story, _SHOWN_MODES["default"]) for story in stories),
        "stale": _together(_stale(story) for story in stories),
        "index": _together(_indexes(story) for story in stories),
        "agreement": _agreement([call for call in made if call.asked.f == "agree"]),
        "enough": enough(groups),
    }


def _together(findings: Iterable[Finding]) -> Finding:
    """Those of all services as one. What was not judged is unknown."""
    found = joined(findings)
    return found if found.judged else finding(0, found.problems)


def rows(value: Value) -> dict[str, Value]:
    """What a read showed: the values of instances, by their names `node/id`."""
    shown: dict[str, Value] = {}
    for row in value if isinstance(value, tuple) else ():
        assert isinstance(row, tuple), "a row is the name of an instance and its value"
        name, held = row
        shown[str(name)] = held
    return shown


def _instance(call: Call) -> str:
    """The name of the instance that a change is about."""
    if call.asked.f in ("put", "remove"):
        return f"{OUTSIDE}{call.asked.key}/{call.asked.key}"
    thread = call.asked.value[0] if isinstance(call.asked.value, tuple) else call.asked.value
    return f"{call.node}/{call.asked.key}-{thread}"


def _set(call: Call) -> Value:
    """What the instance holds after a change."""
    value = call.asked.value
    return (
        value[1]
        if call.asked.f == "register" and isinstance(value, tuple)
        else value
        if call.asked.f == "put"
        else ABSENT
    )


def _changes(story: _Story) -> dict[str, list[Change]]:
    """What agents were told, by instance. What nobody knows of is over when a later change has settled."""
    told: dict[str, list[Change]] = {}
    for call in story.calls:
        if call.asked.f in ("register", "deregister"):
            change = change_of(call, story.history, _set(call))
            if change is not None:
                told.setdefault(_instance(call), []).append(change)
    return {name: list(_with_ends(changes, story)) for name, changes in told.items()}


def _with_ends(changes: Sequence[Change], story: _Story) -> Iterator[Change]:
    for number, change in enumerate(changes):
        later = [story.settled_ms(other.ended_ms) for other in changes[number + 1 :] if other.is_known]
        yield change if change.is_known else change._replace(gone_ms=min(later, default=float("inf")))


def _sight(call: Call, story: _Story, name: str) -> Sight:
    assert call.returned is not None, "a read that is ok has ended"
    returned_ms = story.history[call.returned].time_ms
    where = f"{name} in {call.asked.f} {call.asked.mode}".strip() + f" at {call.node}"
    return Sight(rows(call.value).get(name, ABSENT), call.invoked, call.returned, call.time_ms, returned_ms, where)


def _agents(story: _Story) -> Finding:
    """What agents show of themselves is what they were told."""
    changes = _changes(story)
    looks = [call for call in story.calls if call.asked.f == "local" and call.kind is Kind.OK]
    problems: list[Problem] = []
    for name in sorted({*changes, *(name for look in looks for name in rows(look.value))}):
        node = name.partition("/")[0]
        sights = [_sight(look, story, name) for look in looks if look.node == node]
        problems += follow(changes.get(name, ()), sights, must_show=_done_before, keeps_order=True)
    return finding(len(looks), problems, enough=0)


def _done_before(change: Change, sight: Sight) -> bool:
    return change.ended_ms < sight.invoked_ms


def _shown(story: _Story, modes: frozenset[Mode]) -> Finding:
    """What the catalog shows in reads that are not stale."""
    reads = [read for read in story.reads if read.asked.mode in modes]
    problems: list[Problem] = []
    unknown: list[Problem] = []
    for name in _names(story, reads):
        if name.startswith(OUTSIDE):
            found = linearizable(list(_register(story, reads, name)))
            (problems if found.verdict is not Verdict.UNKNOWN else unknown).extend(found.problems)
        else:
            problems += _copied(story, reads, name)
    if unknown and not problems:
        return Finding(Verdict.UNKNOWN, len(reads), tuple(unknown))
    return finding(len(reads), problems, enough=0)


def _names(story: _Story, reads: Iterable[Call]) -> list[str]:
    """The instances that were asked for or seen."""
    asked = {_instance(call) for call in story.calls if call.asked.f in CHANGES}
    return sorted(asked | {name for read in reads for name in rows(read.value)})


def _register(story: _Story, reads: Sequence[Call], name: str) -> Iterator[Call]:
    """The calls that read and write one instance outside, as those of a register."""
    shown = {read.invoked for read in reads}
    for call in story.calls:
        if call.asked.f in ("put", "remove") and _instance(call) == name:
            yield call._replace(asked=Invocation("write", name, _set(call)), value=_set(call))
        elif call.invoked in shown:
            value = rows(call.value).get(name, ABSENT)
            yield call._replace(asked=Invocation("read", name, mode=call.asked.mode), value=value)


def _copied(story: _Story, reads: Sequence[Call], name: str) -> Iterator[Problem]:
    """What the catalog has of an agent's instance: late within bounds, and never back."""
    changes = _changes(story).get(name, [])
    due = {change.invoked: story.settled_ms(change.ended_ms) for change in changes if change.is_known}
    holes = [*_holes(story, name)]
    sights = [
        sight
        for sight in (_sight(read, story, name) for read in reads)
        if sight.value != ABSENT or not any(begun < sight.returned and sight.invoked_ms <= ms for begun, ms in holes)
    ]
    return follow(
        changes, sights, must_show=lambda change, sight: due[change.invoked] <= sight.invoked_ms, keeps_order=True
    )


def _holes(story: _Story, name: str) -> Iterator[tuple[int, float]]:
    """Where an instance may lack because somebody erased it: from a line of the history until a time."""
    for call in story.calls:
        if call.asked.f == "erase" and _instance(call) == name and call.kind is not Kind.FAIL:
            erased = change_of(call, story.history, ABSENT)
            assert erased is not None, "what did not fail may have been done"
            yield call.invoked, story.settled_ms(erased.ended_ms, COMPARED_MS) if erased.is_known else float("inf")


def _stale(story: _Story) -> Finding:
    """Stale reads show nothing that was never registered."""
    reads = [read for read in story.reads if read.asked.mode is Mode.STALE]
    begun: dict[tuple[str, Value], int] = {}
    for call in story.calls:
        if call.asked.f in CHANGES and call.kind is not Kind.FAIL:
            begun.setdefault((_instance(call), _set(call)), call.invoked)
    problems = [
        told(f"phantom: {name} {value!r} in {describe(read)}", read)
        for read in reads
        for name, value in rows(read.value).items()
        if begun.get((name, value), read.returned or 0) >= (read.returned or 0)
    ]
    return finding(len(reads), problems, enough=0)


def _indexes(story: _Story) -> Finding:
    return joined(
        index_monotonic(
            [read._replace(asked=read.asked._replace(f="read")) for read in story.reads if read.asked.f == f]
        )
        for f in sorted(READS)
    )


def _agreement(looks: Sequence[Call]) -> Finding:
    """In the end the catalog has what the agents have; each look waited for that as long as it may take."""
    problems: list[Problem] = []
    well = [look for look in looks if look.kind is Kind.OK]
    for look in well:
        assert isinstance(look.value, tuple), "a look is what agents have, and what the catalog has"
        agents, shown = (rows(part) for part in look.value)
        for name in sorted({*agents, *shown}):
            if agents.get(name) != shown.get(name):
                text = f"{name} is {agents.get(name)!r} at its agent and {shown.get(name)!r} in the catalog"
                problems.append(told(f"{text}, {AFTER_MS / 1000:.0f} s after all faults: {describe(look)}", look))
    if not problems and len(well) < len(looks):
        lacking = [look for look in looks if look.kind is not Kind.OK]
        return Finding(Verdict.UNKNOWN, len(well), (told(f"not answered: {describe(lacking[0])}", lacking[0]),))
    return finding(len(well), problems)
