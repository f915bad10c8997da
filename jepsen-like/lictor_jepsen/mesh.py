"""A mesh on a cluster's agents: two services behind proxies on one node, a third that reaches them from another.

`web` reaches `db` and `api`. Applications are `lictor_jepsen.echo`, proxies the product's own, each a process in its
node's network. Whoever talks through the mesh connects to the upstreams of `web`'s proxy.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec

from lictor_jepsen.clients.base import TIMEOUT_S, Refused, checked, decoded
from lictor_jepsen.db import Cluster
from lictor_jepsen.http import request
from lictor_jepsen.net import Node

__all__ = ["DESTINATIONS", "SOURCE", "Broken", "Line", "proxy_of", "start_mesh", "way_in"]

SOURCE: Final = "web"
DESTINATIONS: Final = ("db", "api")
READY_S_MAX: Final = 60.0
"""How long proxies may take until all of them are known and bytes pass, before there is any load."""
_APP_PORT: Final = 7001
_PROXY_PORT: Final = 7101
_WAY_PORT: Final = 7201
_SOURCE_PROXY_PORT: Final = 7199
_RETRY_S: Final = 0.25
_LINE_BYTES_MAX: Final = 256


class Broken(OSError):
    """A connection through the mesh ended, or was refused: no time-out."""


class Line:
    """One connection through the mesh, from its way in to the application and back."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._sent = 0
        self.service = ""
        """What the application said that it is."""

    @classmethod
    async def open(cls, way: tuple[str, int]) -> Line:
        """A new connection. Raises `Broken`."""
        try:
            return cls(*await asyncio.open_connection(*way))
        except OSError as error:
            raise Broken(f"cannot connect: {error}") from error

    async def talk(self, timeout_s: float = TIMEOUT_S) -> str:
        """Send something, and tell which service answered: an application that said who it is was reached.

        Raises `Broken` when the connection ended and nothing came, `TimeoutError` when nothing came so far.
        """
        self._sent += 1
        sent = f"{self._sent}\n".encode()
        is_new = not self.service
        try:
            async with asyncio.timeout(timeout_s):
                self._writer.write(sent)
                await self._writer.drain()
                if is_new:
                    self.service = (await self._line()).decode(errors="replace").strip()
                came = await self._line()
        except OSError as error:  # a time-out is one
            if is_new and self.service:
                return self.service
            raise error if isinstance(error, TimeoutError) else Broken(str(error)) from error
        return self.service if sent.startswith(came) else f"{self.service}, which sent {came!r}"

    async def _line(self) -> bytes:
        """What the application sent, up to a line's end. Raises `Broken` when it ends without a byte."""
        came = await self._reader.readline()
        if not came:
            raise Broken("the connection ended")
        return came

    def close(self) -> None:
        """Talk no more."""
        self._writer.close()


class _Instance(NamedTuple):
    """One service of the mesh: its application, its proxy, and the agent that has both."""

    name: str
    node: Node
    port: int
    proxy_port: int


class _Health(msgspec.Struct):
    """A row of the catalog; what is in it does not matter here."""


def _instances(cluster: Cluster) -> list[_Instance]:
    behind, before = _nodes(cluster)
    found = [_Instance(name, behind, _APP_PORT + n, _PROXY_PORT + n) for n, name in enumerate(DESTINATIONS)]
    return [*found, _Instance(SOURCE, before, _WAY_PORT - 1, _SOURCE_PROXY_PORT)]


def _nodes(cluster: Cluster) -> tuple[Node, Node]:
    """The nodes of the destinations, and of the source."""
    return cluster.asked[0], cluster.asked[-1]


def way_in(cluster: Cluster, destination: str) -> tuple[str, int]:
    """Where connections to a service go in: an upstream of the source's proxy."""
    return _nodes(cluster)[1].address, _WAY_PORT + DESTINATIONS.index(destination)


def proxy_of(service: str) -> str:
    """The id of its proxy's registration."""
    return f"{service}-sidecar-proxy"


async def start_mesh(cluster: Cluster) -> None:
    """Register the services, start applications and proxies, and wait until bytes pass to each destination.

    Raises `OSError` when they do not within `READY_S_MAX`.
    """
    everything = _instances(cluster)
    apps = [one for one in everything if one.name != SOURCE]
    pairs = [f"{one.name}={one.node.address}:{one.port}" for one in apps]
    await cluster.spawn("echo", apps[0].node, [sys.executable, "-m", "lictor_jepsen.echo", *pairs])
    ends = time.monotonic() + READY_S_MAX
    for one in everything:
        await _register(cluster, one, ends)
        await cluster.spawn(f"proxy-{one.name}", one.node, _proxy(cluster, one))
    for name in DESTINATIONS:
        await _until_open(cluster, name, ends)


def _proxy(cluster: Cluster, one: _Instance) -> Sequence[str]:
    agent = f"{cluster.url(one.node).removeprefix('http://')}"
    return [*cluster.program.command, "connect", "proxy", f"-sidecar-for={one.name}", f"-http-addr={agent}"]


async def _register(cluster: Cluster, one: _Instance, ends: float) -> None:
    address = one.node.address
    proxy: dict[str, object] = {"LocalServiceAddress": address, "Config": {"bind_address": address}}
    if one.name == SOURCE:
        ways = [(name, way_in(cluster, name)) for name in DESTINATIONS]
        proxy["Upstreams"] = [
            {"DestinationName": name, "LocalBindAddress": host, "LocalBindPort": port} for name, (host, port) in ways
        ]
    # The default check of a sidecar runs every 10 s only.
    check = {"TCP": f"{address}:{one.proxy_port}", "Interval": "1s", "Timeout": "1s"}
    sidecar = {"Port": one.proxy_port, "Proxy": proxy, "Checks": [check]}
    body = json.dumps({"Name": one.name, "Port": one.port, "Connect": {"SidecarService": sidecar}})
    while True:
        try:
            url = f"{cluster.url(one.node)}/v1/agent/service/register"
            checked(await request("PUT", url, body, timeout_s=TIMEOUT_S))
        except (OSError, Refused) as error:
            if time.monotonic() > ends:
                raise OSError(f"{one.name} cannot be registered: {error}") from error
            await asyncio.sleep(_RETRY_S)
        else:
            return


async def _until_open(cluster: Cluster, name: str, ends: float) -> None:
    """Wait until the catalog has the proxy of a destination, and bytes pass through it."""
    url = f"{cluster.url(cluster.nodes[0])}/v1/health/connect/{name}?passing"
    told = "it is not in the catalog"
    while time.monotonic() < ends:
        try:
            if decoded(checked(await request("GET", url, timeout_s=TIMEOUT_S)), list[_Health]):
                line = await Line.open(way_in(cluster, name))
                try:
                    told = f"it is {await line.talk()}"
                finally:
                    line.close()
                if told == f"it is {name}":
                    return
        except (OSError, Refused) as error:
            told = f"{type(error).__name__}: {error}"
        await asyncio.sleep(_RETRY_S)
    raise OSError(f"no bytes pass to {name} within {READY_S_MAX:.0f} s: {told}")
