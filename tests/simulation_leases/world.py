"""One run: events in virtual time, chosen by a seed."""

from __future__ import annotations

import dataclasses
import heapq
import random
from collections.abc import Callable

from lictor_core.errors import RequestError
from lictor_core.records import Member, MemberStatus
from lictor_server.leases import Answer, KeptLeases, MemberTable, Standing
from lictor_server.leases.kept import Settled
from tests.server.build import member
from tests.simulation_leases.actors import ANSWER_S, LEASE_S, Agent, Connection, Server, Tables

__all__ = ["CRASH_SEEN_S", "LEADERLESS_S", "SILENCE_SEEN_S", "Report", "World"]

TICK_S = 0.1
HEARTBEAT_S = LEASE_S / 10
CALL_S_MAX = 2.0
"""A server gives up a call to the leader after so long."""
RESET_S = 0.2
"""After so long a call is made again whose connection broke."""
RETRY_S = 0.2
"""A digest that was lost is told again after so long, as `vouching` does it."""
LEADERLESS_S = 1.5
"""From the loss of a leader to the next one."""
CUT_OFF_S = 3.0
"""An agent leaves a server that has not heard a leader for so long."""
CRASH_SEEN_S = 3.0
SILENCE_SEEN_S = 15.0
EVER_SEEN_S = 4 * LEASE_S
"""Whatever befell the servers meanwhile."""
WALL = 1_767_225_600.0


@dataclasses.dataclass
class Report:
    """How a run ended: what was wrong, by kind, and what happened."""

    seed: int
    violations: dict[str, str] = dataclasses.field(default_factory=dict[str, str])
    moves: int = 0
    reigns: int = 0
    failures: int = 0
    digests: int = 0
    rows: int = 0


