"""Kept HTTP connections over aiohttp, many at a time. For one event loop."""

from __future__ import annotations

import asyncio
import io
import ssl
from typing import Final

import aiohttp
from yarl import URL

from lictor.api.errors import TimedOutError, UnreachableError, UnreadableError
from lictor.api.messages import RESPONSE_BYTES_MAX, Request, Response
from lictor.api.reasons import connection_reason
from lictor.api.settings import Settings
from lictor.api.tls import tls_context
from lictor.api.validity import dated_reason

__all__ = ["CONNECTIONS_MAX", "AsyncTransport"]

CONNECTIONS_MAX: Final = 100
"""Connections that one client opens at most; further calls wait for a free one."""
_PART_BYTES: Final = 64 * 1024


class AsyncTransport:
    """The connections to the agent that `settings` name."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Close all connections; the next request opens new ones."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def exchange(self, request: Request, headers: dict[str, str], timeout_s: float) -> Response:
        """Send `request` once and read the response. Raises an `ApiError` when there is none."""
        endpoint = self._settings.endpoint
        base = "http://localhost" if endpoint.unix_path else str(endpoint)
        try:
            async with self._opened().request(
                request.method,
                URL(base + request.target(), encoded=True),
                data=_sent(request.body),
                headers=headers,
                timeout=aiohttp.ClientTimeout(total=timeout_s),
                server_hostname=self._settings.tls_server_name or None,
                allow_redirects=False,
            ) as reply:
                body = await _body(reply)
                replied = {name.lower(): value for name, value in reply.headers.items()}
                return Response(status=reply.status, headers=replied, body=body)
        except aiohttp.ClientConnectorCertificateError as error:
            reason = await asyncio.to_thread(dated_reason, self._settings, error.certificate_error)
            raise UnreachableError(str(endpoint), reason, answers=True) from error
        except aiohttp.ClientConnectorError as error:
            answers = isinstance(error.os_error, ssl.SSLError)
            raise UnreachableError(str(endpoint), connection_reason(error.os_error), answers=answers) from error
        except TimeoutError as error:
            raise TimedOutError(f"{endpoint} did not answer within {round(timeout_s, 2):g} s") from error
        except (aiohttp.ClientError, OSError) as error:
            raise TimedOutError(f"{endpoint} broke off: {error}") from error

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            endpoint = self._settings.endpoint
            connector: aiohttp.BaseConnector
            if endpoint.unix_path:
                connector = aiohttp.UnixConnector(path=endpoint.unix_path, limit=CONNECTIONS_MAX)
            elif endpoint.tls:
                connector = aiohttp.TCPConnector(ssl=tls_context(self._settings), limit=CONNECTIONS_MAX)
            else:
                connector = aiohttp.TCPConnector(limit=CONNECTIONS_MAX)
            self._session = aiohttp.ClientSession(connector=connector, middlewares=(_once,))
        return self._session


async def _once(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Nothing is sent twice without being asked for: aiohttp would repeat a PUT or DELETE whose connection broke."""
    try:
        return await handler(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise TimedOutError(f"{request.url.origin()} broke off: {error}") from error


def _sent(body: bytes | None) -> bytes | io.BytesIO | None:
    """A large body goes out part by part, as aiohttp wants it; it would hold up the loop otherwise."""
    return io.BytesIO(body) if body is not None and len(body) > _PART_BYTES else body


async def _body(reply: aiohttp.ClientResponse) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for part in reply.content.iter_any():
        size += len(part)
        if size > RESPONSE_BYTES_MAX:
            raise UnreadableError(f"the agent's answer is larger than {RESPONSE_BYTES_MAX} bytes")
        parts.append(part)
    return b"".join(parts)
