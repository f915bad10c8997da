"""HTTP checks: the status of an answer. Source: Consul's document `docs/discovery/checks`.

2xx is passing, 429 a warning, everything else critical, and so is no answer. Every check opens a connection of its own,
so that it sees what a new client would see. Redirects, compression and proxies of the environment are those of Go's
client, which Consul's checks use.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Mapping
from typing import Final

from lictor_agent.checks.connecting import Dialer, Tls
from lictor_agent.checks.dialing import DialError, tls_failure
from lictor_agent.checks.http_exchange import HttpAnswer, Tunnel, exchange
from lictor_agent.checks.http_message import (
    HttpRequest,
    MalformedError,
    MessageError,
    Target,
    redirected,
    request_bytes,
    target_of,
)
from lictor_agent.checks.proxying import proxy_for
from lictor_agent.checks.status import Result, TailBuffer
from lictor_agent.checks.tls import TlsContexts
from lictor_config.definitions import CheckDefinition
from lictor_core.errors import ConfigurationError
from lictor_core.records import CRITICAL, PASSING, WARNING

__all__ = ["TIMEOUT_S", "HttpChecker"]

TIMEOUT_S: Final = 10.0
"""How long an answer may take where the definition does not say."""
_REQUESTS_MAX: Final = 10
"""Requests of one check: the first one, and those that redirects ask for."""
_PASSWORD: Final = re.compile(r"(?<=//)([^/?#:@]*):[^/?#]*@")
_TOO_MANY_REQUESTS: Final = 429
_DEFAULT_HEADERS: Final = {
    # Applications leave the agent's own requests out of their logs by this name.
    "User-Agent": ("Consul Health Check",),
    "Accept": ("text/plain, text/*, */*",),
}
_NO_TLS: Final = "tls: first record does not look like a TLS handshake"


class HttpChecker:
    """Asks over HTTP. `environment` is where proxies are named."""

    def __init__(self, dialer: Dialer, contexts: TlsContexts, environment: Mapping[str, str]) -> None:
        self._dialer = dialer
        self._contexts = contexts
        self._environment = environment

    async def check(self, definition: CheckDefinition, output_bytes_max: int) -> Result:
        """Send the request of `definition` once and judge the answer."""
        deadline = asyncio.get_running_loop().time() + (definition.timeout_s or TIMEOUT_S)
        method = definition.method.upper() or "GET"
        request = HttpRequest(method, definition.http, _headers(definition), definition.body.encode())
        shown_url = request.url
        try:
            first = target_of(request.url)
            for _ in range(_REQUESTS_MAX):
                answer = await self._send(request, definition, TailBuffer(output_bytes_max), deadline)
                again = None
                if not definition.disable_redirects:
                    again = redirected(request, first, answer.status, answer.location)
                if again is None:
                    return _judged(method, definition.http, answer)
                request, shown_url = again, answer.location
            return _failed(request, f"stopped after {_REQUESTS_MAX} redirects", shown_url)
        except MalformedError as error:
            return Result(CRITICAL, _shown(str(error)))
        except (MessageError, DialError, ConfigurationError) as error:
            return _failed(request, str(error))
        except TimeoutError:
            return _failed(request, "context deadline exceeded (Client.Timeout exceeded while awaiting headers)")
        except ssl.SSLError as error:
            reason = tls_failure(error, definition.tls_server_name or target_of(request.url).host)
            return _failed(request, "http: server gave HTTP response to HTTPS client" if reason == _NO_TLS else reason)

    async def _send(
        self, request: HttpRequest, definition: CheckDefinition, tail: TailBuffer, deadline: float
    ) -> HttpAnswer:
        target = target_of(request.url)
        proxy = proxy_for(target, self._environment)
        tls = self._tls(definition, target) if target.is_https else None
        if proxy is None or target.is_https:
            tunnel = None
            if proxy is not None:
                asked = f"CONNECT {target.address} HTTP/1.1\r\nHost: {target.address}\r\n{proxy.header}\r\n"
                tunnel = Tunnel(proxy.address, asked.encode())
            data = request_bytes(request, target)
            return await exchange(self._dialer, target.address, data, tail, deadline, tls=tls, tunnel=tunnel)
        data = request_bytes(request, target, absolute=True, extra=proxy.header)
        return await exchange(self._dialer, proxy.address, data, tail, deadline)

    def _tls(self, definition: CheckDefinition, target: Target) -> Tls:
        context = self._contexts.context(skip_verify=definition.tls_skip_verify)
        return Tls(context, definition.tls_server_name or target.host)


def _judged(method: str, url: str, answer: HttpAnswer) -> Result:
    # A space stands also where an answer gives no reason, as Consul has it.
    output = f"HTTP {method} {_shown(url)}: {answer.status} {answer.reason} Output: {answer.tail.text()}"
    if 200 <= answer.status < 300:
        return Result(PASSING, output)
    return Result(WARNING if answer.status == _TOO_MANY_REQUESTS else CRITICAL, output)


def _failed(request: HttpRequest, reason: str, url: str = "") -> Result:
    # Go's net/http names the method in this form, and Consul's users know it.
    return Result(CRITICAL, f'{request.method.capitalize()} "{_shown(url or request.url)}": {_shown(reason)}')


def _shown(url: str) -> str:
    """The URL without its password: everyone who reads the catalog reads what a check says."""
    return _PASSWORD.sub(r"\1:***@", url)


def _headers(definition: CheckDefinition) -> dict[str, tuple[str, ...]]:
    given = {name.lower() for name in definition.header}
    headers = {name: value for name, value in _DEFAULT_HEADERS.items() if name.lower() not in given}
    return headers | definition.header
