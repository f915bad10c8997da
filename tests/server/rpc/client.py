"""A plain client of the server port, for tests."""

from __future__ import annotations

import asyncio

from lictor_core.frames import Frame, FrameKind, FrameReader, encode_frame

__all__ = ["Client", "connect"]


class Client:
    """Sends frames and reads the frames that come."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self._frames = FrameReader()
        self._arrived: list[Frame] = []

    def send(self, number: int, method: str, payload: bytes, kind: FrameKind = FrameKind.REQUEST) -> None:
        """Send one frame."""
        self.writer.write(encode_frame(Frame(kind, number, method, payload)))

    async def next(self) -> Frame | None:
        """The next frame, None when the server closed; fails after five seconds."""
        async with asyncio.timeout(30):
            while not self._arrived:
                data = await self.reader.read(65536)
                if not data:
                    return None
                self._arrived += self._frames.feed(data)
        return self._arrived.pop(0)

    async def ask(self, number: int, method: str, payload: bytes) -> Frame:
        """Send a request and return the next frame."""
        self.send(number, method, payload)
        frame = await self.next()
        assert frame is not None
        return frame

    async def close(self) -> None:
        """Close, and wait until that is done."""
        self.writer.close()
        await self.writer.wait_closed()


async def connect(port: int) -> Client:
    """A client of the server at this port."""
    return Client(*await asyncio.open_connection("127.0.0.1", port))
