"""The areas of the API as attributes of both clients."""

import asyncio
import inspect

import pytest

from lictor.api.areas import BY_NAME
from lictor.api.asynchronous import AsyncClient
from lictor.api.binding import Area, AsyncWatchable, BlockingOnce, BlockingWatchable, Once, Watchable
from lictor.api.blocking import Client
from lictor.api.calls import kv, status
from lictor.api.settings import Settings, parse_address
from lictor_core.records import KVEntry
from tests.client.fake_agent import Reply, fake_agent


def test_an_area_makes_the_calls_of_its_client(live_settings: Settings) -> None:
    with Client(live_settings) as client:
        assert client.kv.put("area", b"1", flags=4) is True
        entry = client.kv.get("area")
        answer = client.kv.get.answer("area")
    assert entry is not None
    assert (entry.value, entry.flags) == (b"1", 4)
    assert (answer.value, answer.index) == (entry, entry.modify_index)


def test_an_area_of_the_asyncio_client_is_awaited(live_settings: Settings) -> None:
    async def asked() -> tuple[KVEntry | None, int]:
        async with AsyncClient(live_settings) as client:
            await client.kv.put("awaited", b"1")
            entry, answer = await asyncio.gather(client.kv.get("awaited"), client.kv.get.answer("awaited"))
            return entry, answer.index

    entry, index = asyncio.run(asked())
    assert entry is not None
    assert entry.value == b"1"
    assert index > 0


def test_what_is_bound_looks_as_the_function_that_it_calls() -> None:
    client = Client("127.0.0.1:1")
    assert inspect.signature(client.kv.get) == inspect.signature(kv.get)
    assert client.kv.get.__doc__ == kv.get.__doc__
    assert isinstance(client.kv.get, BlockingWatchable)
    assert isinstance(AsyncClient("127.0.0.1:1").kv.get, AsyncWatchable)
    assert type(client.status.leader) is BlockingOnce
    assert client.kv.get is client.kv.get


def test_every_call_is_in_an_area() -> None:
    for name, kind in BY_NAME.items():
        module = __import__(f"lictor.api.calls.{name}", fromlist=[name])
        functions = inspect.getmembers(module, inspect.isfunction)
        calls = {
            made
            for made, found in functions
            if made in module.__all__ and str(found.__annotations__["return"]).startswith("Call[")
        }
        bound = {made for made, found in vars(kind).items() if isinstance(found, (Once, Watchable))}
        assert bound == calls, name


def test_what_can_be_waited_for_takes_options() -> None:
    for kind in BY_NAME.values():
        for found in vars(kind).values():
            if isinstance(found, Watchable):
                assert "options" in inspect.signature(found.make).parameters, found.make


def test_no_area_is_invented() -> None:
    client = Client("127.0.0.1:1")
    with pytest.raises(AttributeError, match="nothing"):
        getattr(client, "nothing")  # noqa: B009 the type of a client has no such attribute
    assert set(BY_NAME) <= set(dir(client))
    assert isinstance(client.health, Area)


def test_a_client_that_does_things_otherwise_shares_the_connection() -> None:
    with fake_agent(lambda _: Reply(body=b'"x"')) as fake:
        with Client(Settings(endpoint=parse_address(fake.address))) as client:
            assert client.using(token="other").status.leader() == "x"
            with client.using(timeout_s=3) as quick:
                assert quick.settings.timeout_s == 3
            assert client.status.leader() == "x"
        assert fake.connections == 1
    assert [one.headers.get("x-consul-token") for one in fake.seen] == ["other", None]


def test_datacenter_and_consistency_hold_where_a_call_leaves_them_open() -> None:
    with (
        fake_agent(lambda _: Reply(body=b"[]")) as fake,
        Client(Settings(endpoint=parse_address(fake.address))) as client,
    ):
        elsewhere = client.using(datacenter="dc2", consistency="stale")
        elsewhere.catalog.nodes()
        elsewhere.agent.members()
        elsewhere.send(status.peers())
    assert [one.target for one in fake.seen] == [
        "/v1/catalog/nodes?dc=dc2&stale=",
        "/v1/agent/members",
        "/v1/status/peers",
    ]
