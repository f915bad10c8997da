"""The asyncio client: the same calls over aiohttp, many at a time."""

from __future__ import annotations

import asyncio
import io
import os
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import TypeVar

import aiohttp
from yarl import URL

from lictor.api.errors import AgentError, TimedOutError, UnreachableError
from lictor.api.messages import RESPONSE_BYTES_MAX, Answer, Call, Options, Request, Response
from lictor.api.pacing import Pacing
from lictor.api.settings import Settings
from lictor.api.tls import tls_context
from lictor_core.clock import Clock, Rng
from lictor_core.errors import PeerError

__all__ = ["CONNECTIONS_MAX", "AsyncClient"]

T = TypeVar("T")

CONNECTIONS_MAX = 100
"""Connections that one client opens at most; further calls wait for a free one."""
_PART_BYTES = 64 * 1024


class AsyncClient:
    """Sends calls to one agent. An async context manager; may be used by any number of tasks of one loop."""

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = settings or Settings.from_environment()
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections; the next call opens new ones."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def send(self, call: Call[T]) -> T:
        """Carry out `call`. Raises `AgentError`, `UnreachableError`, `TimedOutError` or `PeerError`."""
        return (await self.ask(call)).value

    async def ask(self, call: Call[T]) -> Answer[T]:
        """Carry out `call` and say how fresh the answer is. Raises as `send` does."""
        return call.answer(await self.exchange(call.request))

    async def watch(
        self,
        make: Callable[[Options], Call[T]],
        options: Options | None = None,
        *,
        wait_s: float = 60.0,
        clock: Clock,
        rng: Rng,
    ) -> AsyncIterator[Answer[T]]:
        """The answers to `make(options)` for ever: the first one at once, then one for each change.

        Failures are waited out; a refusal that will not change (status 4xx) is raised.
        """
        pacing, chosen = Pacing(rng), options or Options()
        while True:
            try:
                answer = await self.ask(make(replace(chosen, index=pacing.index, wait_s=wait_s)))
            except AgentError as error:
                if error.status < 500:
                    raise
                await asyncio.sleep(pacing.failed())
            except (UnreachableError, TimedOutError, PeerError):
                await asyncio.sleep(pacing.failed())
            else:
                is_news, pause_s = pacing.answered(answer.index, clock.monotonic())
                if is_news:
                    yield answer
                await asyncio.sleep(pause_s)

    async def exchange(self, request: Request) -> Response:
        """Send `request` as it is and read the response."""
        endpoint = self.settings.endpoint
        timeout_s = self.settings.timeout_s + request.waits_s
        base = "http://localhost" if endpoint.unix_path else str(endpoint)
        headers = {} if request.body is None else {"Content-Type": "application/json"}
        try:
            async with self._opened().request(
                request.method,
                URL(base + request.target(), encoded=True),
                data=_sent(request.body),
                headers=headers,
                timeout=aiohttp.ClientTimeout(total=timeout_s),
                server_hostname=self.settings.tls_server_name or None,
                allow_redirects=False,
            ) as reply:
                body = await _body(reply)
                replied = {name.lower(): value for name, value in reply.headers.items()}
                return Response(status=reply.status, headers=replied, body=body)
        except aiohttp.ClientConnectorError as error:
            raise UnreachableError(str(endpoint), _reason(error.os_error)) from error
        except TimeoutError as error:
            raise TimedOutError(f"{endpoint} did not answer within {timeout_s:g} s") from error
        except (aiohttp.ClientError, OSError) as error:
            raise TimedOutError(f"{endpoint} broke off: {error}") from error

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            endpoint = self.settings.endpoint
            connector: aiohttp.BaseConnector
            if endpoint.unix_path:
                connector = aiohttp.UnixConnector(path=endpoint.unix_path, limit=CONNECTIONS_MAX)
            elif endpoint.tls:
                connector = aiohttp.TCPConnector(ssl=tls_context(self.settings), limit=CONNECTIONS_MAX)
            else:
                connector = aiohttp.TCPConnector(limit=CONNECTIONS_MAX)
            self._session = aiohttp.ClientSession(connector=connector, headers=self.settings.headers())
        return self._session


def _sent(body: bytes | None) -> bytes | io.BytesIO | None:
    """A large body goes out part by part, as aiohttp wants it; it would hold up the loop otherwise."""
    return io.BytesIO(body) if body is not None and len(body) > _PART_BYTES else body


def _reason(error: OSError) -> str:
    if isinstance(error, socket.gaierror):
        return "no such host"
    if isinstance(error, ssl.SSLError) or error.errno is None:
        return str(error)
    return os.strerror(error.errno).lower()


async def _body(reply: aiohttp.ClientResponse) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for part in reply.content.iter_any():
        size += len(part)
        if size > RESPONSE_BYTES_MAX:
            raise PeerError(f"the agent's answer is larger than {RESPONSE_BYTES_MAX} bytes")
        parts.append(part)
    return b"".join(parts)
