"""Who the servers are: what each change of them came to, who led which term, and whether a majority was enough.

Pure. A change waits until the servers agree with it, so a change that is `ok` is judged by what they said; one that
nobody knows of is not held against anybody, since other faults may be at work: what counts then is the end, where all
must be as it should be.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from lictor_jepsen.checker.telling import describe, told
from lictor_jepsen.checker.verdict import Finding, Problem, finding
from lictor_jepsen.history import Call, calls
from lictor_jepsen.op import NEMESIS, Kind, Op, Value

__all__ = ["STEPS", "Server", "judge_members"]

STEPS: Final = frozenset({"grow", "shrink", "replace", "move", "remove"})
"""The operations that change who the servers are."""
_HEALED: Final = "heal"
"""What ends all faults."""


class Server(NamedTuple):
    """A server as the others say that it is."""

    name: str
    id: str
    address: str
    """With the port of its log."""
    votes: bool
    leads: bool


def judge_members(history: Sequence[Op]) -> Mapping[str, Finding]:
    """The findings `members` and `leaders`, and `quorum` where that could be judged.

    That is with three voters at least, while no other fault is at work. Raises `HistoryError` for what is no history.
    """
    done = [call for call in calls(history) if call.kind is Kind.OK]
    found = {
        "members": _members(done),
        "leaders": _leaders(call for call in done if call.asked.f == "look"),
    }
    quorum = _quorum(history, [call for call in done if call.asked.f == "spare"])
    return {**found, "quorum": quorum} if quorum.judged else found


def _members(done: Sequence[Call]) -> Finding:
    """A change is what was asked for; who lost its data is nobody's old self; in the end all are as they should be."""
    steps = [call for call in done if call.asked.f in STEPS]
    ends = [call for call in done if call.asked.f == "settle"]
    problems = [told(f"{text}: {describe(call)}", call) for call in steps for text in _of_step(call)]
    problems += [told(f"{text}: {describe(call)}", call) for call in ends for text in _of_end(call)]
    if not ends:
        return finding(0, problems)  # the end is what counts
    return finding(len(steps), problems)


def _of_step(call: Call) -> Iterator[str]:
    before, after = map(_servers, _both(call.value))
    ids = {server.name: server.id for server in before}
    if len({server.name for server in after}) != len(after):
        yield "a server is there twice"
    if sum(server.leads for server in after) > 1:
        yield "two servers lead"
    if not all(server.votes for server in after):
        yield "a server has no vote"
    kept = [server.name for server in after if ids.get(server.name) == server.id]
    if call.asked.f in ("replace", "move") and before and len(kept) == len(after):
        yield "the server that lost its data is back as its old self"
    if call.asked.f in ("grow", "shrink"):
        count = call.asked.value[0] if isinstance(call.asked.value, tuple) else 0
        if len(after) != count:
            yield f"{len(after)} servers, where {count} were asked for"
        if any(ids.get(server.name, server.id) != server.id for server in after):
            yield "a server changed its id"


def _of_end(call: Call) -> Iterator[str]:
    wanted, found = _both(call.value)
    there = {(server.name, server.address): server.votes for server in _servers(found)}
    names: set[tuple[str, str]] = set()
    for row in wanted:
        assert isinstance(row, tuple), "a name and an address"
        name, address = map(str, row)
        names.add((name, address))
        if not there.get((name, address)):
            yield f"{name} at {address} has no vote in the end"
    for name, address in there.keys() - names:
        yield f"{name} at {address} is still a server in the end"


def _leaders(looks: Iterable[Call]) -> Finding:
    """Never two leaders in a term."""
    first: dict[int, tuple[str, Call]] = {}
    problems: list[Problem] = []
    judged = 0
    for look in looks:
        for row in look.value if isinstance(look.value, tuple) else ():
            assert isinstance(row, tuple), "a look is a row for each server"
            name, state, term = row
            if state != "Leader":
                continue
            assert isinstance(term, int), "terms are numbers"
            judged += 1
            known, before = first.setdefault(term, (str(name), look))
            if known != name:
                problems.append(told(f"{known} and {name} both led term {term}", before, look))
    return finding(judged, problems)


def _quorum(history: Sequence[Op], spared: Sequence[Call]) -> Finding:
    """A majority of the voters serves when nothing else is wrong."""
    problems: list[Problem] = []
    judged = 0
    for call in spared:
        voters, killed, took_ms = call.value if isinstance(call.value, tuple) else (0, 0, 0)
        if took_ms is not None:
            judged += 1
        elif not _disturbed(history, call):
            judged += 1
            problems.append(
                told(f"{killed} of {voters} voters down, and no change went through: {describe(call)}", call)
            )
    return finding(judged, problems)


def _disturbed(history: Sequence[Op], call: Call) -> bool:
    """Whether a fault was at work before the call ended, or might have been: one that began and is not surely over."""
    begun: dict[str, int] = {}
    for position, op in enumerate(history[: call.ended]):
        if op.process == NEMESIS and op.f == _HEALED:
            begun.clear()
        elif op.process == NEMESIS:
            begun[op.f] = begun.get(op.f, 0) + 1
            if position > call.invoked:
                return True
    if call.ended is None:
        return True
    ended_ms = history[call.ended].time_ms
    is_in_the_making = any(op.process == NEMESIS and op.time_ms - op.took_ms < ended_ms for op in history[call.ended :])
    return is_in_the_making or any(count % 2 for count in begun.values())


def _both(value: Value) -> tuple[tuple[Value, ...], tuple[Value, ...]]:
    assert isinstance(value, tuple), "a step tells two things"
    first, second = value
    assert isinstance(first, tuple), "rows"
    assert isinstance(second, tuple), "rows"
    return first, second


def _servers(rows: tuple[Value, ...]) -> list[Server]:
    found: list[Server] = []
    for row in rows:
        assert isinstance(row, tuple), "a row for each server"
        name, one, address, votes, leads = row
        found.append(Server(str(name), str(one), str(address), bool(votes), bool(leads)))
    return found