class World:
    """Everything that moves. Times are seconds since the start."""

    def __init__(self, seed: int, agents: int, tables: Tables | None = None) -> None:
        self.random = random.Random(seed)
        self.report = Report(seed)
        self.now = 0.0
        self.wall_jump_s = 0.0
        self.disturbed_at = 0.0
        """When something last happened to a server: before and soon after that nobody promises anything quick."""
        self._tables = tables or Tables()
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._order = 0
        self.servers = [Server(number, self._leases(number, 1)) for number in (1, 2, 3)]
        self.agents = [Agent(number) for number in range(agents)]
        self.leader: Server | None = None
        self._table: MemberTable | None = None
        self._catalog: dict[str, Member] = {}
        self._ended: dict[str, float] = {}
        """The servers whose processes the others saw to end."""
        for server in self.servers:
            self.at(self.random.uniform(0, TICK_S), self._ticking(server, server.life))
        self._lead(self.servers[0])
        for agent in self.agents:
            self.at(self.random.uniform(0, LEASE_S / 3), self._step(agent, self._connect))
        self.at(TICK_S, self._watch)

    # The engine.

    def at(self, delay_s: float, step: Callable[[], None]) -> None:
        """Have something happen."""
        self._order += 1
        heapq.heappush(self._events, (self.now + delay_s, self._order, step))

    def run_for(self, seconds: float) -> None:
        """Let time pass."""
        end = self.now + seconds
        while self._events and self._events[0][0] <= end:
            self.now, _, step = heapq.heappop(self._events)
            step()
        self.now = end

    def _hop(self) -> float:
        return self.random.uniform(0.001, 0.02)

    @property
    def _wall(self) -> float:
        return WALL + self.now + self.wall_jump_s

    def _wrong(self, kind: str, what: str) -> None:
        self.report.violations.setdefault(kind, f"at {self.now:.2f} s: {what}")

    # Servers, and what befalls them.

    def _leases(self, number: int, life: int) -> KeptLeases:
        return self._tables.kept(
            server=f"s{number}",
            server_name=f"s{number}",
            epoch=f"{number}-{life}",
            lease_s=LEASE_S,
            grace_s=self._tables.grace_s,
            leases_max=100_000,
        )

    def kill(self, server: Server, away_s: float | None) -> None:
        """The process ends; its connections break; with `away_s` it is back, without memory, after that."""
        self.disturbed_at = self.now + (away_s or 0.0)
        server.up, server.paused_at, server.telling = False, None, False
        life = server.life
        self.at(self._hop(), lambda: self._see_end(server, life))
        for agent in self.agents:
            if agent.server is server and agent.up:
                self.at(self._hop(), self._step(agent, self._lost))
        if away_s is not None:
            self.at(away_s, lambda: self._restart(server))
        self._unseat(server)

    def _see_return(self, server: Server) -> None:
        if server.up:
            self._ended.pop(server.name, None)

    def lose_link(self, server: Server) -> None:
        """Its connections for the log are lost for a while; the process runs on."""
        self._see_end(server, server.life)
        self.at(self.random.uniform(0.5, LEASE_S), lambda: self._see_return(server))

    def _see_end(self, server: Server, life: int) -> None:
        if server.life == life and not server.cut_off:
            self._ended[server.name] = self.now

    def _restart(self, server: Server) -> None:
        server.life += 1
        self.at(self.random.uniform(0.05, 1.0), lambda: self._see_return(server))
        server.up = True
        server.leases = self._leases(server.number, server.life)
        server.ready_at = self.now
        self._ticking(server, server.life)()
        if self.leader is None:
            self._elect()

    def pause(self, server: Server, pause_s: float) -> None:
        """The process is stopped, and goes on later; nobody is told."""
        self.disturbed_at = self.now + pause_s
        server.paused_at = self.now
        server.goes_on_at = self.now + pause_s
        if pause_s > LEADERLESS_S / 2:
            self._unseat(server)
        life = server.life

        def go_on() -> None:
            if server.life != life or server.paused_at is None:
                return
            paused_s, server.paused_at = self.now - server.paused_at, None
            if self._tables.extends:
                server.leases.extend(paused_s)
            if self.leader is server and self._table is not None and self._tables.extends:
                self._table.extend(paused_s)
            if self.leader is None:
                self._elect()

        self.at(pause_s, go_on)

    def freeze(self, freeze_s: float) -> None:
        """All servers stand still together, as when the machine under them does: the same one leads afterwards."""
        leader, table = self.leader, self._table
        for server in self.servers:
            if server.runs:
                self.pause(server, freeze_s)
        self.leader, self._table = leader, table

    def cut(self, server: Server, cut_s: float) -> None:
        """It reaches no other server for a while; agents reach it."""
        self.disturbed_at = self.now + cut_s
        server.cut_off = True
        self._unseat(server)

        def heal() -> None:
            server.cut_off = False
            if self.leader is None:
                self._elect()

        self.at(cut_s, heal)

    def hand_over(self) -> None:
        """Another server leads, and knows what stands in the catalog."""
        self.disturbed_at = self.now
        former, self.leader, self._table = self.leader, None, None
        self.at(self.random.uniform(0.05, LEADERLESS_S), lambda: self._elect(but=former))

    def _unseat(self, server: Server) -> None:
        if self.leader is server:
            self.leader, self._table = None, None
            self.at(LEADERLESS_S, self._elect)

    def _elect(self, but: Server | None = None) -> None:
        able = [server for server in self.servers if server.runs and not server.cut_off]
        if self.leader is None and len(able) >= 2:
            self._lead(self.random.choice([server for server in able if server is not but]))

    def _lead(self, server: Server) -> None:
        self.leader = server
        self.report.reigns += 1
        self._table = self._tables.members(
            server=server.name,
            server_name=server.name,
            lease_s=LEASE_S,
            grace_s=self._tables.grace_s,
            reap_s=1e6,
            members_max=100_000,
        )
        self._table.begin(member(server.name, id=server.name, role="consul"), self.now, self._wall)
        for one in self._catalog.values():
            if one.name != server.name:
                alive = one.status is MemberStatus.ALIVE
                self._table.assume(one, self.now, self._wall, alive=alive)

    # What servers tell the leader.

    def _ticking(self, server: Server, life: int) -> Callable[[], None]:
        def tick() -> None:
            if server.life != life:
                return
            self.at(TICK_S / 2, tick)
            if not server.runs:
                return
            server.leases.expire(self.now, self._wall)
            server.renew_own(self.now)
            due = server.leases.has_news or self.now >= server.told_at + HEARTBEAT_S
            if due and not server.telling:
                self._tell(server)

        return tick

    def _tell(self, server: Server) -> None:
        """One digest on its way to the leader, which may be lost, or its answer."""
        digest, life = server.leases.digest(), server.life
        server.telling, server.told_at = True, self.now
        self.report.digests += 1
        self.report.rows += len(digest.rows)
        leader, table = self.leader, self._table
        fate = self.random.random()
        reaches = leader is not None and (leader is server or not (leader.cut_off or server.cut_off)) and fate > 0.02

        def settled(answer: Answer | None) -> None:
            if server.life != life or not server.telling:
                return
            if not server.runs:
                self.at(TICK_S, lambda: settled(answer))  # it waits in the socket of a process that stands still
                return
            server.telling = False
            if answer is None:
                server.leases.lost(digest)
                server.told_at = self.now - HEARTBEAT_S + RETRY_S
                return
            server.ready_at = self.now
            for one in server.leases.settle(digest, answer):
                self._judged(server, one)

        def arrive() -> None:
            if leader is None or table is None or self._table is not table or not leader.runs:
                self.at(CALL_S_MAX / 2, lambda: settled(None))
                return
            answer = table.apply(digest, self.now, self._wall)
            self._reconcile()
            if fate > 0.97:
                self.at(RESET_S, lambda: settled(None))
            else:
                self.at(self._hop(), lambda: settled(answer))

        if reaches:
            self.at(self._hop(), arrive)
        else:
            hears_nothing = leader is not None and (leader.cut_off or server.cut_off)
            self.at(CALL_S_MAX if hears_nothing else RESET_S, lambda: settled(None))

    # Agents.

    def _step(self, agent: Agent, step: Callable[[Agent], None]) -> Callable[[], None]:
        """Something that an agent does, unless that process is no more; a stopped one does it later."""
        life = agent.life

        def taken() -> None:
            if agent.life != life or not agent.up or agent.left:
                return
            if agent.paused:
                self.at(TICK_S, taken)
            else:
                step(agent)

        return taken

    def _connect(self, agent: Agent) -> None:
        """Go to a server that answers, not the present one if another does."""
        self._hang_up(agent, lives_on=self.random.random() < 0.8)
        able = [server for server in self.servers if server.runs]
        ready = [server for server in able if self.now - server.ready_at < CUT_OFF_S] or able
        others = [server for server in ready if server is not agent.server] or ready
        if not others:
            self.at(self.random.uniform(0.05, 1.0), self._step(agent, self._connect))
            return
        agent.server = self.random.choice(others)
        agent.server_life = agent.server.life
        agent.connection = Connection()
        self.report.moves += 1
        self.at(self._hop(), self._step(agent, self._renew))

    def _hang_up(self, agent: Agent, *, lives_on: bool = False) -> None:
        """The server hears of the end of a connection, unless it stands still: then later.

        With `lives_on` the agent closes it itself and says so, which may get lost.
        """
        server, connection, life = agent.server, agent.connection, agent.server_life
        agent.connection = None
        agent.asked += 1
        agent.waits = False

        def heard() -> None:
            if server is None or server.life != life or not server.up:
                return
            if server.paused_at is not None:
                self.at(server.goes_on_at - self.now + self._hop(), heard)
            else:
                server.leases.close(connection, self.now, lives_on=lives_on)

        if server is not None and connection is not None:
            self.at(self._hop(), heard)

    def _lost(self, agent: Agent) -> None:
        if agent.server is not None and (not agent.server.up or agent.server.life != agent.server_life):
            self._connect(agent)

    def _renew(self, agent: Agent) -> None:
        server, connection = agent.server, agent.connection
        if server is None or connection is None:
            return
        if server.runs and self.now - server.ready_at > CUT_OFF_S and self.leader is not None:
            self._connect(agent)
            return
        agent.asked += 1
        agent.waits = True
        asked, renewal, life, asked_at = agent.asked, agent.renewal(), agent.server_life, self.now

        def arrive() -> None:
            if server.life != life or not server.up or agent.connection is not connection:
                return
            if server.paused_at is not None:
                self.at(server.goes_on_at - self.now + self._hop(), arrive)
                return
            try:
                standing = server.leases.renew(renewal, self.now, connection=connection)
            except RequestError as error:
                self._wrong("a name is refused to its holder", f"{agent.name}: {error}")
                return
            if standing is not Standing.CLAIMED:
                seen = server.leases.seen(agent.name) if standing is Standing.OUTDATED else 0
                self._answer(agent, asked, asked_at, server, seen)

        def give_up(agent: Agent) -> None:
            if agent.asked == asked and agent.waits:
                self._connect(agent)

        self.at(self._hop(), arrive)
        self.at(ANSWER_S, self._step(agent, give_up))

    def _judged(self, server: Server, settled: Settled) -> None:
        if settled.name.startswith("a"):
            agent = self.agents[int(settled.name[1:])]
            if agent.server is server and agent.waits:
                self._answer(
                    agent, agent.asked, self.now, server, 0 if settled.refusal is None else settled.refusal.seen
                )
            if settled.refusal is not None and settled.refusal.code:
                self._wrong("a name is refused to its holder", f"{agent.name}: {settled.refusal.reason}")

    def _answer(self, agent: Agent, asked: int, since: float, server: Server, seen: int) -> None:
        def heard(agent: Agent) -> None:
            if agent.asked != asked or not agent.waits:
                return
            agent.waits = False
            if seen:
                agent.counter = max(agent.counter, seen)
                self._renew(agent)
                return
            agent.granted_by = server.name
            late_s = self.now - since
            if agent.well_since is None and late_s < 1.0:
                agent.well_since, agent.ill_since = self.now, None
            self.at(max(LEASE_S / 3 - late_s, 0.0), self._step(agent, self._renew))

        self.at(self._hop(), self._step(agent, heard))

    # What befalls agents.

    def crash(self, agent: Agent, away_s: float | None) -> None:
        """The process ends, its connection with it; with `away_s` another one is started after that."""
        self._ill(agent)
        self._hang_up(agent)
        agent.up = False
        if away_s is not None:
            self.at(away_s, lambda: self._start(agent))

    def _start(self, agent: Agent) -> None:
        agent.life += 1
        agent.up, agent.granted_by, agent.server = True, "", None
        agent.counter = round(self._wall) * 2**20
        self._connect(agent)

    def vanish(self, agent: Agent) -> None:
        """Its host is lost: nobody hears of the end of its connection."""
        self._ill(agent)
        agent.up = False

    def stop(self, agent: Agent, stop_s: float) -> None:
        """The process stands still for a while."""
        if agent.paused:
            return
        self._ill(agent)
        agent.paused = True

        def go_on() -> None:
            agent.paused = False

        self.at(stop_s, go_on)

    def leave(self, agent: Agent) -> None:
        """It leaves on purpose, by the leader's word."""
        if self.leader is None or self._table is None or agent.server is None or not agent.runs or agent.waits:
            return
        agent.left = True
        agent.well_since = None
        agent.reign_left = self.report.reigns
        at_home = agent.server.runs and agent.server.life == agent.server_life and not agent.server.telling
        agent.was_far = not at_home or self.random.random() < 0.5
        if not agent.was_far:
            agent.server.leases.leave(agent.name)
        self._table.leave(agent.name, self.now)
        self._reconcile()
        if at_home:
            self._hang_up(agent)

    def reconnect(self, agent: Agent) -> None:
        """It goes to another server, as when they were rebalanced."""
        if agent.runs and agent.connection is not None:
            self._connect(agent)

    def _ill(self, agent: Agent) -> None:
        agent.well_since, agent.ill_since = None, self.now

    # What must hold.

    def _reconcile(self) -> None:
        """Bring what changed into the catalog, as the leader does, and look at it."""
        table = self._table
        if table is None:
            return
        for name in sorted(table.take_changed()):
            one = table.member(name)
            if one is None or one.status is MemberStatus.LEFT:
                self._catalog.pop(name, None)
            else:
                self._catalog[name] = one
            if one is not None and name.startswith("a"):
                self._look_at(self.agents[int(name[1:])], one)
            elif one is not None and one.status is MemberStatus.FAILED:
                self._look_at_server(self.servers[int(name[1:]) - 1], one)
        table.take_notes()

    def _look_at(self, agent: Agent, one: Member) -> None:
        if one.status is MemberStatus.FAILED and not one.cause.startswith("it failed again"):
            self.report.failures += 1
            if agent.well_since is not None:
                self._wrong(
                    "the well are not failed", f"{agent.name}, well since {agent.well_since:.2f} s: {one.cause}"
                )

    def _look_at_server(self, server: Server, one: Member) -> None:
        calm = self.now > self.disturbed_at + 2 * LEASE_S
        if calm and server.runs and not server.cut_off and not one.cause.startswith("it failed again"):
            self._wrong("the well are not failed", f"server {server.name}: {one.cause}")

    def _watch(self) -> None:
        self.at(TICK_S, self._watch)
        leader, table = self.leader, self._table
        if leader is None or table is None or not leader.runs:
            return
        table.see_ended(self._ended)
        table.expire(self.now, self._wall)
        self._reconcile()
        for agent in self.agents:
            if agent.ill_since is not None and not agent.left:
                self._look_at_ill(agent, table, self.now - agent.ill_since)

    def _look_at_ill(self, agent: Agent, table: MemberTable, ill_s: float) -> None:
        one = table.member(agent.name)
        shown = one is not None and one.status is MemberStatus.ALIVE
        if not shown or agent.ill_since is None:
            return
        if ill_s > EVER_SEEN_S and self.now > self.disturbed_at + EVER_SEEN_S and not agent.runs:
            self._wrong("the dead are found", f"{agent.name} is shown alive {ill_s:.1f} s after it was not")

    def shown(self, agent: Agent | Server) -> MemberStatus | None:
        """As what the catalog shows it; None when it has no node."""
        one = self._catalog.get(agent.name)
        return None if one is None else one.status

    def check_end(self) -> None:
        """After all faults: everybody is shown as what it is."""
        table = self._table
        if table is None:
            self._wrong("there is a leader", "nobody leads")
            return
        for agent in self.agents:
            one = table.member(agent.name)
            status = None if one is None else one.status
            if agent.left:
                forgotten = agent.was_far and self.report.reigns > agent.reign_left
                if status not in (None, MemberStatus.LEFT) and not forgotten:
                    self._wrong("who left stays away", f"{agent.name} is {status!r}")
            elif agent.runs:
                if status is not MemberStatus.ALIVE and not (one and one.cause.startswith("it failed again")):
                    self._wrong("the living are found", f"{agent.name} is {status!r}: {one.cause if one else ''}")
            elif status is MemberStatus.ALIVE:
                self._wrong("the dead are found", f"{agent.name} is shown alive in the end")
