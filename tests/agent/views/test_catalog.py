"""The catalog that DNS reads on an agent without a server."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

import pytest

from lictor_agent.views import AddressBook, ViewCatalog, ViewStore
from lictor_core import topics
from lictor_core.commands import CoordinatesSet, PreparedQuerySet
from lictor_core.feed import Bookmark, encode_snapshot
from lictor_core.queries import PreparedQueryRenderedQuery, Query, ServiceHealthQuery
from lictor_core.records import AddressHolders, ServiceKind
from lictor_core.registry import CatalogView, ColdViewError, Reading, ReadOptions
from lictor_core.view import View
from tests.agent.views.source import S_MAX, Bench, bench
from tests.server.build import check, config, node, placed, register, service, template
from tests.support.clock import ManualClock
from tests.support.conditions import eventually

T = TypeVar("T")


async def brought(on: Bench, cold: ColdViewError) -> bool:
    told: list[bool] = []
    cold.bring(told.append)
    await eventually(lambda: bool(told), within_s=S_MAX, what="it is brought")
    return told[0]


async def bring_service(on: Bench, *, connect: bool = False) -> None:
    with pytest.raises(ColdViewError) as cold:
        on.catalog.service_health("Web", connect=connect)
    assert await brought(on, cold.value)


async def test_what_is_cold_is_brought_and_then_here() -> None:
    async with bench() as on:
        catalog: CatalogView = on.catalog
        await on.server.write(register(node("N9"), service=service("Web", native=True)))
        await bring_service(on)
        assert [row.service.service for row in catalog.service_health("WEB")] == ["Web"]
        await bring_service(on, connect=True)
        assert len(catalog.service_health("web", connect=True)) == 1
        with pytest.raises(ColdViewError) as cold:
            catalog.node("n9")
        assert await brought(on, cold.value)
        found = catalog.node("n9")
        assert found is not None
        assert found.node == "N9"


async def test_what_nobody_registered_is_known_to_be_nothing() -> None:
    async with bench() as on:
        await bring_service(on)
        assert list(on.catalog.service_health("web")) == []


@pytest.mark.parametrize("name", ["w\udcff", "\udcfe"])
async def test_under_bytes_that_are_no_text_there_is_nothing_and_no_server_is_asked(name: str) -> None:
    """Labels of DNS may be any bytes; what is registered is text."""
    async with bench() as on:
        assert list(on.catalog.service_health(name)) == list(on.catalog.service_health(name, connect=True)) == []
        assert list(on.catalog.ingress_health(name)) == []
        assert on.catalog.node(name) is None
        assert not on.source.feeds
        assert on.catalog.wake_index((topics.service(name),)) == on.catalog.stamp((topics.service(name),))


async def test_numbers_by_topic_grow_with_changes_of_any_of_them() -> None:
    async with bench() as on:
        both = (topics.service("web"), topics.connect("web"))
        assert on.catalog.wake_index(both) == on.catalog.stamp(both) == -1
        await bring_service(on)
        await bring_service(on, connect=True)
        version, wake, stamp = on.catalog.version, on.catalog.wake_index(both), on.catalog.stamp(both)
        await on.server.write(register(service=service(), checks=[check(service_id="web", output="a")]))
        await eventually(lambda: on.catalog.wake_index(both) > wake, within_s=S_MAX, what="a change")
        assert on.catalog.version > version
        wake, stamp = on.catalog.wake_index(both), on.catalog.stamp(both)
        await on.server.write(register(service=service(), checks=[check(service_id="web", output="b")]))
        await eventually(lambda: on.catalog.stamp(both) > stamp, within_s=S_MAX, what="an output")
        assert on.catalog.wake_index(both) == wake


async def test_what_cannot_be_had_is_told() -> None:
    async with bench() as on:
        on.source.lose()
        for ask in (lambda: on.catalog.service_health("web"), lambda: on.catalog.holders_at("192.0.2.1")):
            with pytest.raises(ColdViewError) as cold:
                ask()
            assert not await brought(on, cold.value)


async def test_an_age_is_told_once_the_servers_are_lost() -> None:
    async with bench() as on:
        await bring_service(on)
        assert on.catalog.age_s == 0
        on.source.lose()
        await eventually(lambda: on.catalog.age_s > 0, within_s=S_MAX, what="it ages")
        assert list(on.catalog.service_health("web")) == []


class Views:
    """Views that stand where the test puts them."""

    def __init__(self) -> None:
        self.here: dict[tuple[Query[object], str], View[object]] = {}
        self.version = 1

    def put(self, query: ServiceHealthQuery, index: int, token: str = "") -> None:
        asked = cast("Query[object]", query)
        view = self.here[asked, token] = View(asked)
        for piece in encode_snapshot(Bookmark("c1", index), index, []):
            view.apply(piece)

    def peek(self, query: Query[object], token: str = "") -> View[object] | None:
        return self.here.get((query, token))


def test_a_change_counts_also_where_another_view_is_further() -> None:
    views = Views()
    catalog = ViewCatalog(cast(ViewStore, views), cast(AddressBook, None))
    both = (topics.service("web"), topics.connect("web"))
    views.put(ServiceHealthQuery(service="web"), 10)
    views.put(ServiceHealthQuery(service="web", connect=True), 20)
    before = catalog.wake_index(both), catalog.stamp(both)
    views.put(ServiceHealthQuery(service="web"), 15)
    assert catalog.wake_index(both) > before[0]
    assert catalog.stamp(both) > before[1]


def test_another_token_looks_at_other_views_and_at_stamps_far_above() -> None:
    views, book = Views(), AddressBook(nobody_reads, ManualClock())
    catalog = ViewCatalog(cast(ViewStore, views), book)
    web = (topics.service("web"),)
    views.put(ServiceHealthQuery(service="web"), 10)
    views.put(ServiceHealthQuery(service="web"), 5, "t")
    before = catalog.stamp(web), catalog.wake_index(web), catalog.version
    catalog.use_token("t")
    after = catalog.stamp(web), catalog.wake_index(web), catalog.version
    assert all(now > was for now, was in zip(after, before, strict=True))
    catalog.use_token("t")
    assert catalog.stamp(web) == after[0]
    catalog.use_token("u")
    assert catalog.stamp(web) == -1, "this one sees nothing yet"


async def nobody_reads(query: Query[AddressHolders], options: ReadOptions) -> Reading[AddressHolders]:
    raise AssertionError("nothing is read here")


async def bring(on: Bench, ask: Callable[[], T]) -> T:
    """What `ask` gives after what it lacked was brought."""
    with pytest.raises(ColdViewError) as cold:
        ask()
    assert await brought(on, cold.value)
    return ask()


async def test_where_tokens_are_judged_a_prepared_query_is_brought_by_its_name() -> None:
    async with bench() as on:
        on.catalog = ViewCatalog(on.store, on.addresses, is_judged=True)
        assert await bring_all(on, lambda: on.catalog.prepared_query("unknown")) is None
        await on.server.write(PreparedQuerySet(query=template("to-", service="${name.suffix}")))
        query = PreparedQueryRenderedQuery(id_or_name="to-web", to_run=True)
        found = (await on.server.read(query, ReadOptions())).value
        assert found is not None
        view = await on.store.fetch(query)
        assert view.value == found


async def bring_all(on: Bench, ask: Callable[[], T]) -> T:
    """What `ask` gives once all that it lacked was brought."""
    while True:
        try:
            return ask()
        except ColdViewError as error:
            cold = error
        assert await brought(on, cold)


async def test_prepared_queries_are_followed_together() -> None:
    async with bench() as on:
        assert await bring(on, lambda: on.catalog.prepared_query("to-web")) is None
        wake = on.catalog.wake_index((topics.PREPARED_QUERIES,))
        await on.server.write(PreparedQuerySet(query=template("to-", service="${name.suffix}")))
        await eventually(
            lambda: on.catalog.wake_index((topics.PREPARED_QUERIES,)) > wake, within_s=S_MAX, what="a query"
        )
        query = on.catalog.prepared_query("to-web")
        assert query is not None
        assert query.service.service == "web"
        assert on.catalog.prepared_query("web") is None
        assert on.source.feeds["PreparedQueriesQuery"] == 1


async def test_coordinates_are_followed_together() -> None:
    async with bench() as on:
        await on.server.write(register(node("N1")))
        assert await bring(on, on.catalog.coordinates) == {}
        await on.server.write(CoordinatesSet(updates=[placed("N1", 0.25), placed("n1", 0.5, segment="other")]))
        await eventually(lambda: bool(on.catalog.coordinates()), within_s=S_MAX, what="a coordinate")
        assert {name: place.vec[0] for name, place in on.catalog.coordinates().items()} == {"n1": 0.25}
        assert on.catalog.coordinates() is on.catalog.coordinates()


async def test_virtual_addresses_are_followed_together() -> None:
    async with bench() as on:
        await on.server.write(register(service=service("Web", native=True)))
        assert await bring(on, lambda: on.catalog.virtual_address("web")) == "240.0.0.1"
        wake = on.catalog.wake_index((topics.VIRTUAL_ADDRESSES,))
        assert on.catalog.virtual_address("db") is None
        await on.server.write(register(service=service("db-proxy", proxy_for="db")))
        await eventually(lambda: on.catalog.virtual_address("DB") is not None, within_s=S_MAX, what="an address")
        assert on.catalog.virtual_address("DB") == "240.0.0.2"
        assert on.catalog.wake_index((topics.VIRTUAL_ADDRESSES,)) > wake
        assert on.source.feeds["VirtualAddressesQuery"] == 1


async def test_gateways_are_followed_by_the_service() -> None:
    async with bench() as on:
        assert list(await bring(on, lambda: on.catalog.ingress_health("Web"))) == []
        await on.server.write(register(service=service("gw", kind=ServiceKind.INGRESS_GATEWAY)))
        listener = {"Port": 1, "Protocol": "tcp", "Services": [{"Name": "web"}]}
        await on.server.write(config("ingress-gateway", "gw", {"Listeners": [listener]}))
        await eventually(lambda: bool(on.catalog.ingress_health("web")), within_s=S_MAX, what="a gateway")
        assert on.catalog.wake_index((topics.ingress("web"),)) > 0
