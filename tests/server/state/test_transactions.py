"""Transactions do all of what they ask or nothing, and what the same commands one after the other would do."""

from __future__ import annotations

from functools import partial
from typing import TypeVar

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lictor_core import topics as on
from lictor_core.commands import (
    Command,
    Deregister,
    KVDelete,
    KVDeleteTree,
    KVSet,
    NoOp,
    Register,
    SessionCreate,
    SessionDestroy,
    Transaction,
)
from lictor_core.records import Check, KVEntry, Node, Service
from lictor_core.transactions import (
    CheckOperation,
    KeyOperation,
    NodeOperation,
    Operation,
    OperationResult,
    ServiceOperation,
    TransactionAnswer,
    changes_something,
)
from lictor_server.state import Store, Watches, apply, transactions
from lictor_server.state.indexes import TopicIndexes
from lictor_server.state.snapshot import restore, state_hash, take
from lictor_server.state.stream import CHUNK_BYTES_MAX
from lictor_server.state.transactions import TEXT_CHARS_MAX, look_up
from tests.server.build import check, node, register, service, session
from tests.server.state import strategies as any_of
from tests.server.state.questions import ALL

FIRST = 3
HOLDER = any_of.SESSIONS[0]


def run(store: Store, *operations: Operation) -> TransactionAnswer:
    outcome, _ = apply(store, store.index + 1, Transaction(operations=list(operations)))
    assert isinstance(outcome.value, TransactionAnswer)
    return outcome.value


def key(verb: str, name: str = "a", value: bytes = b"", *, index: int = 0, session: str = "") -> KeyOperation:
    return KeyOperation(verb=verb, key=name, value=value, index=index, session=session)


def errors_at(answer: TransactionAnswer) -> list[int]:
    return [error.position for error in answer.errors]


indexes = st.integers(min_value=0, max_value=10)
key_operations = st.builds(
    KeyOperation,
    verb=st.sampled_from(
        (
            *("set", "set", "cas", "lock", "unlock", "get", "get-tree", "check-index", "check-session"),
            *("check-not-exists", "delete", "delete-cas", "delete-tree", "bogus"),
        )
    ),
    key=st.sampled_from(any_of.KEYS),
    value=st.sampled_from((b"", b"1", b"\xff\x00")),
    index=indexes,
    session=st.sampled_from(("", *any_of.SESSIONS)),
)
catalog_verbs = st.sampled_from(("set", "set", "cas", "get", "delete", "delete-cas", "bogus"))


R = TypeVar("R", Node, Service, Check)


def at_index(record: R, index: int) -> R:
    return msgspec.structs.replace(record, modify_index=index)


node_operations = st.builds(NodeOperation, verb=catalog_verbs, node=st.builds(at_index, any_of.nodes, indexes))
service_operations = st.builds(
    ServiceOperation,
    verb=catalog_verbs,
    node=st.sampled_from(any_of.NODES),
    service=st.builds(at_index, any_of.services, indexes),
)


def on_node(record: Check, name: str) -> Check:
    return msgspec.structs.replace(record, node=name)


check_operations = st.builds(
    CheckOperation,
    verb=catalog_verbs,
    check=st.builds(at_index, st.builds(on_node, any_of.checks, st.sampled_from(any_of.NODES)), indexes),
)
operations = st.lists(st.one_of(key_operations, node_operations, service_operations, check_operations), max_size=5)


def stage() -> list[Command]:
    """Something for operations to meet: what happens at random seldom fits together."""
    held = session(HOLDER, node="a", checks=["c1"], delay_s=0)
    return [
        register(node("a", id=any_of.IDS[1]), service=service("web", id="s1"), checks=[check("c1", service_id="s1")]),
        register(node("b", id=any_of.IDS[2]), checks=[check("serfHealth")]),
        SessionCreate(session=held),
        KVSet(key="x", value=b"1", acquire=HOLDER),
        KVSet(key="x/b", value=b"1", acquire=HOLDER),
    ]


logs = st.lists(any_of.commands, max_size=12) | st.lists(any_of.commands, max_size=3).map(lambda log: stage() + log)


