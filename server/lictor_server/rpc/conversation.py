"""One RPC connection as its server has it: calls to `Methods`, answers in any order, bounds on all it holds.

What is long goes out in parts, one after the other as the other side takes them: a connection holds little more than
`_BATCH_BYTES` and a part. A stream makes its next item only when the last one has left, so whoever reads slowly has
items made slowly, and no other connection waits for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Final

from structlog.typing import FilteringBoundLogger

from lictor_core.errors import BodyTooLargeError, IncompatibleError, LictorError, OverloadedError, PeerError
from lictor_core.frames import PART_BYTES
from lictor_server.rpc.methods import Methods
from lictor_server.rpc.peer import Call, Cancel, Foreign, Goodbye, Greet, Peer, Refuse, refusal_bytes, split
from lictor_server.rpc.refusals import Refusals
from lictor_server.rpc.visitor import Visitor

__all__ = ["FRAME_MAX_S", "PART_S_MAX", "Conversation"]

FRAME_MAX_S: Final = 30.0
"""A frame that began to come must have come within so long, however steadily it trickles: 4 MiB at 140 KB/s."""

PART_S_MAX: Final = 15.0
"""A part of an answer that could not leave for so long, since the other side does not read, ends that answer."""
_READ_BYTES: Final = 64 * 1024
_BATCH_BYTES: Final = 256 * 1024
"""What is ready in one pass of the loop leaves together, but no more of it than this."""


class Conversation:
    """The accepting side of one connection."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        methods: Methods,
        in_flight_max: int,
        idle_max_s: float,
        log: FilteringBoundLogger,
        *,
        visitor: Visitor | None = None,
        part_max_s: float = PART_S_MAX,
        full: OverloadedError | None = None,
        frame_max_s: float = FRAME_MAX_S,
        refusals: Refusals | None = None,
    ) -> None:
        """With `full` the connection is one that is kept free for servers: who asks for anything else is told that."""
        self._reader = reader
        self._writer = writer
        self._methods = methods
        self._visitor = visitor or Visitor("unknown")
        self._part_max_s = part_max_s
        self._full = full
        self._frame_max_s = frame_max_s
        self._refusals = refusals or Refusals(log)
        self._frame_began: float | None = None
        """Since when the first frame that is not whole has been coming."""
        self._is_taken = False
        """Whether anything that was asked on it was begun."""
        self._idle_max_s = idle_max_s
        self._log = log
        self._peer = Peer(in_flight_max=in_flight_max)
        self._calls: dict[int, asyncio.Task[None]] = {}
        self._leaving: list[bytes] = []
        self._leaving_bytes = 0
        self._turn = asyncio.Lock()
        """Held by the one part that is next to leave."""
        self._loop = asyncio.get_running_loop()

    async def run(self) -> None:
        """Serve until the other side closes, is silent too long or turned away.

        Raises a group with `PeerError` when it breaks the protocol, with `OSError` when the connection is lost.
        """
        async with asyncio.TaskGroup() as group:
            try:
                while data := await self._next():
                    events = self._peer.receive(data)
                    self._note_frame(whole=bool(events))
                    for event in events:
                        match event:
                            case Call() if self._full is not None and not self._methods.serves_servers(event.method):
                                if not self._is_taken:
                                    self._turn_away(self._full)
                                    return
                                self._put(self._peer.error(event.id, self._full))
                            case Call():
                                self._is_taken = True
                                self._calls[event.id] = group.create_task(self._call(event))
                            case Cancel():
                                # It is there: nothing between these events waits, so no call ends meanwhile.
                                self._calls.pop(event.id).cancel()
                            case Goodbye():
                                self._visitor.lives_on = True
                            case Foreign():
                                self._put(refusal_bytes(IncompatibleError(event.reason)))
                                self._refusals.note_version(self._visitor.address, event.reason)
                                return
                            case Greet() | Refuse():
                                self._put(event.data)  # `_next` waits for whoever does not read, for a bounded time
            finally:
                for call in self._calls.values():
                    call.cancel()
                self._flush()

    def _note_frame(self, *, whole: bool) -> None:
        """Note since when a frame has been coming. Raises `PeerError` when that is too long ago."""
        if not self._peer.is_within_frame:
            self._frame_began = None
        elif self._frame_began is None or whole:
            self._frame_began = self._loop.time()
        elif self._loop.time() - self._frame_began > self._frame_max_s:
            raise PeerError(f"peer sent no whole frame within {self._frame_max_s:g} s, though it began one")

    def _turn_away(self, full: OverloadedError) -> None:
        """Refuse the connection: only one on which nothing was begun, since that says that nothing was done."""
        self._put(refusal_bytes(full))
        self._refusals.note_refused(self._visitor.address, str(full))

    async def _next(self) -> bytes:
        """The next bytes, asked for only when the other side takes its answers: who does not read gets none made.

        Empty when it closed, or is silent for too long with nothing under way.
        """
        while True:
            self._flush()
            if self._writer.transport.get_write_buffer_size():
                try:
                    async with asyncio.timeout(self._idle_max_s):
                        await self._writer.drain()
                except TimeoutError:
                    raise self._unread() from None
            patience = asyncio.timeout(self._idle_max_s)
            try:
                async with patience:
                    return await self._reader.read(_READ_BYTES)
            except TimeoutError:
                if not patience.expired():
                    raise  # a connection lost with ETIMEDOUT: every further read would raise it again, at once
                if not self._peer.in_flight:
                    return await self._already_here()
                self._note_frame(whole=False)

    def _unread(self) -> PeerError:
        """End it at once: closing would wait for the other side to read what it does not read."""
        self._writer.transport.abort()
        return PeerError(f"peer took none of its answers within {self._idle_max_s:g} s")

    async def _already_here(self) -> bytes:
        """What came while this process was not looking: after a pause of its own it must not call others silent."""
        try:
            async with asyncio.timeout(0):
                return await self._reader.read(_READ_BYTES)
        except TimeoutError:
            if self._writer.transport.get_write_buffer_size():
                raise self._unread() from None
            return b""

    async def _call(self, call: Call) -> None:
        try:
            answer = self._peer.reply(call.id, await self._last_part(call))
        except LictorError as error:
            self._methods.errors += 1
            answer = self._peer.error(call.id, error)
        except Exception as error:  # a mistake of ours must not close the connection of everybody who shares it
            if isinstance(error, ConnectionError) and self._writer.is_closing():
                return  # lost while a part was to leave, which `_next` tells
            self._log.error("rpc.call.crashed", method=call.method[:64], reason=repr(error), exc_info=True)
            self._methods.errors += 1
            answer = self._peer.error(call.id, LictorError("the server made a mistake; its log says which"))
        if self._calls.get(call.id) is asyncio.current_task():
            del self._calls[call.id]
        self._put(answer)
        await self._writer.drain()  # who does not read has at most so many calls under way

    async def _last_part(self, call: Call) -> bytes:
        """Carry a call out and send its answer, but for the last part, which is what comes back. Raises its error."""
        stream = self._methods.stream(call.method, call.payload, self._visitor)
        if stream is not None:
            await self._pour(call, stream)
            return b""
        answer = await self._methods.call(call.method, call.payload, self._visitor)
        if len(answer) <= PART_BYTES:
            return answer
        *parts, last = split(answer)
        for part in parts:
            await self._send_part(call, part)
        return last

    async def _pour(self, call: Call, stream: AsyncGenerator[bytes]) -> None:
        async with aclosing(stream):
            async for item in stream:
                try:
                    await self._send_part(call, item)
                except PeerError as error:
                    raise BodyTooLargeError(f"an item of {call.method}: {error}") from error

    async def _send_part(self, call: Call, part: bytes) -> None:
        """Send one part when those before it have left.

        Raises `PeerError` for one that fits no frame, `OverloadedError` when it does not get its turn in time.
        """
        if self._turn.locked() or self._writer.transport.get_write_buffer_size() + self._leaving_bytes > _BATCH_BYTES:
            try:
                async with asyncio.timeout(self._part_max_s), self._turn:
                    self._flush()
                    await self._writer.drain()
                    self._put(self._peer.part(call.id, part))
            except TimeoutError:
                raise OverloadedError(
                    f"what {call.method} answers was not taken for {self._part_max_s:g} s: ask for it anew"
                ) from None
        else:
            self._put(self._peer.part(call.id, part))

    def _put(self, data: bytes) -> None:
        """Send with everything else of this pass of the loop, as a batch that is committed answers many at once."""
        if data and not self._writer.is_closing():
            if not self._leaving:
                self._loop.call_soon(self._flush)
            self._leaving.append(data)
            self._leaving_bytes += len(data)
            if self._leaving_bytes > _BATCH_BYTES:
                self._flush()

    def _flush(self) -> None:
        if self._leaving and not self._writer.is_closing():
            self._writer.write(b"".join(self._leaving))
        self._leaving.clear()
        self._leaving_bytes = 0
