"""Servers that apply one log, each at its own pace, and what must hold of them at every moment."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from lictor_core.codec import decode_proposal, encode_proposal
from lictor_core.commands import Command, Outcome, Proposal
from lictor_core.feed import Bookmark
from lictor_core.narrowing import base_of, narrowed
from lictor_core.queries import (
    AllServiceHealthQuery,
    BehindGatewayQuery,
    ConfigEntriesQuery,
    DiscoveryChainQuery,
    GatewayServicesQuery,
    IntentionMatchQuery,
    NodesInFullQuery,
    NodesQuery,
    PreparedQueriesQuery,
    Query,
    RolesQuery,
    ServiceHealthQuery,
    ServicesQuery,
    TokensQuery,
    TreeQuery,
)
from lictor_core.view import View
from lictor_server.state import Change, Store, Watches, answer, apply, apply_proposal
from lictor_server.state.snapshot import restore, state_hash, take
from lictor_server.streams.publisher import Publisher, Standing
from tests.server.state.questions import ALL, Question, without_outputs
from tests.server.state.restores import restore_commands, saved
from tests.simulation_state.workload import Workload

__all__ = ["Apply", "Report", "World", "deaf", "forgetful", "run"]

SERVERS: Final = 3
FIRST: Final = 3
_RESTORED_BYTES: Final = 20_000
_CLUSTER: Final = "cluster"

_FOLLOWED: Final[tuple[Query[object], ...]] = (
    ServiceHealthQuery(service="web"),
    ServiceHealthQuery(service="web", passing=True, filter='"t1" in Service.Tags'),
    ServiceHealthQuery(service="db", connect=True, filter="Service.Port == 80"),
    NodesQuery(filter="Meta.rack == 1"),
    ServicesQuery(),
    NodesInFullQuery(),
    AllServiceHealthQuery(),
    BehindGatewayQuery(gateway="out"),
    GatewayServicesQuery(gateway="in"),
    ConfigEntriesQuery(),
    DiscoveryChainQuery(service="web"),
    IntentionMatchQuery(by="destination", name="db"),
    PreparedQueriesQuery(),
    TokensQuery(),
    RolesQuery(),
    TreeQuery(prefix="x"),
)

Apply = Callable[[Store, int, Proposal], tuple[Outcome, Change]]
"""How a server carries out a proposal: `apply_proposal`, or one with a planted mistake."""


@dataclass
class Report:
    """How a run ended; the first violation of each kind is enough."""

    seed: int
    violations: dict[str, str] = field(default_factory=dict[str, str])
    applied: int = 0
    refused: int = 0
    repeated: int = 0
    restored: int = 0
    starts: int = 0
    moves: int = 0

    def note(self, kind: str, detail: str) -> None:
        """A violation."""
        self.violations.setdefault(kind, detail)


class Server:
    """A store and who waits for it, as far in the log as `applied`."""

    def __init__(self, name: str, store: Store, applied: int) -> None:
        self.name = name
        self.store = store
        self.applied = applied
        self.publishers = {query: Publisher(base_of(query), self._look(base_of(query))) for query in _FOLLOWED}

    def _look(self, query: Query[object]) -> Callable[[], Standing]:
        topics = query.topics()

        def look() -> Standing:
            bookmark = Bookmark(_CLUSTER, self.store.stamp(topics))
            return Standing(bookmark, self.store.wake_index(topics), answer(self.store, query))

        return look


class Follower:
    """An agent's views, of which each is fed by one server at a time."""

    def __init__(self) -> None:
        self.views = {query: View(base_of(query)) for query in _FOLLOWED}
        self.server: Server | None = None
        self._numbers: dict[Query[object], int] = {}

    def catch_up(self, server: Server) -> None:
        """Take what `server` tells, from the beginning where it is another one than before."""
        for query, view in self.views.items():
            publisher = server.publishers[query]
            publisher.refresh()
            if server is not self.server:
                number = publisher.number_after(view.bookmark)
                if number is None:
                    for piece in publisher.snapshot():
                        view.apply(piece)
                    number = publisher.next_number
                elif number == publisher.next_number:
                    view.apply(publisher.standing())
            else:
                number = self._numbers[query]
            for each in range(number, publisher.next_number):
                for item in publisher.items(each):
                    view.apply(item)
            self._numbers[query] = publisher.next_number
        self.server = server


