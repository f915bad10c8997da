"""A simulation that is told what to do, for the faults that chance finds too seldom."""

from __future__ import annotations

from lictor_core.peers import PeerSet
from lictor_server.raft.outcome import Reason
from tests.simulation.sim import Simulation
from tests.simulation.voters import SETTINGS

__all__ = ["Stage"]


class Stage(Simulation):
    """Servers that work only when named, so that only the one meant stands for election. Clocks run alike."""

    def __init__(self, voters: int) -> None:
        super().__init__(1, voters=voters)
        self.clock.steady()
        self.rates = dict.fromkeys(self.nodes, 1.0)

    def among(self, *nodes: str) -> None:
        """From now on these reach one another, and nobody else anybody."""
        self.network.cut = {link for link in self.network.links if not set(link) <= set(nodes)}

    def work(self, *nodes: str, passes: int = 6) -> None:
        """Messages travel and disks sync while these work, in no time at all."""
        for _ in range(passes):
            for link in self.network.deliverable():
                for _ in range(len(self.network.links[link])):
                    self.deliver(link)
            for node in nodes:
                self.pump(node)
            for node in self.lives:
                self.sync(node)

    def spend(self, seconds: float, *nodes: str) -> None:
        """The same while time passes."""
        end = self.clock.true + seconds
        while self.clock.true < end:
            self.work(*nodes, passes=1)
            self.clock.advance(SETTINGS.tick_s)

    def elect(self, node: str, *voters: str) -> None:
        """Let `node` lead by the votes of these; all others are cut off, and nothing is written yet by anybody else."""
        self.among(node, *voters)
        self.spend(2 * SETTINGS.election_max_s)
        for _ in range(200):
            if self.lives[node].voter.is_leader:
                return
            self.work(node, passes=1)
            self.clock.advance(SETTINGS.tick_s)
        raise AssertionError(f"{node} is not elected by {voters}")

    def write(self, node: str) -> None:
        """A client's write."""
        self.submit(node)

    def changed(self, node: str, peer_set: PeerSet) -> bool:
        """Whether the server accepts the change."""
        answers: list[Reason] = []
        with self.at(node) as life:
            life.core.change_peers(peer_set, lambda result, reason: answers.append(reason))
        return Reason.REQUEST_DENIED not in answers

    @property
    def is_broken(self) -> bool:
        """Whether an invariant is violated."""
        return bool(self.invariants.violations)
