"""One run: voters, network, disks and clock moved by a seed, one small step at a time."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Generator
from contextlib import contextmanager

from lictor_server.raft.outcome import Reason
from tests.simulation.clock import VirtualClock, virtual
from tests.simulation.disk import Disk, DiskLog
from tests.simulation.invariants import Invariants, Kept
from tests.simulation.network import LinkWire, Network
from tests.simulation.voters import Make, Voter, production

__all__ = ["Report", "Simulation", "run"]

HEALED_S = 20.0
"""Virtual time between the end of all faults and the last look."""
FAULT_SHARES = (0.003, 0.01, 0.03)
"""Of all steps, by seed: few faults let long logs grow, many cut elections short."""
DEFINITE = frozenset({Reason.QUEUE_FULL, Reason.MISSING_LEADER, Reason.NOT_LEADER, Reason.DISCARDED})


@dataclasses.dataclass
class Life:
    """A voter between a start and a crash."""

    voter: Voter
    log: DiskLog
    kept: Kept


@dataclasses.dataclass(frozen=True)
class Report:
    """How a run ended."""

    seed: int
    violations: dict[str, str]
    acknowledged: int
    reads: int
    term: int


class Simulation:
    """N voters. Use within `live()`, which puts pysyncobj onto the virtual clock."""

    def __init__(self, seed: int, *, voters: int = 3, make: Make = production, write_through: bool = False) -> None:
        self.seed = seed
        self.chance = random.Random(seed)
        self.clock = VirtualClock()
        self.nodes = [f"n{number + 1}" for number in range(voters)]
        self.network = Network(self.nodes, self.chance)
        self.disks = {node: Disk() for node in self.nodes}
        self.lives: dict[str, Life] = {}
        self.invariants = Invariants(voters)
        self._make = make
        self._write_through = write_through
        self._faults = self.chance.choice(FAULT_SHARES)
        self._commands = 0

    @contextmanager
    def live(self) -> Generator[Simulation, None, None]:
        """Start all voters; while inside, time is virtual."""
        with virtual(self.clock, self.chance):
            for node in self.nodes:
                self.start(node)
            yield self

    def start(self, node: str) -> None:
        """Start a voter on what its disk holds."""
        kept, log = Kept(), DiskLog(self.disks[node], write_through=self._write_through)

        def apply(index: int, payload: bytes) -> object:
            self.invariants.applied(node, kept, index, payload)
            return index

        peers = [peer for peer in self.nodes if peer != node]
        self.lives[node] = Life(self._make(node, peers, log, LinkWire(self.network, node), apply), log, kept)

    def crash(self, node: str) -> None:
        """Take the power from a voter; what it was asked is unknown from now on."""
        self.lives.pop(node).log.crash(self.chance)
        self.network.forget(node)

    def pump(self, node: str) -> None:
        """One pass of a voter's loop."""
        life = self.lives[node]
        life.voter.pump()
        if life.voter.is_leader:
            self.invariants.led(node, life.voter.term, life.log[:])

    def sync(self, node: str) -> None:
        """A voter's fsync ends, and the next begins."""
        life = self.lives[node]
        life.log.sync()
        life.voter.log_synced()

    def deliver(self, link: tuple[str, str]) -> None:
        """Take one message off a link."""
        message = self.network.take(link)
        if link[1] in self.lives:
            self.lives[link[1]].voter.receive(link[0], message)

    def leaders(self) -> list[str]:
        """Who says that it leads."""
        return [node for node, life in self.lives.items() if life.voter.is_leader]

    def submit(self, node: str) -> bytes:
        """Ask a voter for a write of a new command."""
        self._commands += 1
        payload = b"%d" % self._commands

        def done(result: object, reason: Reason) -> None:
            if reason is Reason.SUCCESS:
                assert isinstance(result, int)
                self.invariants.acknowledge(result, payload, (disk.entries for disk in self.disks.values()))
            elif reason in DEFINITE:
                self.invariants.refused(payload)

        self.lives[node].voter.submit(payload, done)
        return payload

    def read(self, node: str) -> None:
        """Ask a voter for a read."""
        floor = self.invariants.read_floor
        voter = self.lives[node].voter

        def done(reason: Reason) -> None:
            if reason is Reason.SUCCESS:
                self.invariants.read(node, voter.applied_index, floor)

        voter.read_barrier(done)

    def step(self) -> None:
        """One random step."""
        chance = self.chance
        up = [node for node in self.nodes if node in self.lives]
        if chance.random() < self._faults or not up:
            self._fault()
            return
        roll = chance.random()
        if roll < 0.45:
            if links := self.network.deliverable():
                self.deliver(chance.choice(links))
        elif roll < 0.70:
            self.pump(chance.choice(up))
        elif roll < 0.80:
            self.sync(chance.choice(up))
        elif roll < 0.86:
            self.clock.advance(chance.choice((0.001, 0.01, 0.05, 0.1)))
        elif roll < 0.95:
            for node in self.leaders():
                self.submit(node)
        else:
            for node in self.leaders():
                self.read(node)

    def _fault(self) -> None:
        chance = self.chance
        roll = chance.random()
        node = chance.choice(self.nodes)
        if roll < 0.25:
            self.network.cut.add(chance.choice(list(self.network.links)))
        elif roll < 0.40:
            self.network.isolate(node)
        elif roll < 0.60:
            self.network.heal()
        elif roll < 0.75:
            if node in self.lives:
                self.crash(node)
        elif node not in self.lives:
            self.start(node)
        elif roll < 0.80:
            self.clock.advance(chance.uniform(0.3, 3.0))

    def settle(self, seconds: float) -> None:
        """End all faults, and let everybody work for `seconds` of virtual time."""
        self.network.heal()
        for node in self.nodes:
            if node not in self.lives:
                self.start(node)
        end = self.clock.monotonic() + seconds
        while self.clock.monotonic() < end:
            self.quiet_pass()
            self.clock.advance(0.02)

    def quiet_pass(self) -> None:
        """Everybody reads what has come, works and syncs, once."""
        for link in self.network.deliverable():
            for _ in range(len(self.network.links[link])):
                self.deliver(link)
        for node in self.nodes:
            if node in self.lives:
                self.pump(node)
                self.sync(node)

    def finish(self) -> None:
        """Heal, write once more, and look at everything."""
        self.settle(HEALED_S)
        for node in self.leaders():
            self.submit(node)
        self.settle(1.0)
        logs = {node: life.log[:] for node, life in self.lives.items()}
        self.invariants.logs_match(logs)
        self.invariants.healed({node: life.kept for node, life in self.lives.items()}, logs)

    def report(self) -> Report:
        """The verdict so far."""
        judge = self.invariants
        term = max((life.voter.term for life in self.lives.values()), default=0)
        return Report(self.seed, dict(judge.violations), len(judge.acknowledged), judge.reads, term)


def run(
    seed: int, *, steps: int = 3000, voters: int | None = None, make: Make = production, write_through: bool = False
) -> Report:
    """A whole run; 3 or 5 voters by the seed. A failed assertion of the core counts as a violation."""
    simulation = Simulation(seed, voters=voters or (3, 5)[seed % 2], make=make, write_through=write_through)
    with simulation.live():
        try:
            for number in range(steps):
                simulation.step()
                if number % 500 == 499:
                    logs = {node: life.log[:] for node, life in simulation.lives.items()}
                    simulation.invariants.logs_match(logs)
            simulation.finish()
        except (AssertionError, KeyError, IndexError) as error:
            simulation.invariants.report("no voter ends itself", f"{type(error).__name__}: {error}")
    return simulation.report()
