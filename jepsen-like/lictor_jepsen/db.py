"""The system under test: how a server or an agent of it is started, and what happens to its process.

`Consul` and `Lictor` say which program to start with which arguments; both are started, killed and paused alike. The
program of `Lictor` can be another one: the tests put launchers with planted bugs there.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Final, NamedTuple, Protocol

import msgspec

from lictor_jepsen.certificates import Certificates
from lictor_jepsen.clock import WALL_CLOCK, lacks_libfaketime, libc_environment
from lictor_jepsen.net import Net, Node
from lictor_jepsen.warden import Warden

__all__ = ["PROGRAMS", "Cluster", "Program", "consul", "lictor"]

STOP_S_MAX: Final = 10.0
"""How long a killed process may take to be gone."""
_HTTP_PORT: Final = 8500
_DNS_PORT: Final = 8600


class Program(NamedTuple):
    """One product."""

    name: str
    command: tuple[str, ...]
    flags: tuple[str, ...]
    """What only this product needs."""
    clock_can_jump: bool
    """Whether its wall clock is one that the harness can move."""
    libc_clock_can_jump: bool = False
    """Whether that of C code in it can be moved here, too."""


def consul(command: Sequence[str] = ("consul",)) -> Program:
    """Consul. Its raft_multiplier is that of production; gossip between datacenters is not needed."""
    return Program("consul", tuple(command), ("-hcl", "ports { serf_wan = -1 }"), clock_can_jump=False)


def lictor(command: Sequence[str] = ()) -> Program:
    """Lictor as it is installed beside this package, or what `command` starts in its place."""
    beside = Path(sys.executable).with_name("lictor")
    return Program("lictor", tuple(command) or (str(beside),), (), True, not lacks_libfaketime())


PROGRAMS: Final = {"consul": consul, "lictor": lictor}


class _Disks(Protocol):
    def directory(self, node: Node) -> Path:
        """Where the data of a node is kept."""
        ...


class Cluster:
    """The processes of a run, by node. Each is the head of a process group, and has its own log."""

    def __init__(
        self,
        program: Program,
        net: Net,
        disks: _Disks,
        logs: Path,
        *,
        settings: Mapping[str, object] = MappingProxyType({}),
        agent_settings: Mapping[str, object] = MappingProxyType({}),
        libc_clocks: bool = False,
        certificates: Certificates | None = None,
    ) -> None:
        """`libc_clocks` puts clocks of C code that can be moved into all processes.

        With `certificates` servers and agents speak TLS to each other.
        `settings` stand in every configuration file; in those of agents `agent_settings` take their place."""
        self.net = net
        self.prefix = "jepsen/"
        """Below which all keys of the run stand."""
        self.owner = ""
        """The name of all sessions of the run; empty when they need none."""
        self.domain = "consul."
        """That of DNS."""
        self.nodes: list[Node] = list(net.nodes)
        """The servers that belong to it now."""
        self.agents = net.agents
        self.program = program
        self._formers: dict[str, tuple[str, ...]] = {}
        self._founders = frozenset(node.name for node in net.nodes)
        self._founding = len(net.nodes)
        self._former: dict[str, Node] = {}
        self._disks = disks
        self.logs = logs
        """The folder of the run, where all logs go."""
        self._libc_clocks = libc_clocks
        self.certificates = certificates
        self._settings = settings
        self._agent_settings = agent_settings
        self._spawned: dict[str, tuple[Node, Sequence[str], Mapping[str, str]]] = {}
        self._processes: dict[str, asyncio.subprocess.Process] = {}
        self._doors: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)  # faults overlap: one at a time for a process
        self._warden = Warden()
        self._killed: set[str] = set()
        self.deaths: list[str] = []
        """Processes that ended by themselves, as sentences."""

    @property
    def everybody(self) -> list[Node]:
        """Servers, and agents that are none."""
        return [*self.nodes, *self.agents]

    @property
    def ever(self) -> list[Node]:
        """Everybody, and servers that belonged to it once under a name that nobody has now."""
        names = {node.name for node in self.everybody}
        return [*self.everybody, *(node for name, node in self._former.items() if name not in names)]

    async def admit(self, name: str = "") -> Node:
        """Another server, at a place that is made for it, with the next name or an own one. It is not started.

        Raises `NetError`.
        """
        assert name not in {node.name for node in self.everybody}, f"{name} is there"
        node = await self.net.place(name)
        self.nodes.append(node)
        return node

    def dismiss(self, node: Node) -> None:
        """A server belongs to it no more: nobody starts it again, and when it ends that is no death."""
        self.nodes.remove(node)
        self._former[node.name] = node
        self._killed.add(node.name)

    def excuse(self, node: Node) -> None:
        """A server was told to leave: when it ends that is no death, until it is started again."""
        self._killed.add(node.name)

    def forget(self, node: Node) -> None:
        """All data of a server is lost. It does not run; when it starts again it founds no cluster."""
        assert not self.runs(node), f"{node.name} runs"
        self._founders -= {node.name}
        for path in self._disks.directory(node).iterdir():
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()

    def begin_with(self, former: tuple[str, ...]) -> None:
        """Everybody is started as this command, until it is upgraded to the program."""
        self._formers = {node.name: former for node in self.everybody}

    def is_former(self, node: Node) -> bool:
        """Whether it runs the former version, or would if it were started."""
        return node.name in self._formers

    def upgrade(self, node: Node) -> None:
        """From its next start on it is the program."""
        del self._formers[node.name]

    async def end(self, node: Node, within_s: float) -> bool:
        """SIGTERM; whether it ended by that in time. It is killed otherwise, and that it ended is no death."""
        self._killed.add(node.name)
        self.signal(node.name, signal.SIGTERM)
        return await self.ended(node, within_s)

    @property
    def asked(self) -> Sequence[Node]:
        """Whom clients ask: the agents, where there are some."""
        return self.agents or self.nodes

    def url(self, node: Node) -> str:
        """Where a node serves HTTP."""
        return f"http://{node.address}:{_HTTP_PORT}"

    def dns(self, node: Node) -> tuple[str, int]:
        """Where a node answers DNS: address and port."""
        return node.address, _DNS_PORT

    def log_path(self, node: Node) -> Path:
        """Where its output goes, of all its starts."""
        return self.logs / f"{node.name}.log"

    def clock_path(self, node: Node) -> Path:
        """The file that says by how many seconds the node's wall clock is off."""
        return self.logs / f"{node.name}.clock"

    def libc_clock_path(self, node: Node) -> Path:
        """The file by which the clock of C code in the node's processes is off."""
        return self.logs / f"{node.name}.libc-clock"

    def runs(self, node: Node) -> bool:
        """Whether its process is there, be it paused."""
        return self.lives(node.name)

    def pid(self, node: Node) -> int:
        """The id of its process, be it gone."""
        return self._processes[node.name].pid

    async def start(self, node: Node) -> None:
        """Start its process unless it runs."""
        async with self._doors[node.name]:
            if not self.runs(node):
                await self._launch(node.name, node, self._arguments(node), self._environment(node))

    async def spawn(
        self, name: str, node: Node, command: Sequence[str], environment: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        """Start another program in the network of a node: an application, a proxy. Its output goes to `<name>.log`.

        `environment` is added to that of this process. It ends with the servers, and a death of its own is noted.
        """
        assert name not in {other.name for other in self.everybody}, f"{name} is a node"
        self._spawned[name] = (node, tuple(command), dict(environment))
        await self.start_named(name)

    async def start_named(self, name: str) -> None:
        """Start the process of that name again unless it runs: a node's, or another program's as it was spawned."""
        if name in self._spawned:
            async with self._doors[name]:
                if not self.lives(name):
                    node, command, environment = self._spawned[name]
                    await self._launch(name, node, command, {**self._environment(node), **environment})
            return
        await self.start(next(node for node in self.everybody if node.name == name))

    @property
    def spawned(self) -> Sequence[str]:
        """The names of the other programs."""
        return tuple(self._spawned)

    def lives(self, name: str) -> bool:
        """Whether the process of that name, a node's or another program's, is there, be it paused."""
        process = self._processes.get(name)
        return process is not None and process.returncode is None

    async def _launch(self, name: str, node: Node, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self._killed.discard(name)
        with (self.logs / f"{name}.log").open("ab") as log:
            self._processes[name] = await asyncio.create_subprocess_exec(
                *self.net.within(node),
                *command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                env=environment,
            )
        self._warden.started(self._processes[name].pid)

    async def gone_within(self, node: Node, seconds: float) -> bool:
        """Whether its process ends within so long; it is left alone otherwise."""
        process = self._processes.get(node.name)
        if process is None:
            return True
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), seconds)
        return process.returncode is not None

    async def kill(self, node: Node) -> None:
        """SIGKILL to its group, and wait until it is gone."""
        await self.kill_named(node.name)

    async def kill_named(self, name: str) -> None:
        """The same for the process of that name, a node's or another program's."""
        async with self._doors[name]:
            await self._kill(name)

    async def _kill(self, name: str) -> None:
        process = self._processes.get(name)
        if process is None or process.returncode is not None:
            return
        self._killed.add(name)
        self.signal(name, signal.SIGKILL)
        await asyncio.wait_for(process.wait(), STOP_S_MAX)

    async def confess(self) -> None:
        """Make all processes write into their logs where they are, and end: Python and Go both do so on SIGABRT."""
        self.note_deaths()
        for name in self._processes:
            self._killed.add(name)
            self.signal(name, signal.SIGCONT)
            self.signal(name, signal.SIGABRT)
        ended = [process.wait() for process in self._processes.values()]
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.gather(*ended), STOP_S_MAX)

    def pause(self, node: Node) -> None:
        """SIGSTOP."""
        self.signal(node.name, signal.SIGSTOP)

    def resume(self, node: Node) -> None:
        """SIGCONT; harmless for a process that runs."""
        self.signal(node.name, signal.SIGCONT)

    async def revive(self, start: Sequence[Node], resume: Sequence[Node]) -> list[str]:
        """Resume these, and start those of the others that ended; their names. Who ended by itself is noted."""
        self.note_deaths()
        started = [node for node in start if not self.runs(node)]
        for node in resume:
            self.resume(node)
        for node in started:
            await self.start(node)
        return [node.name for node in started]

    def note_deaths(self) -> None:
        """Note processes that ended though nobody killed them."""
        for name, process in self._processes.items():
            if process.returncode is not None and name not in self._killed:
                self._killed.add(name)
                self.deaths.append(f"{name} ended by itself with exit code {process.returncode}")

    async def ended(self, node: Node, within_s: float) -> bool:
        """Whether its process ended by itself in that time; it is killed otherwise."""
        if await self.gone_within(node, within_s):
            return True
        await self.kill(node)
        return False

    async def stop(self) -> None:
        """End all processes for good: all are killed before one is waited for, so no interruption spares any."""
        self.note_deaths()
        for name in self._processes:
            self._killed.add(name)
            self.signal(name, signal.SIGKILL)
        try:
            async with asyncio.timeout(STOP_S_MAX):
                await asyncio.gather(*(process.wait() for process in self._processes.values()))
        finally:
            self._warden.close()

    def signal(self, name: str, number: signal.Signals) -> None:
        """Send a signal to the process of that name and its children; nothing when it is gone."""
        process = self._processes.get(name)
        if process is not None and process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, number)

    def _arguments(self, node: Node) -> list[str]:
        others = [other for other in self.nodes if other != node]
        joins = [part for other in others for part in ("-retry-join", other.address)]
        founds = (f"-bootstrap-expect={self._founding}",) if node.name in self._founders else ()
        return [
            *self._formers.get(node.name, self.program.command),
            "agent",
            *(() if node in self.agents else ("-server", *founds)),
            *("-node", node.name),
            *("-data-dir", str(self._disks.directory(node)), "-bind", node.address, "-client", node.address),
            *self._configured(node),
            *joins,
            *(("-retry-interval", "1s") if joins else ()),
            *("-hcl", "performance { raft_multiplier = 1 }"),
            *self.program.flags,
        ]

    def _configured(self, node: Node) -> list[str]:
        settings = {**self._settings, **(self._agent_settings if node in self.agents else {})}
        if self.certificates is not None:
            now = datetime.now(UTC)  # noqa: TID251 certificates begin by the clock of the world
            settings.update(self.certificates.settings(node, now))
        if not settings:
            return []
        path = self.logs / f"{node.name}.json"
        path.write_bytes(msgspec.json.encode(settings))
        return ["-config-file", str(path)]

    def _environment(self, node: Node) -> Mapping[str, str]:
        environment = {**os.environ, "PYTHONFAULTHANDLER": "1"}  # what `confess` needs
        if self.program.clock_can_jump:
            paths = (str(WALL_CLOCK), environment.get("PYTHONPATH", ""))
            environment["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
            environment["LICTOR_JEPSEN_CLOCK"] = str(self.clock_path(node))
        if self._libc_clocks:
            environment.update(libc_environment(self.libc_clock_path(node)))
        return environment