class OneByOne:
    """The same as ordinary commands, one after the other, each at the same index."""

    def __init__(self, store: Store, index: int) -> None:
        self.store = restore(take(store))
        self.index = index
        self.errors: list[int] = []
        self.results: list[OperationResult] = []

    def run(self, operations: list[Operation]) -> None:
        barred = [
            position
            for position, one in enumerate(operations)
            if isinstance(one, KeyOperation)
            and one.verb == "lock"
            and self.store.lock_delays.bars(one.key, self.store.time_ms)
        ]
        if barred:
            self.errors = barred
            return
        for position, operation in enumerate(operations):
            done = self._do(operation)
            if done is None:
                self.errors.append(position)
            else:
                self.results += done

    def _command(self, command: Command) -> bool:
        outcome, _ = apply(self.store, self.index, command)
        return outcome.rejection is None and outcome.value is True

    def _do(self, operation: Operation) -> list[OperationResult] | None:
        match operation:
            case KeyOperation():
                return self._key(operation)
            case NodeOperation():
                return self._node(operation)
            case ServiceOperation():
                return self._service(operation)
            case CheckOperation():
                return self._check(operation)

    def _key(self, one: KeyOperation) -> list[OperationResult] | None:
        def shown() -> list[OperationResult]:
            entry = self.store.kv.get(one.key)
            assert entry is not None
            return [OperationResult(key=msgspec.structs.replace(entry, value=None))]

        entry = self.store.kv.get(one.key)
        write = KVSet(key=one.key, value=one.value, flags=one.flags, at_ms=self.store.time_ms)
        match one.verb:
            case "set":
                return shown() if self._command(write) else None
            case "cas":
                return shown() if self._command(msgspec.structs.replace(write, cas=one.index)) else None
            case "lock":
                return (
                    shown()
                    if one.session and self._command(msgspec.structs.replace(write, acquire=one.session))
                    else None
                )
            case "unlock":
                return (
                    shown()
                    if one.session and self._command(msgspec.structs.replace(write, release=one.session))
                    else None
                )
            case "get":
                return None if entry is None else [OperationResult(key=entry)]
            case "get-tree":
                return [OperationResult(key=found) for found in self.store.kv.under(one.key)]
            case "check-index":
                return shown() if entry is not None and entry.modify_index == one.index else None
            case "check-session":
                return shown() if entry is not None and entry.session == one.session else None
            case "check-not-exists":
                return [] if entry is None else None
            case "delete":
                return [] if self._command(KVDelete(key=one.key)) else None
            case "delete-cas":
                return [] if self._command(KVDelete(key=one.key, cas=one.index)) else None
            case "delete-tree":
                return [] if self._command(KVDeleteTree(prefix=one.key)) else None
            case _:
                return None

    def _may(self, verb: str, row: Node | Service | Check | None, expected: int) -> bool:
        if verb in ("set", "delete"):
            return True
        if verb == "cas":
            return expected == (0 if row is None else row.modify_index)
        return verb == "delete-cas" and row is not None and expected == row.modify_index

    def _node(self, one: NodeOperation) -> list[OperationResult] | None:
        catalog = self.store.catalog
        if one.verb == "get":
            found = catalog.node_of_id(one.node.id) if one.node.id else catalog.node(one.node.node)
            return None if found is None else [OperationResult(node=found)]
        if not self._may(one.verb, catalog.node(one.node.node), one.node.modify_index):
            return None
        if one.verb in ("delete", "delete-cas"):
            return [] if self._command(Deregister(node=one.node.node)) else None
        if not self._command(Register(node=one.node)):
            return None
        return [OperationResult(node=catalog.node(one.node.node))]

    def _service(self, one: ServiceOperation) -> list[OperationResult] | None:
        catalog = self.store.catalog
        found = catalog.service_on(one.node, one.service.id)
        if one.verb == "get":
            return None if found is None else [OperationResult(service=found)]
        if not self._may(one.verb, found, one.service.modify_index):
            return None
        if one.verb in ("delete", "delete-cas"):
            return [] if self._command(Deregister(node=one.node, service_id=one.service.id)) else None
        owner = catalog.node(one.node)
        if owner is None or not self._command(Register(node=owner, service=one.service, skip_node_update=True)):
            return None
        return [OperationResult(service=catalog.service_on(one.node, one.service.id))]

    def _check(self, one: CheckOperation) -> list[OperationResult] | None:
        catalog = self.store.catalog
        found = catalog.check_on(one.check.node, one.check.check_id)
        if one.verb == "get":
            return None if found is None else [OperationResult(check=found)]
        if not self._may(one.verb, found, one.check.modify_index):
            return None
        if one.verb in ("delete", "delete-cas"):
            return [] if self._command(Deregister(node=one.check.node, check_id=one.check.check_id)) else None
        owner = catalog.node(one.check.node)
        if owner is None or not self._command(Register(node=owner, checks=[one.check], skip_node_update=True)):
            return None
        return [OperationResult(check=catalog.check_on(one.check.node, one.check.check_id))]


