"""`/v1/agent/monitor`: the agent's log as it comes. Source: Consul's document `api-docs/agent/index`."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Final

from lictor_agent.http.described import Kind, Parameter, described
from lictor_agent.http.encoding import Answer
from lictor_agent.http.errors import Refusal
from lictor_agent.http.requests import Request, parse_bool
from lictor_agent.http.router import Route
from lictor_agent.http.site import Site
from lictor_agent.log_listeners import LogListeners
from lictor_core.errors import ConfigurationError

__all__ = ["ROUTES"]

_LEVEL: Final = Parameter("loglevel", "The lowest level; `INFO` unless said otherwise.")
_AS_JSON: Final = Parameter("logjson", "Lines as JSON.", Kind.FLAG)
_DEFAULT: Final = "INFO"
_TEXT: Final = ("Content-Type", "text/plain; charset=utf-8")


@described(str, _LEVEL, _AS_JSON, about="Lines, as long as the caller listens.", media=("text/plain",))
async def monitor(site: Site, request: Request) -> Answer:
    """Lines of the log from now on, of `loglevel` and above, as JSON with `logjson`."""
    name = request.parameters.get("loglevel") or _DEFAULT
    as_json = "logjson" in request.parameters and parse_bool(request.parameters.get("logjson") or "true") is not False
    if site.listeners is None:
        raise Refusal("this agent's log cannot be listened to", status=500)
    lines = _lines(site.listeners, name, as_json=as_json)
    try:
        await anext(lines)  # it listens from now on, and who is one too many is told
    except ConfigurationError:
        raise Refusal(f"Bad request: Unknown log level: {name}") from None
    return Answer(headers=(_TEXT,), stream=lines)


async def _lines(listeners: LogListeners, level: str, *, as_json: bool) -> AsyncGenerator[bytes]:
    with listeners.listening(level, as_json=as_json) as listener:
        yield b""
        async for part in listener.lines():
            yield part


ROUTES: Final = (Route("/v1/agent/monitor", {"GET": monitor}),)
