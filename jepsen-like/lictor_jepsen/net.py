"""The network between the servers and their agents, and how links of it are cut.

In namespaces every one of them has its own network with one cable to a router, which is the network that the harness
itself is in. A link from A to B is cut in the router, by a routing rule that drops what comes from A and goes to B:
neither side is told, as with a cable that was pulled. Links have a direction. A link can be bad instead: the router
sends what passes there through the `relay`. Clients reach all through the router and are never cut off.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Final, NamedTuple, Protocol

from lictor_jepsen.op import AGENT, SERVER
from lictor_jepsen.relay import DEVICE, Relay, lacks_relay
from lictor_jepsen.wire import Shape, Wire

__all__ = ["Link", "Loopback", "Namespaces", "Net", "NetError", "Node"]

_FORWARD: Final = Path("/proc/sys/net/ipv4/ip_forward")
_NET: Final = "10.77.0"
_ROUTER: Final = f"{_NET}.1"
_SERVERS_FROM: Final = 11
_AGENTS_FROM: Final = 101
_SERVERS_MAX: Final = _AGENTS_FROM - _SERVERS_FROM
"""How many addresses of servers a run may use, one after another."""
_COMMAND_S_MAX: Final = 20.0
_LOOPBACK_NETS: Final = 200 * 250
_CUT_PRIORITY: Final = "100"
_FROM_RELAY_PRIORITY: Final = "150"
_TO_RELAY_PRIORITY: Final = "200"
_RELAY_TABLE: Final = "77"
_RELAY_QUEUE: Final = 2000
"""Packets that the kernel keeps for the relay while the harness does something else."""
_CONF: Final = Path("/proc/sys/net/ipv4/conf")


class NetError(Exception):
    """A network cannot be made; the message names the command and what it said."""


class Node(NamedTuple):
    """The place of a server, or of an agent that is none: number from 1, name, address."""

    number: int
    name: str
    address: str


class Link(NamedTuple):
    """What one node hears of another; the way back is a link of its own."""

    source: Node
    target: Node


class Net(Protocol):
    """Where the servers and agents live."""

    nodes: Sequence[Node]
    """The servers."""
    agents: Sequence[Node]
    """The agents that are no servers."""
    lacks_cuts: str
    """Why links cannot be cut; empty when they can be."""
    lacks_shapes: str
    """Why links cannot be made bad; empty when they can be."""

    def within(self, node: Node) -> list[str]:
        """What stands before a command that is to run in the network of a node."""
        ...

    async def make(self) -> None:
        """Build it. Raises `NetError`."""
        ...

    async def place(self, name: str = "") -> Node:
        """A place for another server, at an address that was never used; a new one, or one that moves there.

        Raises `NetError`.
        """
        ...

    async def drop(self, links: Sequence[Link]) -> None:
        """Cut links; each is cut in the direction from the first node to the second."""
        ...

    async def mend(self, links: Sequence[Link]) -> None:
        """Mend these links; those that were not cut stay as they are."""
        ...

    async def shape(self, links: Sequence[Link], shape: Shape, seed: int) -> None:
        """Make links bad; another shape takes the place of the one before. Raises `NetError`."""
        ...

    async def smooth(self, links: Sequence[Link]) -> None:
        """Make links good again."""
        ...

    async def heal(self) -> None:
        """Mend all links, and make them good."""
        ...


def _places(initial: str, count: int, net: str, first: int) -> list[Node]:
    return [Node(number + 1, f"{initial}{number + 1}", f"{net}.{first + number}") for number in range(count)]


class _Addresses:
    """Which places of servers were given out, in order."""

    def __init__(self, net: str, count: int) -> None:
        self._net = net
        self._numbers = count
        self._given = count

    def next(self, name: str) -> Node:
        """The next address, for a server of this name, or for one with the next number. Raises `NetError`."""
        if self._given == _SERVERS_MAX:
            raise NetError(f"no address is left for another server: a run has {_SERVERS_MAX}")
        address = f"{self._net}.{_SERVERS_FROM + self._given}"
        self._given += 1
        if name:
            return Node(int(name.removeprefix(SERVER)), name, address)
        self._numbers += 1
        return Node(self._numbers, f"{SERVER}{self._numbers}", address)


class Loopback:
    """All servers on this machine's loopback, each on an address of its own. Links cannot be cut."""

    lacks_cuts = "links between servers on one loopback cannot be cut: use --net netns"
    lacks_shapes = "links between servers on one loopback cannot be made bad: use --net netns"

    def __init__(self, count: int, agents: int = 0) -> None:
        place = os.getpid() % _LOOPBACK_NETS  # so that runs beside each other do not meet
        net = f"127.{50 + place // 250}.{1 + place % 250}"
        self.nodes: Sequence[Node] = _places(SERVER, count, net, _SERVERS_FROM)
        self.agents: Sequence[Node] = _places(AGENT, agents, net, _AGENTS_FROM)
        self._addresses = _Addresses(net, count)

    def within(self, node: Node) -> list[str]:
        del node
        return []

    async def make(self) -> None:
        """Nothing to do: all of 127.0.0.0/8 is there."""

    async def place(self, name: str = "") -> Node:
        return self._addresses.next(name)

    async def drop(self, links: Sequence[Link]) -> None:
        raise NetError(self.lacks_cuts)

    async def mend(self, links: Sequence[Link]) -> None:
        """Nothing was cut."""

    async def shape(self, links: Sequence[Link], shape: Shape, seed: int) -> None:
        raise NetError(self.lacks_shapes)

    async def smooth(self, links: Sequence[Link]) -> None:
        """None is bad."""

    async def heal(self) -> None:
        """Nothing was cut."""


