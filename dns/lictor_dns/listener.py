"""The DNS server: UDP and TCP on each of its addresses. With `udp` and `tcp` the only part that does I/O."""

from __future__ import annotations

import asyncio
import errno
import math
import socket
from collections.abc import Sequence
from functools import partial
from typing import Final

from structlog.typing import FilteringBoundLogger

from lictor_core.addresses import join_host_port
from lictor_core.clock import Clock, Rng, SystemRng
from lictor_core.errors import ConfigurationError
from lictor_core.explanations import DnsExplanation
from lictor_core.metrics import Gauge, Meter
from lictor_core.registry import CatalogView
from lictor_dns import tcp, udp
from lictor_dns.asked import Asked
from lictor_dns.cache import AnswerCache
from lictor_dns.explaining import explained
from lictor_dns.recursion import Recursion
from lictor_dns.refusals import RefusalLog
from lictor_dns.settings import DnsSettings

__all__ = ["DnsServer"]

_PORT_TRIES_MAX: Final = 16
"""How often another free port is tried when UDP has no room where TCP had."""


class DnsServer:
    """Answers questions about `view` on `addresses`, pairs of IP address and port; port 0 is any free one.

    Answering never waits: it runs in the loop's callbacks. `rng` should be fast; it only spreads load. `ids` are for
    questions to recursors, and must be unpredictable. Raises `ConfigurationError` for settings that cannot be served.
    """

    def __init__(
        self,
        view: CatalogView,
        settings: DnsSettings,
        addresses: Sequence[tuple[str, int]],
        clock: Clock,
        rng: Rng,
        log: FilteringBoundLogger,
        *,
        ids: Rng | None = None,
    ) -> None:
        settings.check()
        self._addresses = tuple(addresses)
        self._view = view
        self._settings = settings
        self._clock = clock
        self._log = log
        refusals = RefusalLog(log, clock)
        self._recursion = Recursion(settings, clock, ids or SystemRng(), log)
        self._udp_cache, self._tcp_cache = (
            AnswerCache(view, settings, clock, rng, refusals.note, is_udp=is_udp, recursion=self._recursion)
            for is_udp in (True, False)
        )
        self._tcp = tcp.TcpListener(self._tcp_cache, settings, clock, refusals)
        self._udp: list[udp.UdpSocket] = []
        self._bound: list[tuple[str, int]] = []

    @property
    def bound(self) -> tuple[tuple[str, int], ...]:
        """The addresses listened on, with the ports that were found for 0."""
        return tuple(self._bound)

    def follow(self, settings: DnsSettings) -> None:
        """Answer by other settings from now on, on the addresses of before; connections that are open stay.

        Raises `ConfigurationError` for settings that cannot be served, and goes on by those of before.
        """
        settings.check()
        self._recursion.follow(settings)
        for cache in (self._udp_cache, self._tcp_cache):
            cache.follow(settings)
        self._tcp.follow(settings)
        self._settings = settings

    async def explain(self, asked: Asked) -> DnsExplanation:
        """Why `asked` is answered as it is now, also while nothing is listened on.

        Raises `ClusterError` when what it is about cannot be fetched from the servers.
        """
        return await explained(self._view, asked, self._settings, self._clock, self._recursion)

    def tell_figures(self, meter: Meter, node_name: str) -> None:
        """Have told how many questions come at the agent of this name, how long each takes on average, and how old
        the picture is that they are answered from."""
        labels = (("node", node_name),)
        told, told_reverse = meter.sampler("dns.domain_query", labels), meter.sampler("dns.ptr_query", labels)
        caches = (self._udp_cache, self._tcp_cache)
        for cache in caches:
            meter.before_turn(partial(cache.spent.tell, told))
            meter.before_turn(partial(cache.spent_on_reverse.tell, told_reverse))
        meter.follow("dns.stale_queries", lambda: sum(cache.stale_count for cache in caches))
        meter.watch(self._gauges)

    def _gauges(self) -> list[Gauge]:
        age_s = self._view.age_s
        gauges = [Gauge("dns.connections", self._tcp.connections)]
        return gauges if math.isinf(age_s) else [Gauge("dns.age", age_s), *gauges]

    async def start(self) -> None:
        """Listen on all addresses. Raises `ConfigurationError` when one cannot be had; then none is kept."""
        loop = asyncio.get_running_loop()
        for host, port in self._addresses:
            try:
                await self._listen(host, port, loop)
            except OSError as error:
                await self.close()
                raise ConfigurationError(
                    f"cannot listen for DNS on {join_host_port(host, port)}: {error.strerror}; "
                    "choose another address or -dns-port"
                ) from error
        self._log.info("dns.listener.started", addresses=[join_host_port(*address) for address in self._bound])

    async def close(self) -> None:
        """Stop listening and cut open connections. Does nothing the second time."""
        udp_sockets, self._udp = self._udp, []
        self._bound = []
        for udp_socket in udp_sockets:
            udp_socket.close()
        await self._tcp.close()
        await self._recursion.close()

    async def _listen(self, host: str, port: int, loop: asyncio.AbstractEventLoop) -> None:
        tcp_bound, udp_bound = _bind_both(host, port)
        self._udp.append(udp.UdpSocket(udp_bound, self._udp_cache, loop, self._log))
        await self._tcp.add(tcp_bound, loop)
        self._bound.append((host, _port_of(udp_bound)))


def _bind_both(host: str, port: int) -> tuple[socket.socket, socket.socket]:
    for tries_left in range(_PORT_TRIES_MAX, 0, -1):
        tcp_bound = tcp.bind(host, port)
        try:
            return tcp_bound, udp.bind(host, _port_of(tcp_bound))
        except OSError as error:
            tcp_bound.close()
            if port or error.errno != errno.EADDRINUSE or tries_left == 1:
                raise
    raise AssertionError("the last try returns or raises")


def _port_of(bound: socket.socket) -> int:
    port: int = bound.getsockname()[1]
    return port
