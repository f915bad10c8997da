"""Asks the agent. One HTTP connection pool, a deadline on everything, the errors of core's table."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from types import TracebackType
from typing import Final

import aiohttp
import msgspec

from lictor_connect_proxy.driver.sockets import reason_of
from lictor_connect_proxy.feed.asking import Answer, answered
from lictor_core.errors import PeerError

__all__ = ["AgentAddress", "AgentClient"]

_PLAIN_TIMEOUT_S: Final = 10.0
"""For requests that do not block, and on top of the wait of those that do."""
_BODY_BYTES_MAX: Final = 64 * 1024 * 1024
_CONNECTIONS_MAX: Final = 2048
"""Each watched thing holds one connection while it blocks."""
_WAIT_S: Final = 60.0
_SETTLED_S: Final = 15.0


class AgentAddress(msgspec.Struct, frozen=True, kw_only=True):
    """How the agent is reached, in the forms that Consul's command line takes.

    `http_addr` is `host:port`, `http://`, `https://` or `unix:///path`. `tls` is for `https://`: whom to trust and what
    to show; None trusts whom this machine trusts.
    """

    http_addr: str = "127.0.0.1:8500"
    token: str = ""
    datacenter: str = ""
    stale: bool = False
    tls: ssl.SSLContext | None = None
    tls_server_name: str = ""

    def __repr__(self) -> str:
        # A token must not reach a log or a traceback.
        return f"AgentAddress(http_addr={self.http_addr!r})"


class AgentClient:
    """An asynchronous context manager; requests raise `PeerError`, `NotFoundError` or `PermissionDeniedError`."""

    def __init__(self, address: AgentAddress) -> None:
        self._address = address
        self._session: aiohttp.ClientSession | None = None
        self._base = ""

    async def __aenter__(self) -> AgentClient:
        address = self._address
        connector: aiohttp.BaseConnector
        if address.http_addr.startswith("unix://"):
            self._base = "http://agent"
            connector = aiohttp.UnixConnector(address.http_addr.removeprefix("unix://"), limit=_CONNECTIONS_MAX)
        else:
            self._base = address.http_addr if "://" in address.http_addr else f"http://{address.http_addr}"
            connector = aiohttp.TCPConnector(limit=_CONNECTIONS_MAX, ssl=address.tls or True)
        headers = {"X-Consul-Token": address.token} if address.token else {}
        # Proxies named in the environment are not for an agent on this machine.
        self._session = aiohttp.ClientSession(connector=connector, headers=headers, trust_env=False)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._session is not None
        await self._session.close()

    @property
    def wait_s(self) -> float:
        """Short enough that a connection which died without a word is noticed."""
        return _WAIT_S

    @property
    def settled_s(self) -> float:
        """Short, since another agent may have taken this one's place without anybody noticing."""
        return _SETTLED_S

    async def get(self, path: str, parameters: Mapping[str, str] | None = None, *, wait_s: float = 0.0) -> Answer:
        """The answer to a GET; `wait_s` is how long the agent was asked to block at most."""
        return await self._request("GET", path, self._query(path, parameters), None, wait_s + _PLAIN_TIMEOUT_S)

    async def post(
        self, path: str, parameters: Mapping[str, str] | None = None, body: bytes = b"", *, wait_s: float = 0.0
    ) -> Answer:
        """The answer to a POST that asks for something."""
        return await self._request("POST", path, self._query(path, parameters), body, wait_s + _PLAIN_TIMEOUT_S)

    def _query(self, path: str, parameters: Mapping[str, str] | None) -> dict[str, str]:
        query = dict(parameters or {})
        if self._address.datacenter and "dc" not in query and not path.startswith("/v1/agent/"):
            query["dc"] = self._address.datacenter
        if self._address.stale:
            query["stale"] = ""
        return query

    async def put(self, path: str, body: bytes = b"") -> Answer:
        """The answer to a PUT."""
        return await self._request("PUT", path, {}, body, _PLAIN_TIMEOUT_S)

    async def _request(
        self, method: str, path: str, query: Mapping[str, str], body: bytes | None, timeout_s: float
    ) -> Answer:
        assert self._session is not None, "enter the client first"
        timeout = aiohttp.ClientTimeout(total=timeout_s, sock_connect=_PLAIN_TIMEOUT_S)
        url = self._base + path
        name = self._address.tls_server_name or None
        try:
            async with self._session.request(
                method, url, params=query, data=body, timeout=timeout, server_hostname=name, allow_redirects=False
            ) as response:
                content = await _whole(response.content, path)
                status, headers = response.status, response.headers
        except TimeoutError:
            raise PeerError(f"the agent at {self._base} did not answer {path} within {timeout_s:g} s") from None
        except aiohttp.ClientConnectorError as error:
            # what the system says; aiohttp's sentence around it names neither reason nor remedy
            cause = error.os_error
            reason = str(cause) if isinstance(cause, ssl.SSLError) else reason_of(cause)
            raise PeerError(
                f"could not reach the agent at {self._address.http_addr} ({reason}): is it running? "
                "-http-addr or LICTOR_HTTP_ADDR names another one"
            ) from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise PeerError(f"the agent at {self._base} cannot be asked for {path}: {error}") from error
        return answered(path, status, {name.lower(): value for name, value in headers.items()}, content)


async def _whole(stream: aiohttp.StreamReader, path: str) -> bytes:
    content = bytearray()
    async for chunk in stream.iter_any():
        content += chunk
        if len(content) > _BODY_BYTES_MAX:
            raise PeerError(f"the agent's answer to {path} is longer than {_BODY_BYTES_MAX} bytes")
    return bytes(content)