class Namespaces:
    """A network each, and a router. The process must be alone in its network and mount namespaces (`confine`)."""

    lacks_cuts = ""

    def __init__(self, count: int, agents: int = 0) -> None:
        self.nodes: Sequence[Node] = _places(SERVER, count, _NET, _SERVERS_FROM)
        self.agents: Sequence[Node] = _places(AGENT, agents, _NET, _AGENTS_FROM)
        self.lacks_shapes = lacks_relay()
        self.relay = Relay()
        self._cut: list[Link] = []
        self._addresses = _Addresses(_NET, count)
        self._shaped: list[Link] = []

    def within(self, node: Node) -> list[str]:
        return ["nsenter", f"--net=/run/netns/{node.name}"]

    async def make(self) -> None:
        await _run("ip", "link", "set", "lo", "up")
        _FORWARD.write_text("1")
        for node in (*self.nodes, *self.agents):
            await self._lay(node)

    async def place(self, name: str = "") -> Node:
        node = self._addresses.next(name)
        if name:
            await self._move(node)
        else:
            await self._lay(node)
        return node

    async def _lay(self, node: Node) -> None:
        """A network and its cable."""
        cable = f"cable-{node.name}"
        await _run("ip", "netns", "add", node.name)
        await _run("ip", "link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns", node.name)
        await _run("ip", "addr", "add", f"{_ROUTER}/32", "dev", cable)
        await _run("ip", "link", "set", cable, "up")
        await _run("ip", "route", "add", node.address, "dev", cable)
        inside = (*self.within(node), "ip")
        await _run(*inside, "link", "set", "lo", "up")
        await _run(*inside, "addr", "add", f"{node.address}/32", "dev", "eth0")
        await _run(*inside, "link", "set", "eth0", "up")
        await _run(*inside, "route", "add", _ROUTER, "dev", "eth0")
        await _run(*inside, "route", "add", "default", "via", _ROUTER, "dev", "eth0")

    async def _move(self, node: Node) -> None:
        """Another address in place of the one that the network of this name has."""
        inside = (*self.within(node), "ip")
        await _run(*inside, "addr", "flush", "dev", "eth0")
        await _run(*inside, "addr", "add", f"{node.address}/32", "dev", "eth0")
        await _run(*inside, "route", "replace", _ROUTER, "dev", "eth0")
        await _run(*inside, "route", "replace", "default", "via", _ROUTER, "dev", "eth0")
        cable = f"cable-{node.name}"
        await _run("ip", "route", "flush", "dev", cable)
        await _run("ip", "route", "add", node.address, "dev", cable)

    async def drop(self, links: Sequence[Link]) -> None:
        for link in dict.fromkeys(links):
            if link not in self._cut:
                await self._rule("add", link)
                self._cut.append(link)

    async def mend(self, links: Sequence[Link]) -> None:
        for link in dict.fromkeys(links):
            if link in self._cut:
                await self._rule("del", link)
                self._cut.remove(link)

    async def shape(self, links: Sequence[Link], shape: Shape, seed: int) -> None:
        if not self.relay.is_open:
            await self._open_relay()
        for link in dict.fromkeys(links):
            rng = Random(f"{seed}/{link.source.name}>{link.target.name}")
            self.relay.put(link.source.address, link.target.address, Wire(shape, rng))
            if link not in self._shaped:
                await self._detour("add", link)
                self._shaped.append(link)

    async def smooth(self, links: Sequence[Link]) -> None:
        for link in dict.fromkeys(links):
            if link in self._shaped:
                await self._detour("del", link)
                self._shaped.remove(link)
                self.relay.put(link.source.address, link.target.address, None)

    async def heal(self) -> None:
        await self.mend(list(self._cut))
        await self.smooth(list(self._shaped))

    async def _open_relay(self) -> None:
        """Make the relay, and have the router carry on what comes out of it as if it had never been there."""
        try:
            self.relay.open()
        except OSError as error:
            raise NetError(f"the relay of bad links cannot be made: {error}") from error
        for device in ("all", DEVICE):
            (_CONF / device / "rp_filter").write_text("0")
        await _run("ip", "link", "set", DEVICE, "up", "txqueuelen", str(_RELAY_QUEUE))
        await _run("ip", "route", "add", "default", "dev", DEVICE, "table", _RELAY_TABLE)
        await _run("ip", "rule", "add", "pref", _FROM_RELAY_PRIORITY, "iif", DEVICE, "lookup", "main")

    async def _detour(self, verb: str, link: Link) -> None:
        await _run("ip", "rule", verb, "pref", _TO_RELAY_PRIORITY, *_ends(link), "lookup", _RELAY_TABLE)

    async def _rule(self, verb: str, link: Link) -> None:
        await _run("ip", "rule", verb, "pref", _CUT_PRIORITY, *_ends(link), "blackhole")


def _ends(link: Link) -> tuple[str, ...]:
    return ("from", link.source.address, "to", link.target.address)


async def _run(*command: str) -> None:
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    try:
        said, _ = await asyncio.wait_for(process.communicate(), _COMMAND_S_MAX)
    except TimeoutError:
        process.kill()
        raise NetError(f"`{' '.join(command)}` did not end within {_COMMAND_S_MAX:.0f} s") from None
    if process.returncode:
        raise NetError(f"`{' '.join(command)}` failed: {said.decode(errors='replace').strip()}")
