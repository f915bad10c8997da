"""A view that follows publishers equals the answer of a server, wherever it goes on: a naive model is the judge."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lictor_core.commands import Command, KVSet
from lictor_core.errors import OverloadedError
from lictor_core.feed import Bookmark, ItemKind, decode_item
from lictor_core.queries import (
    ChecksInStateQuery,
    IntentionMatchQuery,
    KeyQuery,
    KeysQuery,
    NodeServicesQuery,
    NodesQuery,
    Query,
    ServiceHealthQuery,
    ServiceInstancesQuery,
    ServicesQuery,
    TreeQuery,
)
from lictor_core.rows import shape_of
from lictor_core.view import View
from lictor_server.state import Store, answer, apply
from lictor_server.streams.publisher import Publisher, Standing
from tests.server import build
from tests.server.state import strategies as any_of

T = TypeVar("T")
FIRST = 3
Step = Callable[["World"], None]


def of_any(query: Query[T]) -> Query[object]:
    """For the type checkers: queries of all answer types in one list."""
    return cast("Query[object]", query)


QUERIES = [
    of_any(NodesQuery()),
    of_any(ServicesQuery()),
    of_any(ServiceHealthQuery(service="web")),
    of_any(ServiceHealthQuery(service="web", connect=True)),
    of_any(ServiceHealthQuery(service="web", passing=True)),
    of_any(ServiceInstancesQuery(service="web")),
    of_any(NodeServicesQuery(node="a")),
    of_any(ChecksInStateQuery(state="any")),
    of_any(KeyQuery(key="x/a")),
    of_any(TreeQuery(prefix="x")),
    of_any(KeysQuery(prefix="x", separator="/")),
    of_any(IntentionMatchQuery(by="destination", name="web")),
]


def standing(store: Store, query: Query[object], cluster: str = "c1") -> Standing:
    topics = query.topics()
    return Standing(Bookmark(cluster, store.stamp(topics)), store.wake_index(topics), answer(store, query))


def publisher_of(store: Store, query: Query[object], *, bytes_max: int = 10_000) -> Publisher:
    return Publisher(query, lambda: standing(store, query), history_max=50, history_bytes_max=bytes_max)


@dataclass
class Server:
    """A server that applied some of the log, and publishes one query, looking whenever it is told to."""

    query: Query[object]
    store: Store = field(default_factory=lambda: Store("dc1"))
    applied: int = 0
    publisher: Publisher | None = None

    def apply(self, log: list[Command]) -> None:
        for command in log[self.applied :]:
            apply(self.store, FIRST + self.applied, command)
            self.applied += 1

    def published(self) -> Publisher:
        if self.publisher is None:
            self.publisher = Publisher(self.query, lambda: standing(self.store, self.query), history_max=3)
        self.publisher.refresh()
        return self.publisher


class Follower:
    """A view with its place at one server; items that were sent and not taken yet may be lost."""

    def __init__(self, query: Query[object]) -> None:
        self.view = View(query)
        self.server: Server | None = None
        self.number = 0

    def subscribe(self, server: Server) -> None:
        """As the door does it: a server that is behind the view must catch up first."""
        publisher = server.published()
        if self.view.stamp > publisher.bookmark.stamp:
            self.server = None
            return
        self.view.interrupt()
        self.server = server
        number = publisher.number_after(self.view.bookmark)
        self.number = publisher.next_number if number is None else number
        if number is None:
            for piece in publisher.snapshot():
                self.view.apply(piece)
        elif number == publisher.next_number:
            self.view.apply(publisher.standing())

    def take(self) -> None:
        """Take one change, if there is one; who is cut off comes back."""
        if self.server is None:
            return
        publisher = self.server.published()
        if self.number < publisher.next_number:
            try:
                items = publisher.items(self.number)
            except OverloadedError:
                self.subscribe(self.server)
                return
            self.number += 1
            for item in items:
                self.view.apply(item)


class World:
    """Three servers, one follower, and the naive model: every answer that ever was, by its stamp."""

    def __init__(self, query: Query[object]) -> None:
        self.query = query
        self.log: list[Command] = []
        self.model = Store("dc1")
        self.known: dict[int, Standing] = {}
        self.servers = [Server(query) for _ in range(3)]
        self.follower = Follower(query)
        self.note()

    def note(self) -> None:
        now = standing(self.model, self.query)
        self.known[now.bookmark.stamp] = now

    def write(self, command: Command) -> None:
        self.log.append(command)
        apply(self.model, FIRST + len(self.log) - 1, command)
        self.note()

    def lose(self) -> None:
        self.follower.server = None


def _write(command: Command) -> Step:
    return lambda world: world.write(command)


def _apply(place: int) -> Step:
    return lambda world: world.servers[place].apply(world.log)


def _look(place: int) -> Step:
    def look(world: World) -> None:
        world.servers[place].published()

    return look


def _subscribe(place: int) -> Step:
    return lambda world: world.follower.subscribe(world.servers[place])


def _take(world: World) -> None:
    world.follower.take()


places = st.integers(0, 2)
step: st.SearchStrategy[Step] = st.one_of(
    any_of.commands.map(_write),
    places.map(_apply),
    places.map(_look),
    places.map(_subscribe),
    st.just(_take),
    st.just(World.lose),
)


@pytest.mark.parametrize("query", QUERIES, ids=repr)
@settings(deadline=None, max_examples=40)
@given(steps=st.lists(step, max_size=40))
def test_view_equals_a_naive_model_at_its_stamp_and_never_goes_back(query: Query[object], steps: list[Step]) -> None:
    world = World(query)
    view = world.follower.view
    stamp = index = 0
    for one in steps:
        one(world)
        if view.is_ready:
            assert view.stamp >= stamp
            assert view.index >= index
            stamp, index = view.stamp, view.index
            assert (view.value, view.index) == (world.known[stamp].answer, world.known[stamp].index)
    for server in world.servers:
        server.apply(world.log)
    world.follower.subscribe(world.servers[0])
    while world.follower.number < world.servers[0].published().next_number:
        world.follower.take()
    assert view.value == answer(world.model, query)


def test_a_change_tells_only_what_changed() -> None:
    store, query = Store("dc1"), of_any(ServiceHealthQuery(service="web"))
    for number in range(3):
        apply(store, 3 + number, build.register(build.node(f"n{number}"), service=build.service()))
    publisher = publisher_of(store, query)
    apply(store, 10, build.register(build.node("n1"), service=build.service(port=81)))
    assert publisher.refresh()
    (item,) = publisher.items(publisher.next_number - 1)
    (edit,) = decode_item(item, shape_of(query)).edits
    assert (edit.at, edit.gone, len(edit.rows)) == (1, 1, 1)


def test_nothing_is_told_when_nothing_was_touched() -> None:
    store, query = Store("dc1"), of_any(ServiceHealthQuery(service="web"))
    publisher = publisher_of(store, query)
    apply(store, 3, build.register(service=build.service("db")))
    assert not publisher.refresh()


def test_a_publisher_keeps_a_bounded_history() -> None:
    store, query = Store("dc1"), of_any(KeyQuery(key="k"))
    publisher = publisher_of(store, query, bytes_max=2000)
    for number in range(20):
        apply(store, 3 + number, KVSet(key="k", value=b"v" * 400, flags=number))
        publisher.refresh()
    assert publisher.history_bytes <= 2000
    with pytest.raises(OverloadedError, match="subscribe anew"):
        publisher.items(0)
    assert publisher.items(publisher.next_number - 1)


def test_a_change_as_large_as_the_whole_comes_in_pieces() -> None:
    store, query = Store("dc1"), of_any(TreeQuery(prefix=""))
    publisher = publisher_of(store, query, bytes_max=10_000_000)
    view = View(query)
    for piece in publisher.snapshot():
        view.apply(piece)
    for number in range(3):
        apply(store, 3 + number, KVSet(key=f"k{number}", value=b"v" * 200_000))
    assert publisher.refresh()
    items = publisher.items(0)
    assert len(items) == 3
    assert [view.apply(item) for item in items] == [False, False, True]
    assert view.value == answer(store, query)


def test_what_counts_anew_is_told_as_a_reset() -> None:
    query = of_any(ServicesQuery())
    stores = {"now": Store("dc1")}
    apply(stores["now"], 9, build.register(service=build.service()))
    publisher = Publisher(query, lambda: standing(stores["now"], query))
    view = View(query)
    for piece in publisher.snapshot():
        view.apply(piece)
    stores["now"] = Store("dc1")
    apply(stores["now"], 4, build.register(service=build.service("db")))
    assert publisher.refresh()
    (item,) = publisher.items(0)
    assert decode_item(item, shape_of(query)).kind is ItemKind.RESET
    view.apply(item)
    assert view.value == {"db": []}
