"""Virtual addresses: who has one, that nobody shares one, that they follow from the log, and survive snapshots."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lictor_core import topics as on
from lictor_core.codec import pack, unpack
from lictor_core.commands import Command, Deregister, NodeUpdate
from lictor_core.errors import RequestError
from lictor_core.records import ServiceKind
from lictor_core.topics import Topic
from lictor_server.state.apply import apply
from lictor_server.state.indexes import Change
from lictor_server.state.loading import Chunk
from lictor_server.state.snapshot import restore, state_hash, take
from lictor_server.state.store import Store
from lictor_server.state.virtual import VirtualAddresses
from tests.server.build import config, node, register, service, unconfig
from tests.server.state.restores import restore_commands
from tests.server.state.strategies import config_logs

TABLE = "virtual-address"


def filled(*commands: Command) -> Store:
    store = Store("dc1")
    for command in commands:
        run(store, command)
    return store


def run(store: Store, command: Command) -> dict[Topic, None]:
    outcome, change = apply(store, store.index + 1, command)
    assert outcome.rejection is None
    return change.woken


def proxy(of: str, *, on_node: str = "n1", id: str = "") -> Command:
    return register(node(on_node), service=service(f"{of}-proxy", id=id, proxy_for=of))


def given_to(store: Store) -> dict[str, str]:
    return {row.service: row.address for row in store.virtual.all()}


def mesh_services(store: Store) -> set[str]:
    """Worked out anew: all that anything in the mesh leads to."""
    catalog = store.catalog
    registered = [one for row in catalog.nodes() for one in catalog.services_on(row.node)]
    found = {one.proxy.destination_service_name for one in registered if one.kind is ServiceKind.CONNECT_PROXY}
    found |= {one.service for one in registered if one.kind is not ServiceKind.CONNECT_PROXY and one.connect.native}
    found |= {
        entry.name
        for entry in store.entries.all()
        if entry.kind in ("service-resolver", "service-router", "service-splitter")
    }
    for entry in store.entries.all("terminating-gateway"):
        found |= {
            row.service.name for row in store.gateways.services_of(entry.name) if "terminating" in row.gateway_kind
        }
    return {name.lower() for name in found if name and name != "*"}


def test_a_service_has_an_address_while_a_proxy_or_native_instance_of_it_is_there() -> None:
    store = filled(register(service=service("web")), proxy("Web"))
    assert given_to(store) == {"web": "240.0.0.1"}
    run(store, register(service=service("db", native=True)))
    assert (store.virtual.of("DB"), store.virtual.of("web-proxy"), store.virtual.of("nobody")) == (
        "240.0.0.2",
        None,
        None,
    )
    run(store, Deregister(node="n1", service_id="web-proxy"))
    assert given_to(store) == {"db": "240.0.0.2"}


def test_it_is_kept_while_any_instance_is_left() -> None:
    store = filled(proxy("web"), proxy("db"), proxy("web", on_node="n2"))
    run(store, Deregister(node="n1"))
    assert given_to(store) == {"web": "240.0.0.1"}


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("service-resolver", {"Redirect": {"Service": "db"}}),
        ("service-splitter", {"Splits": [{"Weight": 100, "Service": "db"}]}),
        ("service-router", {"Routes": []}),
    ],
)
def test_what_an_entry_shapes_the_chain_of_has_one(kind: str, body: dict[str, object]) -> None:
    store = filled(config("proxy-defaults", "global", {"Config": {"protocol": "http"}}), config(kind, "Web", body))
    assert given_to(store) == {"web": "240.0.0.1"}
    run(store, unconfig(kind, "web"))
    assert given_to(store) == {}


def test_entries_that_shape_no_chain_give_none() -> None:
    assert given_to(filled(config("service-defaults", "web", {"Protocol": "http"}))) == {}


def test_what_a_terminating_gateway_leads_out_to_has_one() -> None:
    store = filled(
        register(service=service("plain")), config("terminating-gateway", "out", {"Services": [{"Name": "Outside"}]})
    )
    assert given_to(store) == {"outside": "240.0.0.1"}
    run(store, config("terminating-gateway", "out", {"Services": [{"Name": "*"}]}))
    assert given_to(store) == {"plain": "240.0.0.1"}
    run(store, register(service=service("another")))
    assert given_to(store) == {"plain": "240.0.0.1", "another": "240.0.0.2"}
    run(store, Deregister(node="n1", service_id="plain"))
    assert given_to(store) == {"another": "240.0.0.2"}


def test_of_what_comes_together_each_gets_its_address_in_the_order_of_the_names() -> None:
    names = "qwertzuiop"
    services = [service(f"{name}-proxy", proxy_for=name) for name in names]
    store = filled(NodeUpdate(node=node(), services=services))
    assert given_to(store) == {name: f"240.0.0.{place}" for place, name in enumerate(sorted(names), 1)}


def test_the_lowest_address_that_was_given_back_is_given_again() -> None:
    store = filled(proxy("a"), proxy("b"), proxy("c"), proxy("d"))
    for id in ("c-proxy", "a-proxy"):
        run(store, Deregister(node="n1", service_id=id))
    for name in ("e", "f", "g"):
        run(store, proxy(name))
    assert given_to(store) == {
        "b": "240.0.0.2",
        "d": "240.0.0.4",
        "e": "240.0.0.1",
        "f": "240.0.0.3",
        "g": "240.0.0.5",
    }


def test_who_watches_them_wakes_when_one_comes_or_goes_and_never_else() -> None:
    store = Store("dc1")
    woken = [
        on.VIRTUAL_ADDRESSES in run(store, command)
        for command in (
            register(service=service("web")),
            proxy("web"),
            proxy("web", on_node="n2"),
            Deregister(node="n1"),
            Deregister(node="n2"),
        )
    ]
    assert woken == [False, True, False, False, True]


def test_when_all_are_taken_a_service_has_none_until_it_is_touched_after_one_came_back() -> None:
    table, change = VirtualAddresses(2), Change(1)
    for name in ("a", "b", "c"):
        table.give(change, name)
    assert [row.service for row in table.all()] == ["a", "b"]
    table.take_back(change, "a")
    assert table.of("c") is None
    table.give(change, "c")
    assert (table.of("c"), table.of("b"), table.of("a")) == ("240.0.0.1", "240.0.0.2", None)


@given(config_logs)
def test_all_that_is_in_the_mesh_has_an_address_of_its_own_and_nothing_else(commands: list[Command]) -> None:
    store = Store("dc1")
    for index, command in enumerate(commands, 1):
        apply(store, index, command)
        found = given_to(store)
        assert set(found) == mesh_services(store)
        assert len(set(found.values())) == len(found)


@given(config_logs, config_logs)
def test_a_server_that_starts_from_a_snapshot_goes_on_as_the_others(
    before: list[Command], after: list[Command]
) -> None:
    store = Store("dc1")
    for index, command in enumerate(before, 1):
        apply(store, index, command)
    copy = restore(take(store))
    assert state_hash(copy) == state_hash(store)
    for index, command in enumerate(after, len(before) + 1):
        apply(store, index, command)
        apply(copy, index, command)
    assert given_to(copy) == given_to(store)
    assert state_hash(copy) == state_hash(store)


@given(st.lists(st.tuples(st.booleans(), st.sampled_from("abcdefg")), max_size=60))
def test_each_gets_the_lowest_number_that_nobody_has(steps: list[tuple[bool, str]]) -> None:
    table, change, naive = VirtualAddresses(5), Change(1), dict[str, int]()
    for gives, name in steps:
        free = [number for number in range(1, 6) if number not in naive.values()]
        if gives:
            table.give(change, name)
            if name not in naive and free:
                naive[name] = free[0]
        else:
            table.take_back(change, name)
            naive.pop(name, None)
        assert dict(table.rows()) == naive
        loaded = VirtualAddresses(5)
        loaded.restore(table.rows())
        table = loaded


def test_a_snapshot_of_before_there_were_addresses_gets_them_by_name() -> None:
    store = filled(
        proxy("web"),
        register(service=service("db", native=True)),
        config("service-resolver", "api", {}),
        config("terminating-gateway", "out", {"Services": [{"Name": "cache"}, {"Name": "*"}]}),
    )
    header, *chunks = take(store)
    former = [chunk for chunk in chunks if unpack(chunk, Chunk).table != TABLE]
    assert len(former) < len(chunks)
    assert given_to(restore([header, *former])) == {
        "api": "240.0.0.1",
        "cache": "240.0.0.2",
        "db": "240.0.0.3",
        "web": "240.0.0.4",
    }


@pytest.mark.parametrize(
    "rows", [[("db", 1), ("web", 1)], [("web", 1), ("web", 2)], [("web", 0)], [("web", 2**28 - 1)], [("Web", 1)]]
)
def test_a_snapshot_with_addresses_that_cannot_be_is_refused(rows: list[tuple[str, int]]) -> None:
    header, *chunks = take(filled(proxy("web")))
    at = [unpack(chunk, Chunk).table for chunk in chunks].index(TABLE)
    chunks[at] = pack(msgspec.structs.replace(unpack(chunks[at], Chunk), rows=[pack(row) for row in rows]))
    with pytest.raises(RequestError, match="virtual address"):
        restore([header, *chunks])


def test_a_restored_state_brings_its_addresses() -> None:
    saved = filled(proxy("gone"), proxy("web"), Deregister(node="n1", service_id="gone-proxy"))
    store = filled(proxy("db"))
    for command in restore_commands(saved, piece_bytes=500):
        run(store, command)
    assert given_to(store) == {"web": "240.0.0.2"}
    run(store, proxy("db"))
    assert given_to(store) == {"web": "240.0.0.2", "db": "240.0.0.1"}
