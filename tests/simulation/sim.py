"""One run: voters, network, disks and clock moved by a seed, one small step at a time."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Generator
from contextlib import contextmanager

from lictor_core.codec import encode_proposal
from lictor_core.commands import Proposal
from lictor_server.raft.core import RaftCore
from lictor_server.raft.members import PEERS_KIND, decoded
from lictor_server.raft.outcome import Reason
from tests.simulation.clock import VirtualClock, virtual
from tests.simulation.disk import Disk, DiskLog, Snapshot
from tests.simulation.invariants import Invariants, Kept
from tests.simulation.network import Link, LinkWire, Network
from tests.simulation.operator import next_set
from tests.simulation.snapshots import Snapshots
from tests.simulation.voters import SETTINGS, Make, Voter, production
from tests.simulation_state.workload import Workload
from tests.support.peers import peers

__all__ = ["Report", "Simulation", "run"]

HEALED_S = 20.0
"""Virtual time between the end of all faults and the last look."""
FAULT_SHARES = (0.003, 0.01, 0.03)
"""Of all steps, by seed: few faults let long logs grow, many cut elections short."""
CLOCK_RATES = (0.95, 1.05)
"""How fast the clocks of servers run, at least and at most."""
LOOKS_SHARE = 0.1
"""Of all steps, those at which somebody reads what a server has."""
SPARES = 2
"""Servers beside the founders, blank until they are added."""
DEFINITE = frozenset({Reason.QUEUE_FULL, Reason.MISSING_LEADER, Reason.NOT_LEADER, Reason.DISCARDED})


@dataclasses.dataclass
class Life:
    """A server between a start and a crash."""

    voter: Voter
    log: DiskLog
    kept: Kept
    snapshots: Snapshots | None
    """None where logs are kept whole."""

    @property
    def core(self) -> RaftCore:
        """The production core; there is no other where servers come and go."""
        assert isinstance(self.voter, RaftCore), "stock pysyncobj has fixed peers"
        return self.voter


@dataclasses.dataclass(frozen=True)
class Report:
    """How a run ended."""

    seed: int
    violations: dict[str, str]
    acknowledged: int
    reads: int
    lease_reads: int
    stale_reads: int
    changes: int
    """Peer sets that came into effect somewhere after the first."""
    transfers: int
    """Times that leadership was handed over."""
    installs: int
    """Snapshots of a leader that came whole and were judged."""
    term: int


STALL_SHARES = (0.0, 0.0, 0.0001, 0.001)
"""Of the looks at the clock: how many come late, by run."""


class Simulation:
    """N founders and some spare servers. Use within `live()`, which puts pysyncobj onto the virtual clock.

    With `fixed` nobody joins or leaves: stock pysyncobj is given its peers.
    """

    def __init__(
        self, seed: int, *, voters: int = 3, make: Make = production, write_through: bool = False, fixed: bool = False
    ) -> None:
        self.seed = seed
        self.chance = random.Random(seed)
        stalls = random.Random(f"stalls of {seed}")
        self.clock = VirtualClock() if fixed else VirtualClock(stalls, stalls.choice(STALL_SHARES))
        self.founders = [f"n{number + 1}" for number in range(voters)]
        self.nodes = self.founders + [f"s{number + 1}" for number in range(0 if fixed else SPARES)]
        self.network = Network(self.nodes, self.chance)
        self.disks = {node: Disk() for node in self.nodes}
        self.rates = {node: self.chance.uniform(*CLOCK_RATES) for node in self.nodes}
        self.lives: dict[str, Life] = {}
        self.paused: dict[str, float] = {}
        """Stopped as by SIGSTOP, and until when by the true time."""
        self.invariants = Invariants(lambda: self.clock.true)
        self.sets: set[tuple[int, frozenset[str]]] = set()
        """The index and the voters of every set that ever was in effect somewhere."""
        self.transfers = 0
        self.installs = 0
        self._make = make
        self._write_through = write_through
        self._fixed = fixed
        self._faults = self.chance.choice(FAULT_SHARES)
        self._changes = 0.0 if fixed else self.chance.choice((0.0, 0.02, 0.06))
        self._snapshots = 0.0 if fixed else self.chance.choice((0.0, 0.01, 0.04))
        self._looks = random.Random(f"looks of {seed}")
        self._commands = 0
        self._workload = Workload(random.Random(f"commands of {seed}"))

    @contextmanager
    def live(self) -> Generator[Simulation, None, None]:
        """Start all servers; while inside, time is virtual."""
        with virtual(self.clock, self.chance):
            for node in self.nodes:
                self.start(node)
            self.found()
            yield self

    @contextmanager
    def at(self, node: str) -> Generator[Life, None, None]:
        """Code of a server runs, by its clock."""
        self.clock.rate = self.rates[node]
        life = self.lives[node]
        try:
            yield life
        finally:
            self.clock.rate = 1.0
        if not self._fixed and not life.core.is_blank:
            self.sets.add((life.core.peer_set.index, life.core.peer_set.voters))

    @property
    def running(self) -> list[str]:
        """The servers that can do something just now."""
        return [node for node in self.nodes if node in self.lives and node not in self.paused]

    def start(self, node: str) -> None:
        """Start a server on what its disk holds."""
        log = DiskLog(self.disks[node], SETTINGS, write_through=self._write_through)
        kept = Kept(log.before).saved()

        def apply(index: int, payload: bytes) -> object:
            self.invariants.applied(node, kept, index, payload)
            return index

        def adopt(snapshot: Snapshot) -> None:
            log.before = snapshot.entries
            self.invariants.installed(node, kept, Kept(snapshot.entries).saved())

        self.network.connected(node)
        others = [other for other in self.nodes if other != node]
        self.clock.rate = self.rates[node]
        voter = self._make(node, others, log, LinkWire(self.network, node), apply)
        snapshots = None
        if isinstance(voter, RaftCore):  # made also where chance makes none: who led alone has shortened its log
            snapshots = Snapshots(voter, log, SETTINGS, adopt=adopt, fail=self._fail)
        self.lives[node] = Life(voter, log, kept, snapshots)
        self.clock.rate = 1.0

    def _fail(self, error: Exception) -> None:
        self.invariants.report("no voter ends itself", repr(error))

    def found(self) -> None:
        """Let the first founder begin the cluster, again when it lost that before anybody knew."""
        first = self.founders[0]
        if self._fixed or first not in self.running or not all(life.core.is_blank for life in self.lives.values()):
            return
        if len(self.lives) == len(self.nodes):
            with self.at(first) as life:
                life.core.found(peers(*self.founders))

    def crash(self, node: str) -> None:
        """Take the power from a server; what it was asked is unknown from now on."""
        self.paused.pop(node, None)
        life = self.lives.pop(node)
        if life.snapshots is not None:
            life.snapshots.crash(self.chance)
            self.installs += life.snapshots.installed
        life.log.crash(self.chance)
        self.network.crashed(node)

    def pump(self, node: str) -> None:
        """One pass of a server's loop."""
        with self.at(node) as life:
            life.voter.pump()
            if life.voter.is_leader:
                self.invariants.led(node, life.voter.term, life.log.whole)

    def sync(self, node: str) -> None:
        """A server's fsync ends, and the next begins."""
        with self.at(node) as life:
            life.log.sync()
            life.voter.log_synced()
            if life.snapshots is not None:
                life.snapshots.work()

    def deliver(self, link: Link) -> None:
        """Take one message off a link."""
        message = self.network.take(link)
        if link[1] in self.lives:
            with self.at(link[1]) as life:
                life.voter.receive(link[0], message)

    def deliverable(self) -> list[Link]:
        """The links from which somebody could read now."""
        return [link for link in self.network.deliverable() if link[1] not in self.paused]

    def leaders(self) -> list[str]:
        """Who says that it leads."""
        return [node for node in self.running if self.lives[node].voter.is_leader]

    def submit(self, node: str) -> bytes:
        """Ask a server for a write of a new command."""
        self._commands += 1
        store = self.lives[node].kept.store
        wish = Proposal(b"%d" % self._commands, store.index, False, self._workload.command(store))
        payload = encode_proposal(wish)

        def done(result: object, reason: Reason) -> None:
            if reason is Reason.SUCCESS:
                assert isinstance(result, int)
                disks = {holder: disk.whole() for holder, disk in self.disks.items()}
                self.invariants.acknowledge(result, payload, self._voters_since(node, result), disks)
            elif reason in DEFINITE:
                self.invariants.refused(payload)

        with self.at(node) as life:
            life.voter.submit(payload, done)
        return payload

    def _voters_since(self, node: str, index: int) -> list[frozenset[str]]:
        """The voters of the set in effect at `index`, and of all later ones, by the log of `node`."""
        if self._fixed:
            return [frozenset(self.nodes)]
        sets = [decoded(command, at) for command, at, _ in self.lives[node].log.whole() if command[0] == PEERS_KIND]
        first = max(known.index for known in sets if known.index <= index)
        return [known.voters for known in sets if known.index >= first]

    def read(self, node: str) -> None:
        """Ask a server for a read."""
        floor = self.invariants.read_floor

        def done(reason: Reason) -> None:
            if reason is Reason.SUCCESS:
                self.invariants.read(node, voter.applied_index, floor, by_lease=False)

        with self.at(node) as life:
            voter = life.voter
            voter.read_barrier(done)

    def read_by_lease(self, node: str) -> None:
        """Let a server answer at once, if it may."""
        with self.at(node) as life:
            core = life.core
            if core.lease_holds and core.applied_index >= core.commit_index:
                self.invariants.read(node, core.applied_index, self.invariants.read_floor, by_lease=True)

    def look(self, node: str) -> None:
        """Ask a server for what it has, and how old that may be."""
        with self.at(node) as life:
            age_s = life.core.age_s
            if age_s is not None:
                current_at = self.clock.true - age_s / self.clock.rate
                self.invariants.stale_read(node, life.core.applied_index, current_at)

    def change(self, node: str) -> None:
        """Ask a server to change the peers by one."""
        with self.at(node) as life:
            life.core.change_peers(next_set(life.core.peer_set, self.nodes, self.chance), _whatever)

    def transfer(self, node: str) -> None:
        """Ask a server to hand over leadership, to somebody or to whom it likes."""

        def done(result: object, reason: Reason) -> None:
            self.transfers += reason is Reason.SUCCESS

        with self.at(node) as life:
            life.core.transfer(self.chance.choice([None, *self.nodes]), done)

    def snapshot(self, node: str) -> None:
        """Let a server make a snapshot."""
        with self.at(node) as life:
            if life.snapshots is not None:
                life.snapshots.make()

    def pause(self, node: str, seconds: float) -> None:
        """Stop a server as by SIGSTOP: it does nothing, and what is sent to it waits."""
        self.paused[node] = self.clock.true + seconds

    def resume(self, node: str) -> None:
        """Let a stopped server go on. Whoever asked it meanwhile may be answered before it has looked around."""
        del self.paused[node]
        if not self._fixed and self.chance.random() < 0.5:
            self.read_by_lease(node)
        self._look_now_and_then(node, 0.5)
        for link in self.network.deliverable():
            if link[1] == node:
                for _ in range(len(self.network.links[link])):
                    self.deliver(link)
                self._look_now_and_then(node, 0.5)

    def step(self) -> None:
        """One random step."""
        chance = self.chance
        for node in [node for node, until in self.paused.items() if until <= self.clock.true]:
            self.resume(node)
        running = self.running
        if running:
            self._look_now_and_then(self._looks.choice(running), LOOKS_SHARE)
        if chance.random() < self._faults or not running:
            self._fault()
            return
        if self._changes and chance.random() < self._changes:
            self._administer()
            return
        if self._snapshots and chance.random() < self._snapshots:
            self.snapshot(chance.choice(running))
            return
        roll = chance.random()
        if roll < 0.45:
            if links := self.deliverable():
                self.deliver(chance.choice(links))
        elif roll < 0.70:
            self.pump(chance.choice(running))
        elif roll < 0.80:
            self.sync(chance.choice(running))
        elif roll < 0.86:
            self.clock.advance(chance.choice((0.001, 0.01, 0.05, 0.1)))
        elif roll < 0.94:
            for node in self.leaders():
                self.submit(node)
        elif roll < 0.97:
            for node in self.leaders():
                self.read(node)
        elif not self._fixed:
            for node in self.leaders():
                self.read_by_lease(node)

    def _look_now_and_then(self, node: str, share: float) -> None:
        if not self._fixed and self._looks.random() < share:
            self.look(node)

    def _administer(self) -> None:
        for node in self.leaders():
            if self.chance.random() < 0.9:
                self.change(node)
            else:
                self.transfer(node)

    def _fault(self) -> None:
        chance = self.chance
        roll = chance.random()
        node = chance.choice(self.nodes)
        if roll < 0.22:
            self.network.cut.add(chance.choice(list(self.network.links)))
        elif roll < 0.36:
            self.network.isolate(node)
        elif roll < 0.56:
            self.network.heal()
        elif roll < 0.70:
            if node in self.lives:
                self.crash(node)
        elif node not in self.lives:
            self.start(node)
            self.found()
        elif roll < 0.82:
            if node not in self.paused:
                self.pause(node, chance.uniform(0.05, 2.0))
        elif roll < 0.87:
            self.clock.advance(chance.uniform(0.3, 3.0))

    def settle(self, seconds: float) -> None:
        """End all faults, and let everybody work for `seconds` of virtual time."""
        self.network.heal()
        for node in list(self.paused):
            self.resume(node)
        for node in self.nodes:
            if node not in self.lives:
                self.start(node)
        self.found()
        end = self.clock.true + seconds
        while self.clock.true < end:
            self.quiet_pass()
            self.clock.advance(0.04)

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
        self.clock.steady()
        self.settle(HEALED_S)
        for node in self.leaders():
            self.submit(node)
        self.settle(1.0)
        self.invariants.logs_match({node: life.log.whole() for node, life in self.lives.items()})
        members = self.members()
        lives = {node: self.lives[node] for node in members}
        logs = {node: life.log.whole() for node, life in lives.items()}
        self.invariants.healed({node: life.kept for node, life in lives.items()}, logs)

    def members(self) -> list[str]:
        """The servers of the cluster as its one leader knows it; those removed may stay behind."""
        if self._fixed:
            return self.nodes
        leaders = self.leaders()
        if len(leaders) != 1:
            self.invariants.report("nobody stuck", f"{leaders} lead after healing")
            return []
        core = self.lives[leaders[0]].core
        if not core.peers_committed:
            self.invariants.report("nobody stuck", f"the set of {core.peer_set.index} is not committed after healing")
        return [server.id for server in core.peer_set.servers]

    def report(self) -> Report:
        """The verdict so far."""
        judge = self.invariants
        return Report(
            seed=self.seed,
            violations=dict(judge.violations),
            acknowledged=len(judge.acknowledged),
            reads=judge.reads,
            lease_reads=judge.lease_reads,
            stale_reads=judge.stale_reads,
            changes=max(len(self.sets) - 1, 0),
            transfers=self.transfers,
            installs=self.installs + sum(life.snapshots.installed for life in self.lives.values() if life.snapshots),
            term=max((life.voter.term for life in self.lives.values()), default=0),
        )


def _whatever(result: object, reason: Reason) -> None:
    """Nobody waits for this."""


def run(
    seed: int,
    *,
    steps: int = 3000,
    voters: int | None = None,
    make: Make = production,
    write_through: bool = False,
    fixed: bool = False,
) -> Report:
    """A whole run; 3 or 5 founders by the seed. A failed assertion of the core counts as a violation."""
    simulation = Simulation(
        seed, voters=voters or (3, 5)[seed % 2], make=make, write_through=write_through, fixed=fixed
    )
    with simulation.live():
        try:
            for number in range(steps):
                simulation.step()
                if number % 500 == 499:
                    logs = {node: life.log.whole() for node, life in simulation.lives.items()}
                    simulation.invariants.logs_match(logs)
            simulation.finish()
        except (AssertionError, KeyError, IndexError) as error:
            simulation.invariants.report("no voter ends itself", f"{type(error).__name__}: {error}")
    return simulation.report()
