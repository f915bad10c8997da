"""The listener on the server port: connections in, calls to `Methods`, bounded in number, time and memory.

Without TLS it must only listen on loopback or inside a trusted network; `tls` is where mTLS enters. Bytes that are no
frames, whoever sends them, give one log event and a closed connection.
"""

from __future__ import annotations

import asyncio
import ipaddress
import ssl
from typing import Final

from structlog.typing import FilteringBoundLogger

from lictor_core.errors import LictorError, PeerError
from lictor_server.rpc.methods import Methods
from lictor_server.rpc.peer import Call, Cancel, Peer, Refuse

__all__ = ["IDLE_MAX_S", "RpcListener"]

IDLE_MAX_S: Final = 60.0
"""A connection that says nothing for so long, with nothing under way, is closed; agents renew leases far more often."""
_READ_BYTES: Final = 64 * 1024


class RpcListener:
    """Accepts connections at one address and port; port 0 takes any free one."""

    def __init__(
        self,
        methods: Methods,
        *,
        address: str,
        port: int,
        connections_max: int,
        in_flight_max: int,
        log: FilteringBoundLogger,
        tls: ssl.SSLContext | None = None,
        idle_max_s: float = IDLE_MAX_S,
    ) -> None:
        self._methods = methods
        self._address = address
        self._port = port
        self._connections_max = connections_max
        self._in_flight_max = in_flight_max
        self._log = log
        self._tls = tls
        self._idle_max_s = idle_max_s
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    @property
    def port(self) -> int:
        """The port in use; before `start` the wished one."""
        return self._port

    async def start(self) -> None:
        """Listen. Raises `OSError` when the address or port cannot be had."""
        self._server = await asyncio.start_server(self._serve, self._address, self._port, ssl=self._tls)
        self._port = self._server.sockets[0].getsockname()[1]
        if self._tls is None and not ipaddress.ip_address(self._address).is_loopback:
            self._log.warning("rpc.listener.exposed", address=self._address, port=self.port, reason="no TLS")

    async def stop(self) -> None:
        """Close the listener and every connection; what was under way is cancelled."""
        if self._server is None:
            return
        self._server.close()
        for connection in list(self._connections):
            connection.cancel()
        if self._connections:
            await asyncio.wait(list(self._connections))
        self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None, "asyncio serves each connection in a task"
        peer_name = _name(writer)
        if len(self._connections) >= self._connections_max:
            self._log.warning("rpc.connection.refused", peer=peer_name, connections_max=self._connections_max)
            writer.close()
            return
        self._connections.add(task)
        conversation = _Conversation(reader, writer, self._methods, self._in_flight_max, self._idle_max_s, self._log)
        try:
            await self._converse(conversation, peer_name)
        except asyncio.CancelledError:
            pass  # `stop` ends the task; asyncio's own callback would report a cancelled one as an error
        finally:
            self._connections.discard(task)
            writer.close()

    async def _converse(self, conversation: _Conversation, peer_name: str) -> None:
        try:
            await conversation.run()
        except* PeerError as errors:
            self._log.warning("rpc.connection.broken", peer=peer_name, reason=str(errors.exceptions[0]))
        except* OSError as errors:
            self._log.debug("rpc.connection.lost", peer=peer_name, reason=str(errors.exceptions[0]))


class _Conversation:
    """One connection, from its first byte to its last."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        methods: Methods,
        in_flight_max: int,
        idle_max_s: float,
        log: FilteringBoundLogger,
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._methods = methods
        self._idle_max_s = idle_max_s
        self._log = log
        self._peer = Peer(in_flight_max=in_flight_max)
        self._calls: dict[int, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Serve until the other side closes or is silent too long.

        Raises a group with `PeerError` when it breaks the protocol, with `OSError` when the connection is lost.
        """
        async with asyncio.TaskGroup() as group:
            try:
                while data := await self._next():
                    for event in self._peer.receive(data):
                        match event:
                            case Call():
                                self._calls[event.id] = group.create_task(self._call(event))
                            case Cancel():
                                self._calls.pop(event.id).cancel()
                            case Refuse():
                                await self._send(event.data)
            finally:
                for call in self._calls.values():
                    call.cancel()

    async def _next(self) -> bytes:
        """The next bytes, asked for only when the other side takes its answers: who does not read gets none made.

        Empty when it closed, or is silent for too long with nothing under way.
        """
        try:
            async with asyncio.timeout(self._idle_max_s):
                await self._writer.drain()
        except TimeoutError:
            self._writer.transport.abort()
            raise PeerError(f"peer took none of its answers within {self._idle_max_s:g} s") from None
        while True:
            try:
                async with asyncio.timeout(self._idle_max_s):
                    return await self._reader.read(_READ_BYTES)
            except TimeoutError:
                if not self._peer.in_flight:
                    return b""

    async def _call(self, call: Call) -> None:
        try:
            answer = self._peer.reply(call.id, await self._methods.call(call.method, call.payload))
        except LictorError as error:
            answer = self._peer.error(call.id, error)
        except Exception as error:  # a mistake of ours must not close the connection of everybody who shares it
            self._log.error("rpc.call.crashed", method=call.method[:64], reason=repr(error), exc_info=True)
            answer = self._peer.error(call.id, LictorError("the server made a mistake; its log says which"))
        if self._calls.get(call.id) is asyncio.current_task():
            del self._calls[call.id]
        await self._send(answer)

    async def _send(self, data: bytes) -> None:
        """Send, and wait while the other side does not read: what is under way stays bounded."""
        if data and not self._writer.is_closing():
            self._writer.write(data)
            await self._writer.drain()


def _name(writer: asyncio.StreamWriter) -> str:
    address = writer.get_extra_info("peername")
    return f"{address[0]}:{address[1]}" if isinstance(address, tuple) else "unknown"
