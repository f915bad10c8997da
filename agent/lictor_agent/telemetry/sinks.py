"""Where lines go: over UDP as datagrams, over TCP as a stream. Neither ever waits; what cannot leave is lost.

While nobody takes them one log event says so, and one more when somebody does again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Final, Protocol, cast

from structlog.typing import FilteringBoundLogger

from lictor_core.clock import Clock

__all__ = ["CONNECT_S_MAX", "QUIET_S", "RETRY_S", "UNSENT_BYTES_MAX", "Address", "Sink", "TcpSink", "UdpSink"]

Address = tuple[str, int]

RETRY_S: Final = 10.0
"""How soon an address that could not be reached is tried again."""
CONNECT_S_MAX: Final = 5.0
UNSENT_BYTES_MAX: Final = 1024 * 1024
"""Lines of a stream that wait to leave: whoever reads more slowly loses what comes meanwhile."""
QUIET_S: Final = 5.0
"""Without an error for so long a receiver of datagrams is taken to be there again: there is no other sign of it."""


class Sink(Protocol):
    """Where figures are sent."""

    async def run(self) -> None:
        """Keep the way open until this is cancelled."""
        ...

    def send(self, datagrams: Iterable[bytes]) -> None:
        """Send these now, or lose them."""
        ...


class _Presence:
    """Whether the other side is there; each change is told once."""

    def __init__(self, name: str, address: Address, clock: Clock, log: FilteringBoundLogger) -> None:
        self._name = name
        self._address = f"{address[0]}:{address[1]}"
        self._clock = clock
        self._log = log
        self._is_away = False
        self._failed_at = 0.0

    def fail(self, reason: str) -> None:
        self._failed_at = self._clock.monotonic()
        if not self._is_away:
            self._is_away = True
            self._log.warning("telemetry.sink.lost", sink=self._name, address=self._address, reason=reason)

    def succeed(self, quiet_s: float = 0.0) -> None:
        if self._is_away and self._clock.monotonic() >= self._failed_at + quiet_s:
            self._is_away = False
            self._log.info("telemetry.sink.reached", sink=self._name, address=self._address)


class UdpSink(asyncio.DatagramProtocol):
    """Datagrams to one address."""

    def __init__(
        self, name: str, address: Address, clock: Clock, log: FilteringBoundLogger, *, retry_s: float = RETRY_S
    ) -> None:
        self._address = address
        self._presence = _Presence(name, address, clock, log)
        self._retry_s = retry_s
        self._transport: asyncio.DatagramTransport | None = None
        self._is_full = False
        self._lost = asyncio.Event()

    async def run(self) -> None:
        """Keep a socket; its address is resolved anew whenever that failed."""
        loop = asyncio.get_running_loop()
        while True:
            self._lost.clear()
            try:
                async with asyncio.timeout(CONNECT_S_MAX):
                    await loop.create_datagram_endpoint(lambda: self, remote_addr=self._address)
                await self._lost.wait()
            except (OSError, TimeoutError) as error:
                self._presence.fail(_reason(error))
            finally:
                self._close()
            await asyncio.sleep(self._retry_s)

    def send(self, datagrams: Iterable[bytes]) -> None:
        """Send these now, or lose them."""
        transport = self._transport
        if transport is None:
            return
        self._presence.succeed(QUIET_S)
        for one in datagrams:
            if not self._is_full:
                transport.sendto(one)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._is_full = False
        self._transport = cast("asyncio.DatagramTransport", transport)

    def pause_writing(self) -> None:
        self._is_full = True

    def resume_writing(self) -> None:
        self._is_full = False

    def error_received(self, exc: Exception) -> None:
        self._presence.fail(_reason(exc))

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._lost.set()

    def _close(self) -> None:
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.close()


class TcpSink:
    """A stream to one address; it is connected anew when it is lost."""

    def __init__(
        self, name: str, address: Address, clock: Clock, log: FilteringBoundLogger, *, retry_s: float = RETRY_S
    ) -> None:
        self._address = address
        self._presence = _Presence(name, address, clock, log)
        self._retry_s = retry_s
        self._writer: asyncio.StreamWriter | None = None

    async def run(self) -> None:
        """Keep a connection."""
        while True:
            try:
                async with asyncio.timeout(CONNECT_S_MAX):
                    reader, writer = await asyncio.open_connection(*self._address)
                self._writer = writer
                self._presence.succeed()
                while await reader.read(1024):  # it has nothing to say; its end is what is waited for
                    pass
                self._presence.fail("it closed the connection")
            except (OSError, TimeoutError) as error:
                self._presence.fail(_reason(error))
            finally:
                self._close()
            await asyncio.sleep(self._retry_s)

    def send(self, datagrams: Iterable[bytes]) -> None:
        """Send these now, or lose them."""
        writer = self._writer
        if writer is None or writer.is_closing():
            return
        for one in datagrams:
            if writer.transport.get_write_buffer_size() <= UNSENT_BYTES_MAX:
                writer.write(one)

    def _close(self) -> None:
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.transport.abort()


def _reason(error: BaseException) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error) or "no answer in time"
