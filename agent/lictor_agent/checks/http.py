"""HTTP checks: the status of an answer. Source: Consul's document `docs/discovery/checks`.

2xx is passing, 429 a warning, everything else critical, and so is no answer. Every check opens a connection of its own,
so that it sees what a new client would see.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import ssl
from typing import Final

import aiohttp
from multidict import CIMultiDict

from lictor_agent.checks.dialing import dial_failure
from lictor_agent.checks.status import Result, TailBuffer
from lictor_config.definitions import CheckDefinition
from lictor_core.addresses import join_host_port
from lictor_core.records import CRITICAL, PASSING, WARNING

__all__ = ["TIMEOUT_S", "HttpChecker"]

TIMEOUT_S: Final = 10.0
"""How long an answer may take where the definition does not say."""
_REDIRECTS_MAX: Final = 10
_CHUNK_BYTES: Final = 65_536
_PASSWORD: Final = re.compile(r"(?<=//)([^/?#:@]*):[^/?#]*@")
_TOO_MANY_REQUESTS: Final = 429
_DEFAULT_HEADERS: Final = {
    # Applications leave the agent's own requests out of their logs by this name.
    "User-Agent": "Consul Health Check",
    "Accept": "text/plain, text/*, */*",
}


class HttpChecker:
    """Asks over HTTP. `close` it when no more checks run."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    async def check(self, definition: CheckDefinition, output_bytes_max: int) -> Result:
        """Send the request of `definition` once and judge the answer."""
        method = definition.method.upper() or "GET"
        deadline = asyncio.get_running_loop().time() + (definition.timeout_s or TIMEOUT_S)
        try:
            return await self._ask(method, definition, output_bytes_max, deadline)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            # Go's net/http names the method in this form, and Consul's users know it.
            return Result(CRITICAL, f'{method.capitalize()} "{_shown(definition.http)}": {_failure(error)}')

    async def close(self) -> None:
        """Close what is left of connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _ask(self, method: str, definition: CheckDefinition, output_bytes_max: int, deadline: float) -> Result:
        tail = TailBuffer(output_bytes_max)
        async with asyncio.timeout_at(deadline):
            asked = await self._opened().request(
                method,
                definition.http,
                headers=_headers(definition),
                data=definition.body or None,
                ssl=not definition.tls_skip_verify,
                max_redirects=_REDIRECTS_MAX,
            )
        async with asked as answer:
            # The status has judged already: a body that never ends, as a stream of events has, changes nothing.
            with contextlib.suppress(aiohttp.ClientError, OSError):
                async with asyncio.timeout_at(deadline):
                    async for chunk in answer.content.iter_chunked(_CHUNK_BYTES):
                        tail.write(chunk)
            said = f"{answer.status} {answer.reason or ''}".rstrip()
        output = f"HTTP {method} {_shown(definition.http)}: {said} Output: {tail.text()}"
        if 200 <= answer.status < 300:
            return Result(PASSING, output)
        return Result(WARNING if answer.status == _TOO_MANY_REQUESTS else CRITICAL, output)

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(force_close=True, limit=0),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=None),
            )
        return self._session


def _shown(url: str) -> str:
    """The URL without its password: everyone who reads the catalog reads what a check says."""
    return _PASSWORD.sub(r"\1:***@", url)


def _headers(definition: CheckDefinition) -> CIMultiDict[str]:
    headers: CIMultiDict[str] = CIMultiDict()
    for name, values in definition.header.items():
        for value in values:
            headers.add(name, value)
    for name, value in _DEFAULT_HEADERS.items():
        if name not in headers:
            headers[name] = value
    return headers


def _failure(error: Exception) -> str:
    match error:
        case aiohttp.ClientConnectorCertificateError():
            return f"x509: {error.certificate_error}"
        case aiohttp.ClientConnectorSSLError():
            return f"tls: {error}"
        case aiohttp.ClientConnectorDNSError():
            return f"dial tcp: lookup {error.host}: no such host"
        case aiohttp.ClientConnectorError():
            return dial_failure(join_host_port(error.host, error.port or 0), error.os_error)
        case TimeoutError():
            return "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
        case aiohttp.TooManyRedirects():
            return f"stopped after {_REDIRECTS_MAX} redirects"
        case aiohttp.ServerDisconnectedError():
            return "EOF"
        case aiohttp.NonHttpUrlClientError():
            return f'unsupported protocol scheme "{str(error).partition(":")[0]}"'
        case aiohttp.InvalidURL() | ValueError():
            return f"invalid URL: {error}"
        case ssl.SSLError():
            return f"tls: {error.reason or error}"
        case _:
            return str(error) or type(error).__name__
