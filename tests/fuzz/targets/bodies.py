"""Requests to the HTTP API, from path and parameters and body to the answer, by an agent with a server of its own.

Whatever is asked for is answered or refused: what is none of the errors in core's table would be a mistake of ours.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from typing import Final
from urllib.parse import urlencode

from lictor_agent.agent import Agent
from lictor_agent.http.encoding import AnswerCache, render
from lictor_agent.http.errors import answer_error
from lictor_agent.http.requests import Parameters, Request, split_target
from lictor_agent.http.router import Router
from lictor_agent.http.routes import ROUTES
from lictor_agent.http.settings import HttpSettings
from lictor_agent.http.site import Site
from lictor_agent.settings import AgentSettings
from lictor_core.clock import SeededRng, SystemClock
from lictor_core.errors import BodyTooLargeError, LictorError
from lictor_core.metrics import Meter
from tests.agent.harness import running_agent
from tests.compat.scenarios.http import SCENARIOS
from tests.fuzz.loop import finished
from tests.fuzz.shaping import Choices
from tests.support.recorder.cassette import cassette_path, load
from tests.support.recorder.json_types import as_object

LEFT_OUT: Final = {
    ("PUT", "/v1/agent/leave"): "it ends the agent",
    ("PUT", "/v1/connect/ca/configuration"): "it makes keys, which takes a while each time",
    ("GET", "/v1/agent/monitor"): "it goes on for as long as the client likes",
    ("GET", "/debug/pprof/"): "it takes the time that it is told to",
}
_ENDPOINTS: Final = tuple(
    (method, route.path) for route in ROUTES for method in route.endpoints if (method, route.path) not in LEFT_OUT
)
_PARAMETERS: Final = (
    "dc", "filter", "near", "tag", "cas", "acquire", "release", "recurse", "keys", "separator", "raw", "flags", "index",
    "passing", "stale", "consistent", "cached", "pretty", "node-meta", "ns", "token", "wait", "hash", "id", "address",
    "by", "name", "limit", "peer", "prune", "type", "compile-dc", "kind", "service", "node", "reason", "enable",
    "wait-enforced",
)  # fmt: skip
_REQUESTS_MAX: Final = 5
_BODY_BYTES_MAX: Final = 255 << 2
_WAIT_S: Final = 0.01
_SETTINGS: Final = HttpSettings(wait_default_s=_WAIT_S, wait_s_max=_WAIT_S)


def run(data: bytes) -> None:
    """Some requests, one after the other."""
    finished(_ask_all(Choices(data)))


async def _ask_all(choices: Choices) -> None:
    async with running_agent(AgentSettings()) as running:
        site = _site(running.agent)
        for _ in range(1 + choices.below(_REQUESTS_MAX)):
            await _ask(site, choices)


def _site(agent: Agent) -> Site:
    clock = SystemClock()
    return Site(agent, _SETTINGS, AnswerCache(_SETTINGS), clock, SeededRng(7), Meter(clock))


async def _ask(site: Site, choices: Choices) -> None:
    method, path = _ENDPOINTS[choices.below(len(_ENDPOINTS) + 256) % len(_ENDPOINTS)]
    tail = choices.some(choices.byte() % 32) if path.endswith("/") else b""
    pairs = [(choices.among(_PARAMETERS), choices.text()) for _ in range(choices.below(4))]
    body = choices.some(choices.byte() << 2)
    try:
        clean, _ = split_target(path + tail.decode("ascii", "replace").replace("\ufffd", "%ff"))
        found = Router(ROUTES).find(clean)
        if found is None:
            return
        route, rest = found
        request = Request(
            method=method,
            path=clean,
            tail=rest,
            parameters=Parameters(urlencode(pairs, errors="replace")),
            headers={},
            read_body=_reading(body),
            read_parts=_parts(body),
            content_length=len(body),
            wait_default_s=_WAIT_S,
            wait_s_max=_WAIT_S,
        )
        answer = await route.endpoint(method)(site, request)
    except LictorError as error:
        answer = answer_error(error)
    assert 200 <= answer.status < 600, f"{answer.status} is no status"
    if answer.file is not None:
        answer.file.file.close()
    elif answer.stream is None:
        render(answer, method=method, packed=bool(choices.byte() & 1), keeps_alive=True)


def _reading(body: bytes) -> Callable[[int], Awaitable[bytes]]:
    async def read(bytes_max: int) -> bytes:
        if len(body) > bytes_max:
            raise BodyTooLargeError("too large")
        return body

    return read


def _parts(body: bytes) -> Callable[[int], AsyncIterator[bytes]]:
    async def read(bytes_max: int) -> AsyncIterator[bytes]:
        yield body

    return read


def seeds() -> Iterable[bytes]:
    """Each endpoint, five in an input. What the real Consul took there is in the corpus (`recorded`)."""
    return _inputs({})


def recorded() -> Iterable[bytes]:
    """Each endpoint with the longest body that the real Consul took there: to begin a corpus with."""
    router, found = Router(ROUTES), dict[tuple[str, str], tuple[bytes, bytes]]()
    for scenario in SCENARIOS:
        for exchange in load(cassette_path("http", scenario.area)).exchanges:
            request = as_object(as_object(exchange)["request"])
            route = router.find(str(request["path"]).partition("?")[0])
            body = request.get("body")
            if route is None or not isinstance(body, dict | list):
                continue
            endpoint, text = (str(request["method"]), route[0].path), json.dumps(body).encode()
            if len(found.get(endpoint, (b"", b""))[1]) < len(text) <= _BODY_BYTES_MAX:
                found[endpoint] = route[1].encode()[:31], text
    return _inputs(found)


def _inputs(bodies: Mapping[tuple[str, str], tuple[bytes, bytes]]) -> Iterable[bytes]:
    asked: list[bytes] = []
    for number, endpoint in enumerate(_ENDPOINTS):
        tail, body = bodies.get(endpoint, (b"web", b""))
        named = bytes([len(tail)]) + tail if endpoint[1].endswith("/") else b""
        fours = len(body) + 3 >> 2
        asked.append(number.to_bytes(2, "big") + named + b"\0" + bytes([fours]) + body.ljust(4 * fours) + b"\0")
    for start in range(0, len(asked), _REQUESTS_MAX):
        some = asked[start : start + _REQUESTS_MAX]
        yield bytes([len(some) - 1]) + b"".join(some)
