"""Any body to any endpoint: an answer or one kind of error, and nothing is done where the answer is a refusal.

Bodies are any bytes, any JSON, and what was once recorded as sound with any JSON in one of its places.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Generator, Iterator
from contextvars import ContextVar
from functools import lru_cache
from typing import Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lictor_agent.http.described import description_of
from lictor_agent.http.encoding import Answer, AnswerCache
from lictor_agent.http.errors import answer_error
from lictor_agent.http.requests import Parameters, Request
from lictor_agent.http.router import Endpoint, Router
from lictor_agent.http.routes import ROUTES
from lictor_agent.http.settings import HttpSettings
from lictor_agent.http.site import Site
from lictor_core.clock import SeededRng, SystemClock
from lictor_core.commands import Command, Outcome
from lictor_core.errors import BodyTooLargeError, LictorError
from lictor_core.metrics import Meter
from lictor_core.transactions import TransactionAnswer
from tests.agent.harness import Running, running_agent
from tests.compat.scenarios.http import SCENARIOS
from tests.support.recorder.cassette import cassette_path, load
from tests.support.recorder.json_types import Json, as_object, at, parse
from tests.support.strategies import json_values

_LEFT_OUT: Final = {
    "PUT /v1/connect/ca/configuration": "it makes keys, which takes a while each time",
    "PUT /v1/snapshot": "its body is an archive, not JSON: tests of snapshots have it",
}
_TAILS: Final = {"/v1/connect/intentions/": "00000000-0000-0000-0000-000000000000"}
_EXAMPLES: Final = 40
_TEXTS: Final[tuple[str, ...]] = ("", "web", "*", "0", "-1s", "10s", "a/b", "judge", "passing", "\x00", "x" * 600)
_NUMBERS: Final[tuple[Json, ...]] = (0, -1, 1, 1.5, 80, 65_536, 2**31, 2**63, -(2**63), 10**25, 1e300)

_ENDPOINTS: Final = [
    pytest.param(route.path, method, endpoint, id=f"{method} {route.path}")
    for route in ROUTES
    for method, endpoint in route.endpoints.items()
    if (said := description_of(endpoint)) is not None
    and said.body is not None
    and f"{method} {route.path}" not in _LEFT_OUT
]

_asked: ContextVar[list[Command] | None] = ContextVar("_asked", default=None)
"""What the request that is being answered has written, as long as one is."""


class _Agent:
    """An agent on a loop of its own, and what is asked of it one after the other."""

    def __init__(self, runner: asyncio.Runner, running: Running) -> None:
        self._runner = runner
        self.running = running
        clock, settings = SystemClock(), HttpSettings(wait_default_s=0.01, wait_s_max=0.01)
        self._site = Site(running.agent, settings, AnswerCache(settings), clock, SeededRng(7), Meter(clock))

    def ask(self, method: str, path: str, endpoint: Endpoint, body: bytes) -> tuple[Answer, list[Command]]:
        """The answer, and what was written for it."""
        return self._runner.run(self._ask(method, path, endpoint, body))

    async def _ask(self, method: str, path: str, endpoint: Endpoint, body: bytes) -> tuple[Answer, list[Command]]:
        async def read_body(bytes_max: int) -> bytes:
            if len(body) > bytes_max:
                raise BodyTooLargeError("too large")
            return body

        async def read_parts(bytes_max: int) -> AsyncIterator[bytes]:
            yield await read_body(bytes_max)

        tail = _TAILS.get(path, "web") if path.endswith("/") else ""
        request = Request(method, path + tail, tail, Parameters(""), {}, read_body, read_parts, len(body))
        written: list[Command] = []
        token = _asked.set(written)
        try:
            answer = await endpoint(self._site, request)
        except LictorError as error:
            answer = answer_error(error)
        finally:
            _asked.reset(token)
        return answer, written

    def local(self) -> dict[str, object]:
        """What is registered on the agent."""
        state = self.running.agent.local
        services = {key: one.service for key, one in state.services.items()}
        checks = {key: one.definition for key, one in state.checks.items()}
        return {"services": services, "checks": checks}

    def forget(self) -> None:
        """Take out what was registered on the agent: its checks must not begin to look at what was made up."""
        self._runner.run(self._forget())

    async def _forget(self) -> None:
        agent = self.running.agent
        for service_id in list(agent.local.services):
            if service_id in agent.local.services:
                await agent.deregister_service(service_id)
        for check_id in list(agent.local.checks):
            if check_id in agent.local.checks:
                await agent.deregister_check(check_id)


@pytest.fixture(scope="module")
def agent() -> Generator[_Agent]:
    with asyncio.Runner() as runner:
        context = running_agent()
        running = runner.run(context.__aenter__())

        original = running.server.write

        async def noting(command: Command, *, token: str = "") -> Outcome:
            outcome = await original(command, token=token)
            # A transaction with errors was carried out in no part: what tells of it is the state's own test.
            is_refused = isinstance(outcome.value, TransactionAnswer) and outcome.value.errors
            if (written := _asked.get()) is not None and not is_refused:
                written.append(command)
            return outcome

        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(running.server, "write", noting)
            try:
                yield _Agent(runner, running)
            finally:
                runner.run(context.__aexit__(None, None, None))


def test_what_is_left_out_is_there() -> None:
    there = {f"{method} {route.path}" for route in ROUTES for method in route.endpoints}
    assert set(_LEFT_OUT) <= there


@pytest.mark.slow
@pytest.mark.parametrize(("path", "method", "endpoint"), _ENDPOINTS)
def test_a_body_is_answered_or_refused_as_a_whole(path: str, method: str, endpoint: Endpoint, agent: _Agent) -> None:
    @settings(
        max_examples=_EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=(HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large),
    )
    @given(body=_bodies(method, path))
    def send(body: bytes) -> None:
        before = agent.local()
        answer, written = agent.ask(method, path, endpoint, body)
        if answer.status >= 400:
            assert written == [], f"{answer.status} {answer.body!r}, and yet it was written"
            assert agent.local() == before
            assert answer.body, f"{answer.status} without a word"
            assert b"Traceback" not in answer.body
        else:
            agent.forget()

    send()


def _bodies(method: str, path: str) -> st.SearchStrategy[bytes]:
    anything = st.binary(max_size=64) | json_values().map(_encoded)
    sound = _recorded().get((method, path), [])
    if not sound:
        return anything
    return anything | _altered(sound) | _altered(sound) | _altered(sound)


@lru_cache(maxsize=1)
def _recorded() -> dict[tuple[str, str], list[Json]]:
    """Every JSON body that the real Consul took, by method and route."""
    router, found = Router(ROUTES), dict[tuple[str, str], list[Json]]()
    for scenario in SCENARIOS:
        for exchange in load(cassette_path("http", scenario.area)).exchanges:
            request = as_object(as_object(exchange)["request"])
            body, method = request.get("body"), str(request["method"])
            route = router.find(str(request["path"]).partition("?")[0])
            if route is not None and isinstance(body, dict | list) and at(exchange, "response.status") == 200:
                found.setdefault((method, route[0].path), []).append(body)
    return found


@st.composite
def _altered(draw: st.DrawFn, bodies: list[Json]) -> bytes:
    """A sound body with something else in one of its places, mostly of the same type: else little of it is read."""
    whole: Json = json.loads(json.dumps(draw(st.sampled_from(bodies))))
    places = list(_places(whole))
    if places and not draw(st.sampled_from((True, *[False] * 9))):
        holder, key = places[draw(st.integers(0, len(places) - 1))]
        if isinstance(holder, dict):
            holder[str(key)] = draw(_instead_of(holder[str(key)]))
        else:
            holder[int(key)] = draw(_instead_of(holder[int(key)]))
    return _encoded(whole)


def _instead_of(value: Json) -> st.SearchStrategy[Json]:
    anything = json_values().map(lambda made: parse(_encoded(made)))
    match value:
        case str():
            same: st.SearchStrategy[Json] = st.sampled_from(_TEXTS) | st.text(max_size=8)
        case bool():
            same = st.booleans()
        case int() | float():
            same = st.sampled_from(_NUMBERS)
        case _:
            same = anything
    return same | same | same | anything


def _places(value: Json) -> Iterator[tuple[dict[str, Json] | list[Json], str | int]]:
    pairs: list[tuple[str | int, Json]] = []
    if isinstance(value, dict):
        pairs = list(value.items())
    elif isinstance(value, list):
        pairs = list(enumerate(value))
    for key, inner in pairs:
        assert isinstance(value, dict | list)
        yield value, key
        yield from _places(inner)


def _encoded(value: object) -> bytes:
    return json.dumps(value).encode()
