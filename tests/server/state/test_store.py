"""What a store does as a whole; its tables have tests of their own, and `test_twin` compares it with a naive one."""

from __future__ import annotations

from lictor_core import topics as on
from lictor_core.autopilot import AutopilotConfiguration
from lictor_core.commands import (
    AutopilotSet,
    CASerialTake,
    Command,
    CoordinatesSet,
    Deregister,
    EventFire,
    IntentionSet,
    KeyringSet,
    KVDelete,
    KVSet,
    PreparedQuerySet,
    Proposal,
    RestoreBegin,
    SessionCreate,
    SessionDestroy,
)
from lictor_server.state import Store, apply, apply_proposal
from lictor_server.state.snapshot import restore, state_hash, take
from tests.server.build import check, config, event, intention, node, placed, prepared_query, register, service, session
from tests.server.state.questions import ALL
from tests.server.state.restores import restore_commands
from tests.server.state.test_snapshot import filled


def other_store() -> Store:
    """A state that shares names with `filled`, but no record, and is much later in the log."""
    ahead = Store("dc1")
    ahead.index = 5000
    commands: list[Command] = [
        *restore_commands(ahead),
        register(
            node(id="22222222-2222-2222-2222-222222222222", address="192.0.2.7"),
            service=service(id="web-9", tags=["b"], address="192.0.2.8"),
            checks=[check(status="critical")],
        ),
        register(node("n2"), service=service("db", native=True)),
        Deregister(node="n2"),
        CoordinatesSet(updates=[placed("n1", 0.1)]),
        KVSet(key="k1", value=b"other"),
        KVSet(key="gone", value=b"other"),
        KVDelete(key="gone"),
        IntentionSet(intention=intention("web", "db", id="i-1")),
        CASerialTake(),
        CASerialTake(),
        RestoreBegin(id="another", size=1, pieces=1, sha256=bytes(32)),
        AutopilotSet(config=AutopilotConfiguration(min_quorum=5)),
        KeyringSet(boxes={"another": b"ring"}, cas=0),
        SessionCreate(session=session("aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa")),
        SessionCreate(session=session("bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb")),
        KVSet(key="k8", value=b"1", acquire="bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb"),
        SessionDestroy(id="bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb", at_ms=9000),
        PreparedQuerySet(query=prepared_query("other")),
        EventFire(event=event("cccccccc-cccc-4ccc-8ccc-cccccccccccc")),
        config("terminating-gateway", "out", {"Services": [{"Name": "*"}]}),
        config("service-resolver", "web", {"ConnectTimeout": "1s"}),
    ]
    store = Store("dc1")
    for index, command in enumerate(commands, 1000):
        apply(store, index, command)
    apply_proposal(store, 1100, Proposal(b"request", 1099, False, KVSet(key="k9", value=b"1")))
    return store


def seen(store: Store) -> list[object]:
    """Everything that readers can see: answers, reverse look-ups, indexes."""
    topics = [topic for question in ALL for topic in question.topics] + [on.key("gone"), on.key_prefix("")]
    return [
        *(question.ask(store) for question in ALL),
        *(store.addresses.nodes_at(address) for address in ("192.0.2.1", "192.0.2.7")),
        *(store.addresses.instances_at(address) for address in ("192.0.2.1", "192.0.2.8")),
        *(store.index_of(topic) for topic in topics),
        store.index,
        store.catalog_index,
        store.ca.trusted(),
        store.autopilot.shown(),
    ]


def test_a_store_that_became_another_shows_all_of_it_where_it_was() -> None:
    store, other = filled(), other_store()
    parts = dict(vars(store))
    seen(store)  # what readers caused to be kept must not outlive the state it came from
    store.become(other)
    assert seen(store) == seen(other_store())
    assert state_hash(store) == state_hash(other_store())
    tables = {name: part for name, part in parts.items() if not isinstance(part, int | str)}
    assert all(vars(store)[name] is table for name, table in tables.items())


def test_every_part_of_a_store_changes_places() -> None:
    store, other = filled(), other_store()
    mine, theirs = content(store), content(other)
    assert [name for name in mine if mine[name] == theirs[name]] == [], "a part that is equal in both shows nothing"
    store.become(other)
    assert content(store) == theirs
    assert content(other) == mine


def content(store: Store) -> dict[str, object]:
    """What each part holds, but for the datacenter, which is the same, and what is computed from other parts."""
    derived = ("datacenter", "health", "addresses", "gateways")
    parts: dict[str, object] = {name: part for name, part in vars(store).items() if name not in derived}
    return {name: part if isinstance(part, int) else dict(vars(part)) for name, part in parts.items()}


def test_the_former_state_is_whole_in_the_other_store() -> None:
    store, other = filled(), other_store()
    seen(store)
    seen(other)
    store.become(other)
    assert seen(other) == seen(filled())
    assert state_hash(other) == state_hash(filled())


def test_commands_after_the_exchange_change_the_new_state_alone() -> None:
    store, other, twin = filled(), other_store(), other_store()
    store.become(other)
    for index, command in enumerate(later_commands(), 2000):
        apply(store, index, command)
        apply(twin, index, command)
    assert state_hash(store) == state_hash(twin)
    assert seen(store) == seen(twin)
    assert state_hash(other) == state_hash(filled())


def later_commands() -> list[Command]:
    return [
        register(node("n3"), service=service("cache"), checks=[check()]),
        register(node(), service=service("web", id="web-9")),
        KVSet(key="k1", value=b"later"),
        KVDelete(key="k1"),
        IntentionSet(intention=intention("db", "web", id="i-2")),
        Deregister(node="n1"),
    ]


def test_a_restored_store_can_be_taken_over() -> None:
    store = filled()
    store.become(restore(take(other_store())))
    assert state_hash(store) == state_hash(other_store())
