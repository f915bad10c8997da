"""The catalog as the holder of one token sees it."""

from __future__ import annotations

from lictor_core import topics as on
from lictor_core.acl.caller import Caller
from lictor_core.clock import Clock
from lictor_server.judged_view import JudgedView
from lictor_server.state import Store
from lictor_server.view import StoreView
from tests.server.acl.world import FixedCallers, judge_of, world
from tests.support.clock import ManualClock

NODES = 'node_prefix "" { policy = "read" }\n'
SERVICE = 'service "web" { policy = "read" }'
WEB = (on.service("web"),)


def view(callers: FixedCallers, clock: Clock | None = None, store: Store | None = None) -> JudgedView:
    store = store or world()
    return JudgedView(StoreView(store, lambda: 0.0), store, callers, clock or ManualClock())


def test_an_instance_is_seen_by_who_may_read_its_node_and_its_service() -> None:
    callers = FixedCallers(
        {
            "": "",
            "nodes": NODES,
            "web": 'service "web" { policy = "read" }',
            "both": NODES + 'service "web" { policy = "read" }',
        }
    )
    seen = view(callers)
    for token, rows in {"": 0, "nodes": 0, "web": 0, "both": 2}.items():
        seen.use_token(token)
        assert len(seen.service_health("web")) == rows, token
        assert not seen.service_health("db")
    assert len(seen.service_health("web", connect=True)) == 2


def test_who_may_read_all_is_given_the_very_rows_of_the_store() -> None:
    store = world()
    seen = view(FixedCallers({"": NODES + 'service_prefix "" { policy = "read" }'}), store=store)
    assert seen.service_health("web") is StoreView(store, lambda: 0.0).service_health("web")


def test_nodes_addresses_and_virtual_addresses_are_hidden_alike() -> None:
    store = world()
    whole = StoreView(store, lambda: 0.0)
    node = whole.node("na")
    assert node is not None
    seen = view(FixedCallers({"": "", "all": NODES + 'service_prefix "" { policy = "read" }'}), store=store)
    assert seen.node("na") is None
    assert not seen.holders_at(node.address).nodes
    assert seen.virtual_address("web") is None
    seen.use_token("all")
    assert seen.node("na") == node
    assert seen.holders_at(node.address) == whole.holders_at(node.address)
    assert seen.virtual_address("web") == whole.virtual_address("web")


def test_an_unknown_token_sees_nothing() -> None:
    seen = view(FixedCallers({"": NODES}))
    seen.use_token("unknown")
    assert seen.node("na") is None


def test_another_token_and_other_rights_move_all_stamps_up() -> None:
    callers = FixedCallers({"": "", "t": NODES})
    seen = view(callers)

    def stamps() -> tuple[int, int, int]:
        return seen.version, seen.stamp(WEB), seen.wake_index(WEB)

    first = stamps()
    assert stamps() == first
    seen.use_token("t")
    second = stamps()
    assert all(now > was for now, was in zip(second, first, strict=True))


def test_a_token_that_expires_sees_nothing_from_that_very_moment() -> None:
    clock = ManualClock()
    callers = FixedCallers({"": ""})
    callers.callers["t"] = Caller(authorizer=judge_of(NODES), expires_at_s=clock.now() + 5)
    seen = view(callers, clock)
    seen.use_token("t")
    assert seen.node("na") is not None
    before = seen.stamp(WEB)
    clock.advance(5)
    del callers.callers["t"]
    assert seen.node("na") is None
    assert seen.stamp(WEB) > before
