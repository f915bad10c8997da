"""One question to one recursor, over UDP or TCP: the only I/O of this package.

Over UDP each question has a socket of its own, connected to the recursor: the kernel takes a random port for it (RFC
5452, section 9.2) and lets nothing in from anybody else.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from lictor_dns.protocol import ID_BYTES, LENGTH_BYTES, MESSAGE_BYTES_MAX
from lictor_dns.recursion.reply import BrokenReplyError, Reply, read_reply
from lictor_dns.recursion.servers import Recursor

__all__ = ["NoReplyError", "ask"]


_Transport: TypeAlias = Callable[[Recursor, bytes, bytes], Awaitable[Reply]]


class NoReplyError(Exception):
    """A recursor gave no reply that can be used; never leaves this package."""


async def ask(
    recursor: Recursor, id: int, tail: bytes, wire: bytes, *, is_udp: bool, wants_whole: bool, timeout_s: float
) -> Reply:
    """What `recursor` replies to the message of `id` and `tail`, with the question section `wire`.

    `wants_whole`: a reply over UDP that is truncated is asked for again over TCP, and given as it is only where that
    fails. Raises `NoReplyError` when there is none within `timeout_s`, counted for each transport.
    """
    query = id.to_bytes(ID_BYTES, "big") + tail
    reply = await _within(timeout_s, _over_udp if is_udp else _over_tcp, recursor, query, wire)
    if is_udp and wants_whole and reply.is_truncated:
        try:
            return await _within(timeout_s, _over_tcp, recursor, query, wire)
        except NoReplyError:
            return reply
    return reply


async def _within(timeout_s: float, over: _Transport, recursor: Recursor, query: bytes, wire: bytes) -> Reply:
    try:
        async with asyncio.timeout(timeout_s):
            return await over(recursor, query, wire)
    except TimeoutError as error:
        raise NoReplyError(f"no reply within {timeout_s:g} s") from error
    except OSError as error:
        raise NoReplyError(os.strerror(error.errno) if error.errno else str(error)) from error
    except BrokenReplyError as error:
        raise NoReplyError(f"a reply that cannot be read: {error}") from error


async def _over_udp(recursor: Recursor, query: bytes, wire: bytes) -> Reply:
    loop = asyncio.get_running_loop()
    id = int.from_bytes(query[:ID_BYTES], "big")
    family = socket.AF_INET6 if ":" in recursor.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as own:
        own.setblocking(False)
        own.connect((recursor.host, recursor.port))
        own.send(query)
        while True:
            reply = read_reply(await loop.sock_recv(own, MESSAGE_BYTES_MAX), id, wire)
            if reply is not None:
                return reply


async def _over_tcp(recursor: Recursor, query: bytes, wire: bytes) -> Reply:
    reader, writer = await asyncio.open_connection(recursor.host, recursor.port)
    try:
        writer.write(len(query).to_bytes(LENGTH_BYTES, "big") + query)
        length = int.from_bytes(await reader.readexactly(LENGTH_BYTES), "big")
        reply = read_reply(await reader.readexactly(length), int.from_bytes(query[:ID_BYTES], "big"), wire)
    except asyncio.IncompleteReadError as error:
        raise NoReplyError("it closed the connection before it replied") from error
    finally:
        writer.transport.abort()
    if reply is None:
        raise NoReplyError("a reply to something else over TCP")
    return reply
