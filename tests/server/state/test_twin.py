"""The store against its dumb twin, and the laws of indexes and watches, for any sequence of commands."""

from __future__ import annotations

from functools import partial

from hypothesis import given, settings
from hypothesis import strategies as st

from lictor_core.commands import Command, IntentionDelete, IntentionSet, Register
from lictor_core.queries import KeysQuery
from lictor_server.state import Store, Watches, answer, apply
from lictor_server.state.snapshot import restore, state_hash, take
from tests.server.state import strategies as any_of
from tests.server.state.naive import NaiveStore
from tests.server.state.questions import ALL, EXACT, without_outputs

FIRST = 3


@given(st.lists(st.one_of(any_of.catalog_commands, any_of.key_commands), max_size=25))
@settings(deadline=None)
def test_store_answers_as_its_twin(log: list[Command]) -> None:
    store, twin = Store("dc1"), NaiveStore()
    for index, command in enumerate(log, FIRST):
        outcome, _ = apply(store, index, command)
        if outcome.rejection is None:
            twin.apply(index, command)
    assert list(store.catalog.nodes()) == twin.node_list()
    assert store.catalog.service_tags() == twin.tags()
    for name in ("web", "DB"):
        for connect in (False, True):
            assert store.health.of(name, connect=connect) == twin.health(name, connect=connect)
        assert list(store.catalog.checks_of_service(name)) == twin.checks_of(name)
    for node in any_of.NODES:
        assert list(store.catalog.services_on(node)) == twin.services_on(node)
        assert list(store.catalog.checks_on(node)) == twin.checks_on(node)
    for status in ("any", *any_of.STATUSES):
        assert sorted(store.catalog.checks_in_state(status), key=repr) == sorted(twin.checks_in(status), key=repr)
    for prefix in any_of.PREFIXES:
        assert list(store.kv.under(prefix)) == twin.tree(prefix)


@given(st.lists(any_of.commands, max_size=15))
@settings(deadline=None, max_examples=50)
def test_indexes_and_watches_follow_the_answers(log: list[Command]) -> None:
    store, watches = Store("dc1"), Watches()
    fired: set[str] = set()
    for index, command in enumerate(log, FIRST):
        before = {one.name: (one.ask(store), store.wake_index(one.topics), store.stamp(one.topics)) for one in ALL}
        may_wake_more = _renames_a_node(store, command)
        fired.clear()
        waiting = [watches.add(one.topics, partial(fired.add, one.name)) for one in ALL]
        _, change = apply(store, index, command)
        watches.fire(change)
        for watch in waiting:
            watches.remove(watch)
        for one in ALL:
            value, wake, stamp = before[one.name]
            new = one.ask(store)
            woke = store.wake_index(one.topics) == index
            assert woke or store.wake_index(one.topics) == wake
            assert (one.name in fired) == woke
            if without_outputs(new) != without_outputs(value):
                assert woke, f"{one.name} slept through {command}"
            if new != value:
                assert store.stamp(one.topics) == index, f"{one.name} kept its stamp through {command}"
            elif one in EXACT and not may_wake_more:
                assert store.stamp(one.topics) == stamp, f"{one.name} was touched by {command}"
    assert len(watches) == 0


def _renames_a_node(store: Store, command: Command) -> bool:
    """Such a command takes everything off one node and may put the same on another: both are changes."""
    if not isinstance(command, Register) or not command.node.id:
        return False
    held = store.catalog.node_of_id(command.node.id)
    return held is not None and held.node.lower() != command.node.node.lower()


@given(st.lists(any_of.commands, max_size=25), st.data())
@settings(deadline=None)
def test_snapshot_and_restore_in_between_change_nothing(log: list[Command], data: st.DataObject) -> None:
    cut = data.draw(st.integers(min_value=0, max_value=len(log)))
    straight, first = Store("dc1"), Store("dc1")
    for index, command in enumerate(log, FIRST):
        apply(straight, index, command)
    for index, command in enumerate(log[:cut], FIRST):
        apply(first, index, command)
    second = restore(take(first))
    assert state_hash(second) == state_hash(first)
    for index, command in enumerate(log[cut:], FIRST + cut):
        apply(second, index, command)
    assert state_hash(second) == state_hash(straight)
    for one in ALL:
        assert one.ask(second) == one.ask(straight)
        assert second.wake_index(one.topics) == straight.wake_index(one.topics)
        assert second.stamp(one.topics) == straight.stamp(one.topics)


@given(st.lists(any_of.commands, max_size=25))
@settings(deadline=None, max_examples=50)
def test_rejected_command_changes_nothing(log: list[Command]) -> None:
    store = Store("dc1")
    for index, command in enumerate(log, FIRST):
        before = [one.ask(store) for one in ALL]
        outcome, change = apply(store, index, command)
        if outcome.rejection is not None:
            assert not change
            assert [one.ask(store) for one in ALL] == before


@given(st.lists(any_of.key_commands, max_size=25), st.sampled_from(any_of.PREFIXES), st.sampled_from(("", "/", "b/")))
@settings(deadline=None)
def test_keys_with_separator_are_cut_behind_it_and_unique(log: list[Command], prefix: str, separator: str) -> None:
    store, twin = Store("dc1"), NaiveStore()
    for index, command in enumerate(log, FIRST):
        apply(store, index, command)
        twin.apply(index, command)
    expected: list[str] = []
    for key in (one.key for one in twin.tree(prefix)):
        head, found, _ = key[len(prefix) :].partition(separator) if separator else (key[len(prefix) :], "", "")
        name = prefix + head + found
        if name not in expected:
            expected.append(name)
    assert answer(store, KeysQuery(prefix=prefix, separator=separator)) == expected


@given(st.lists(any_of.commands, max_size=25))
@settings(deadline=None)
def test_a_pair_of_names_has_at_most_one_intention(log: list[Command]) -> None:
    store = Store("dc1")
    for index, command in enumerate(log, FIRST):
        if isinstance(command, IntentionSet | IntentionDelete):
            apply(store, index, command)
    pairs = [(one.source_name, one.destination_name) for one in store.intentions.all()]
    assert len(pairs) == len(set(pairs))