@given(logs, operations)
@example(
    [],
    [
        NodeOperation(verb="set", node=node("a")),
        ServiceOperation(verb="set", node="a", service=service("web", native=True)),
        NodeOperation(verb="delete", node=node("a")),
    ],
)
@settings(deadline=None, max_examples=400)
def test_a_transaction_does_what_its_operations_do_one_after_the_other_or_nothing(
    log: list[Command], wanted: list[Operation]
) -> None:
    store = Store("dc1")
    for index, command in enumerate(log, FIRST):
        apply(store, index, command)
    index = FIRST + len(log)
    twin, idle = OneByOne(store, index), restore(take(store))
    twin.run(wanted)
    apply(idle, index, NoOp())
    fired: list[str] = []
    watches = Watches()
    before = {one.name: one.ask(store) for one in ALL}
    for one in ALL:
        watches.add(one.topics, partial(fired.append, one.name))
    outcome, change = apply(store, index, Transaction(operations=wanted))
    watches.fire(change)
    assert isinstance(outcome.value, TransactionAnswer)
    assert errors_at(outcome.value) == twin.errors
    if twin.errors:
        assert state_hash(store) == state_hash(idle)
        assert not change
        assert not fired
        assert outcome.value.results == []
    else:
        apply(twin.store, index, NoOp())
        assert [one.service for one in store.virtual.all()] == [one.service for one in twin.store.virtual.all()]
        _take_addresses(twin.store, store)
        assert state_hash(store) == state_hash(twin.store)
        assert outcome.value.results == twin.results
        asleep = {one.name for one in ALL} - set(fired)
        assert [one.name for one in ALL if one.name in asleep and one.ask(store) != before[one.name]] == []


def _take_addresses(twin: Store, store: Store) -> None:
    """Virtual addresses follow from what a whole command leaves: who came and went within had one at the twin alone."""
    kind = on.VIRTUAL_ADDRESSES.kind
    indexes = TopicIndexes()
    indexes.restore_floor(twin.indexes.floor)
    indexes.restore_known([row for row in twin.indexes.rows() if row[0] != kind])
    indexes.restore_known([row for row in store.indexes.rows() if row[0] == kind])
    indexes.restore_gone(twin.indexes.gone_rows())
    twin.indexes, twin.virtual = indexes, store.virtual


@given(logs, operations)
@settings(deadline=None, max_examples=50)
def test_a_look_finds_what_a_transaction_of_the_same_operations_finds(
    log: list[Command], wanted: list[Operation]
) -> None:
    reads = [one for one in wanted if not changes_something(one)]
    store = Store("dc1")
    for index, command in enumerate(log, FIRST):
        apply(store, index, command)
    before = state_hash(store)
    found = look_up(store, reads)
    assert state_hash(store) == before
    assert run(store, *reads) == found


def test_a_look_refuses_what_would_change_something() -> None:
    store = Store("dc1")
    assert errors_at(look_up(store, [key("get-tree"), key("set")])) == [1]
    assert store.kv.get("a") is None


def test_every_failed_operation_is_told_and_the_good_ones_are_not_done() -> None:
    store = Store("dc1")
    answer = run(store, key("set", "a", b"1"), key("get", "b"), key("cas", "c", index=9), key("check-not-exists", "a"))
    assert errors_at(answer) == [1, 2, 3]
    assert "'b'" in answer.errors[0].text
    assert store.kv.get("a") is None


def test_operations_see_what_earlier_ones_did() -> None:
    store = Store("dc1")
    answer = run(store, key("set", "t/1", b"1"), key("set", "t/2", b"2"), key("delete", "t/1"), key("get-tree", "t/"))
    assert [one.key for one in answer.results] == [
        *(KVEntry(lock_index=0, key=f"t/{n}", flags=0, value=None, create_index=1, modify_index=1) for n in (1, 2)),
        KVEntry(lock_index=0, key="t/2", flags=0, value=b"2", create_index=1, modify_index=1),
    ]