class World:
    """A log that grows, servers that follow it, an agent with views."""

    def __init__(self, seed: int, apply_to: Apply = apply_proposal) -> None:
        self.report = Report(seed)
        self._apply = apply_to
        self._chance = random.Random(seed)
        self._workload = Workload(self._chance)
        self._log: list[bytes] = []
        self._outcomes: dict[int, Outcome] = {}
        self._hashes: dict[int, str] = {}
        self._requests: dict[bytes, Outcome] = {}
        self._old: bytes = b""
        self._restoring: list[Command] = []
        self.servers = [Server(f"s{number}", Store("dc1"), FIRST - 1) for number in range(SERVERS)]
        self._follower = Follower()

    @property
    def _end(self) -> int:
        return FIRST - 1 + len(self._log)

    def step(self) -> None:
        """Something happens."""
        chance, first = self._chance, self.servers[0]
        roll = chance.random()
        if roll < 0.6:
            self._write()
        elif roll < 0.85:
            server = chance.choice(self.servers[1:])
            for _ in range(chance.randrange(1, 20)):
                self._advance(server)
        elif roll < 0.93:
            self._start(chance.choice(self.servers))
        elif roll < 0.96:
            self._move()
        elif not self._restoring:
            if self._old and chance.random() < 0.3:
                self._restoring = restore_commands(self._old, id=str(self._end), piece_bytes=_RESTORED_BYTES)
                self.report.restored += 1
            else:
                self._old = saved(first.store)

    def finish(self) -> None:
        """All get to the end, and are alike."""
        for server in self.servers:
            while server.applied < self._end:
                self._advance(server)
        if len({state_hash(server.store) for server in self.servers}) != 1:
            self.report.note("alike", "the servers differ at the end")
        self._move()

    def _write(self) -> None:
        """The first server is always at the end of the log."""
        chance, first = self._chance, self.servers[0]
        if self._requests and chance.random() < 0.05:
            request = chance.choice(list(self._requests))
            proposal = Proposal(request, first.store.index, True, self._workload.command(first.store))
            self.report.repeated += 1
        else:
            command = self._restoring.pop(0) if self._restoring else self._workload.command(first.store)
            request = b"%d" % len(self._log) if chance.random() < 0.5 else b""
            proposal = Proposal(request, first.store.index, False, command)
        self._log.append(encode_proposal(proposal))
        self._watched(first, proposal)

    def _advance(self, server: Server) -> None:
        if server.applied < self._end:
            server.applied += 1
            proposal = decode_proposal(self._log[server.applied - FIRST])
            outcome, _ = self._apply(server.store, server.applied, proposal)
            self._compare(server, outcome)

    def _compare(self, server: Server, outcome: Outcome) -> None:
        self.report.applied += 1
        index = server.applied
        if self._outcomes.setdefault(index, outcome) != outcome:
            self.report.note("alike", f"{server.name} has another outcome at {index}: {outcome}")
        if index % 7 == 0:
            found = state_hash(server.store)
            if self._hashes.setdefault(index, found) != found:
                self.report.note("alike", f"{server.name} has another state at {index}")

    def _start(self, server: Server) -> None:
        """A server starts anew, from its own snapshot or from that of one that is further on."""
        ahead = [one for one in self.servers if one.applied >= server.applied]
        source = self._chance.choice([server, *ahead])
        before = state_hash(source.store)
        store = restore(take(source.store))
        if state_hash(store) != before:
            self.report.note("snapshots are whole", f"what {source.name} saved at {source.applied} is another state")
        place = self.servers.index(server)
        self.servers[place] = Server(server.name, store, source.applied)
        self.report.starts += 1

    def _move(self) -> None:
        """The agent asks a server that is not behind what it knows."""
        views = self._follower.views
        current = [
            server
            for server in self.servers
            if all(view.stamp <= server.store.stamp(query.topics()) for query, view in views.items())
        ]
        if not current:
            return
        server = self._chance.choice(current)
        self._follower.catch_up(server)
        self.report.moves += 1
        for query, view in views.items():
            if narrowed(query, view.value) != answer(server.store, query):
                self.report.note("views are true", f"{query} at {server.applied}")
            if view.index != server.store.wake_index(query.topics()):
                self.report.note("views are true", f"the index of {query} at {server.applied}")

    # The laws of one command, on the first server.

    def _watched(self, server: Server, proposal: Proposal) -> None:
        store, watches = server.store, Watches()
        fired: set[str] = set()
        for one in ALL:
            watches.add(one.topics, partial(fired.add, one.name))
        before = [(one.ask(store), store.wake_index(one.topics), store.stamp(one.topics)) for one in ALL]
        server.applied += 1
        outcome, change = self._apply(store, server.applied, proposal)
        if change:
            watches.fire(change)
        self._compare(server, outcome)
        known = self._requests.get(proposal.request) if proposal.request else None
        if proposal.again:
            if outcome != known and outcome.rejection is None:
                self.report.note("requests are done once", f"{proposal} came to {outcome} after {known}")
        elif proposal.request:
            self._requests[proposal.request] = outcome
        if change.former is not None:
            self._requests.clear()
        if outcome.rejection is not None:
            self.report.refused += 1
            if change:
                self.report.note("refusals change nothing", f"{proposal.command}")
        for one, (value, wake, stamp) in zip(ALL, before, strict=True):
            self._judge(one, store, proposal.command, change, value, wake, stamp, woke=one.name in fired)

    def _judge(
        self,
        one: Question,
        store: Store,
        command: Command,
        change: Change,
        value: object,
        wake: int,
        stamp: int,
        *,
        woke: bool,
    ) -> None:
        report, new = self.report, one.ask(store)
        new_wake, new_stamp = store.wake_index(one.topics), store.stamp(one.topics)
        if new_wake < wake or new_stamp < stamp:
            report.note("indexes go forward", f"{one.name} at {command}: {wake} to {new_wake}, {stamp} to {new_stamp}")
        if new_wake not in (wake, change.index) or new_stamp not in (stamp, change.index):
            report.note("indexes are those of changes", f"{one.name} at {command}: {new_wake}, {new_stamp}")
        if woke != (new_wake > wake):
            report.note("who waits is woken", f"{one.name} at {command}: {wake} to {new_wake}, woke: {woke}")
        if change.former is None and without_outputs(new) != without_outputs(value) and not woke:
            report.note("who waits is woken", f"{one.name} slept through {command}")
        if new != value and new_stamp == stamp:
            report.note("stamps tell answers apart", f"{one.name} at {command}")


def run(seed: int, *, steps: int = 150, apply_to: Apply = apply_proposal) -> Report:
    """One run. An exception is a violation, too: `apply` never raises."""
    world = World(seed, apply_to)
    try:
        for _ in range(steps):
            world.step()
        world.finish()
    except Exception as error:  # whatever it is, it would end every server that has this log
        world.report.note("nothing is raised", f"{type(error).__name__}: {error}")
    return world.report


def forgetful(store: Store, index: int, proposal: Proposal) -> tuple[Outcome, Change]:
    """A planted mistake: requests that come again are carried out again."""
    return apply(store, index, proposal.command)


def deaf(store: Store, index: int, proposal: Proposal) -> tuple[Outcome, Change]:
    """A planted mistake: nobody is told of what goes."""
    outcome, change = apply_proposal(store, index, proposal)
    return outcome, Change(change.index) if change.retired else change
