import asyncio
import contextlib
from collections.abc import AsyncGenerator

import aiohttp
import pytest

from lictor_connect_proxy.admin import Admin
from lictor_connect_proxy.options import admin_address
from lictor_core.clock import SystemClock
from lictor_core.errors import ConfigurationError
from tests.connect_proxy.live import Events
from tests.connect_proxy.observed import Looked
from tests.support.conditions import eventually
from tests.support.ports import free_port


@contextlib.asynccontextmanager
async def _serving(looked: Looked) -> AsyncGenerator[str]:
    port, events = free_port(), Events()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(Admin(looked, ("127.0.0.1", port), SystemClock(), events.log).run())
        await eventually(lambda: bool(events.named("proxy.listener.started")), what="it listens")
        yield f"http://127.0.0.1:{port}"
        task.cancel()


async def _get(url: str) -> tuple[int, str]:
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        return answer.status, await answer.text()


async def test_readiness_says_what_is_missing() -> None:
    looked = Looked()
    async with _serving(looked) as url:
        assert await _get(f"{url}/ready") == (200, '{"Ready":true,"Missing":[]}')
        looked.lacks = ["there is no usable certificate"]
        status, body = await _get(f"{url}/ready")
        assert (status, "no usable certificate" in body) == (503, True)


@pytest.mark.parametrize(
    ("host", "status"),
    [("127.0.0.1:9", 200), ("localhost", 200), ("LOCALHOST:9", 200), ("[::1]:9", 200), ("evil.example", 403),
     ("127.0.0.1.evil.example:9", 403), ("[evil", 403)],
)  # fmt: skip
async def test_who_asks_by_another_name_is_refused(host: str, status: int) -> None:
    async with (
        _serving(Looked()) as url,
        aiohttp.ClientSession(headers={"Host": host}) as session,
        session.get(f"{url}/live") as answer,
    ):
        assert answer.status == status


async def test_a_proxy_that_is_not_ready_lives_and_tells_ages_and_figures() -> None:
    looked = Looked()
    looked.lacks = ["anything"]
    async with _serving(looked) as url:
        assert await _get(f"{url}/live") == (200, '{"Live":true,"SourceAgeSeconds":{"intentions":1.5}}')
        status, body = await _get(f"{url}/metrics")
        assert (status, "lictor_proxy_configured" in body) == (200, True)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:19000", ("127.0.0.1", 19000)),
        ("localhost:19000", ("127.0.0.1", 19000)),
        ("[::1]:19000", ("::1", 19000)),
    ],
)
def test_addresses_of_the_loopback_are_taken(text: str, address: tuple[str, int]) -> None:
    assert admin_address(text) == address


@pytest.mark.parametrize(
    "text", ["0.0.0.0:19000", ":19000", "192.0.2.1:19000", "example:19000", "127.0.0.1", "127.0.0.1:x"]
)
def test_others_are_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match="-admin-bind"):
        admin_address(text)