def test_a_session_that_ends_in_a_transaction_holds_nothing_from_then_on() -> None:
    store = Store("dc1")
    apply(store, 1, register(node("n1"), checks=[check("c1")]))
    apply(store, 2, SessionCreate(session=session(HOLDER, checks=["c1"], delay_s=0)))
    assert run(store, key("lock", session=HOLDER)).errors == []
    critical = CheckOperation(verb="set", check=check("c1", status="critical", node="n1"))
    assert errors_at(run(store, critical, key("check-session", session=HOLDER))) == [1]
    assert store.sessions.get(HOLDER) is not None
    assert errors_at(run(store, critical, key("check-session", session=""))) == []
    assert store.sessions.get(HOLDER) is None


def test_a_session_ends_with_the_instance_whose_check_it_depends_on() -> None:
    store = Store("dc1")
    apply(store, 1, register(node("n1"), service=service("web"), checks=[check("c1", service_id="web")]))
    apply(store, 2, SessionCreate(session=session(HOLDER, service_checks=["c1"], delay_s=0)))
    run(store, key("lock", session=HOLDER))
    gone = ServiceOperation(verb="delete", node="n1", service=service("web"))
    assert errors_at(run(store, gone, key("check-session", session=HOLDER))) == [1]
    assert run(store, gone, key("check-session")).errors == []


def test_a_lock_within_its_delay_is_refused_before_anything_else_is_looked_at() -> None:
    store = Store("dc1")
    apply(store, 1, register(node("n1")))
    apply(store, 2, SessionCreate(session=session(HOLDER)))
    run(store, key("lock", session=HOLDER))
    apply(store, store.index + 1, SessionDestroy(id=HOLDER))
    assert errors_at(run(store, key("get", "nothing"), key("lock", session=HOLDER))) == [1]


@pytest.mark.parametrize("verb", ["lock", "unlock"])
def test_a_lock_needs_a_session(verb: str) -> None:
    assert errors_at(run(Store("dc1"), key(verb))) == [0]


def test_a_node_takes_all_along_that_is_on_it() -> None:
    store = Store("dc1")
    apply(store, 1, register(node("n1"), service=service("web"), checks=[check("c1", service_id="web")]))
    gone = NodeOperation(verb="delete", node=node("n1"))
    assert errors_at(run(store, gone, ServiceOperation(verb="get", node="n1", service=service("web")))) == [1]
    assert run(store, gone).errors == []
    assert store.catalog.node("n1") is None
    assert list(store.catalog.instances("web")) == []


def test_what_is_told_of_an_operation_is_short_whatever_it_names() -> None:
    long = "n" * 100_000
    (error,) = run(Store("dc1"), NodeOperation(verb="get", node=node(long))).errors
    assert len(error.text) == TEXT_CHARS_MAX


def test_an_answer_that_is_part_of_the_state_is_no_larger_than_what_can_be_restored(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(transactions, "WRITTEN_WEIGHT_MAX", 5000)
    monkeypatch.setattr(transactions, "FOUND_WEIGHT_MAX", 7000)
    store = Store("dc1")
    run(store, key("set", "t/1", b"v" * 2000), key("set", "t/2", b"v" * 1000))
    tree = key("get-tree", "t/")
    assert run(store, key("set"), tree).errors == []
    before = state_hash(store)
    twice = run(store, key("set", "b"), tree, tree)
    assert errors_at(twice) == [2]
    assert "5000 bytes" in twice.errors[0].text
    store.index -= 1
    assert state_hash(store) == before
    assert look_up(store, [tree, tree]).errors == []
    assert errors_at(look_up(store, [tree, tree, tree])) == [2]


def test_the_bound_of_an_answer_leaves_room_in_a_chunk_of_a_snapshot() -> None:
    assert 2 * transactions.WRITTEN_WEIGHT_MAX <= CHUNK_BYTES_MAX


def test_what_can_always_be_is_not_tried_first(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[object] = []

    def slice_of(store: Store, operations: object) -> Store:
        tried.append(operations)
        return store

    store = Store("dc1")
    run(store, key("set", "t/1"), key("set", "t/2"), key("set", "u"))
    monkeypatch.setattr(transactions, "slice_of", slice_of)
    assert run(store, key("delete-tree", "t/"), key("delete", "u"), key("delete", "none")) == TransactionAnswer()
    assert (list(store.kv.entries()), tried) == ([], [])
    run(store, key("delete-cas", "t/1", index=1))
    assert len(tried) == 1
