"""Who is told of a watch's news: a program that gets it on its standard input, or an address that is called with it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final, NamedTuple

from lictor_agent.checks.status import TailBuffer
from lictor_agent.programs import run_to_end
from lictor_core.watching import HttpHandler, News, ScriptHandler

__all__ = ["OUTPUT_BYTES_MAX", "Told", "call", "run"]

OUTPUT_BYTES_MAX: Final = 4096
"""So much of the end of what a handler says goes into the log."""
_CHUNK_BYTES: Final = 65_536


class Told(NamedTuple):
    """What became of telling: `flaw` is empty when it went well."""

    output: str
    flaw: str


async def run(handler: ScriptHandler, news: News, environment: Mapping[str, str]) -> Told:
    """Run the program of `handler` once, to its end. It is killed with all it started when this is cancelled."""
    words = list(handler.arguments) or [environment.get("SHELL") or "/bin/sh", "-c", handler.line]
    tail = TailBuffer(OUTPUT_BYTES_MAX)
    try:
        code = await run_to_end(
            words,
            tail,
            text=news.body + b"\n",
            environment={**environment, "CONSUL_INDEX": str(news.index)},
            spares_children=True,  # what a handler leaves running when it ends is its own affair
        )
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        return Told("", f"{words[0]} cannot be started: {reason.lower()}")
    return Told(tail.text(), "" if code == 0 else f"exit status {code}" if code > 0 else f"signal {-code}")


async def call(handler: HttpHandler, news: News) -> Told:
    """Call the address of `handler` with the news."""
    # Imported here: few agents have such a handler, and it is a quarter of an agent's memory.
    import aiohttp
    from multidict import CIMultiDict

    tail = TailBuffer(OUTPUT_BYTES_MAX)
    headers: CIMultiDict[str] = CIMultiDict([("X-Consul-Index", str(news.index)), ("Content-Type", "application/json")])
    headers.extend(handler.headers)
    try:
        async with (
            asyncio.timeout(handler.timeout_s),
            aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session,
            session.request(
                handler.method, handler.url, data=news.body + b"\n", headers=headers, ssl=not handler.tls_skip_verify
            ) as answer,
        ):
            async for chunk in answer.content.iter_chunked(_CHUNK_BYTES):
                tail.write(chunk)
    except TimeoutError:
        return Told("", f"no answer within {handler.timeout_s:g} s")
    except (aiohttp.ClientError, OSError, ValueError) as error:
        return Told("", str(error) or type(error).__name__)
    return Told(tail.text(), "" if 200 <= answer.status < 300 else f"answered {answer.status}")
