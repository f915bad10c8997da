"""Entries are written and removed where all holds together, and whoever sees what follows from them is woken."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from lictor_core import topics as on
from lictor_core.commands import Command, ConfigSet, Proposal
from lictor_core.config_records import ConfigEntry
from lictor_core.queries import ConfigEntriesQuery, ConfigEntryQuery, DiscoveryChainQuery
from lictor_server.state import Store, answer, apply, apply_proposal
from lictor_server.state.snapshot import restore, state_hash, take
from tests.server.build import config, register, service, unconfig
from tests.server.state import strategies as any_of
from tests.server.state.questions import ALL, without_outputs


def done(*commands: Command, first: int = 10) -> Store:
    """A store after these, each of which must succeed."""
    store = Store("dc1")
    for index, command in enumerate(commands, first):
        outcome, _ = apply(store, index, command)
        assert outcome.rejection is None, outcome.rejection
    return store


def refusal(store: Store, command: Command) -> str:
    """Why a command is refused, without having changed anything."""
    before = state_hash(store)
    index = store.index
    outcome, change = apply(store, store.index + 1, command)
    assert outcome.rejection is not None
    assert not change
    store.index = index
    assert state_hash(store) == before
    return outcome.rejection.message


HTTP = (config("service-defaults", "web", {"Protocol": "http"}), config("service-defaults", "db", {"Protocol": "http"}))
SPLIT = config("service-splitter", "web", {"Splits": [{"Weight": 50}, {"Weight": 50, "Service": "db"}]})


def test_an_entry_keeps_the_index_at_which_it_was_made() -> None:
    store = done(config("mesh", "mesh"), config("mesh", "mesh", {"Meta": {"a": "b"}}))
    found = answer(store, ConfigEntryQuery(kind="mesh", name="MESH"))
    assert found is not None
    assert (found.create_index, found.modify_index) == (10, 11)


@pytest.mark.parametrize(("cas", "value"), [(None, True), (0, False), (9, False), (10, True)])
def test_an_entry_is_replaced_or_removed_only_as_it_was_seen(cas: int | None, value: bool) -> None:
    for command in (config("mesh", "mesh", {"Meta": {"a": "b"}}, cas=cas), unconfig("mesh", "mesh", cas=cas)):
        store = done(config("mesh", "mesh"))
        outcome, change = apply(store, 11, command)
        assert outcome.value is value
        assert bool(change) is value


def test_zero_creates_and_a_removal_of_nothing_is_done() -> None:
    store = done(config("mesh", "mesh", cas=0))
    assert answer(store, ConfigEntriesQuery()) != []
    outcome, _ = apply(store, 11, unconfig("service-router", "web"))
    assert outcome.value is True
    outcome, _ = apply(store, 12, unconfig("service-router", "web", cas=5))
    assert outcome.value is False


def test_whatever_kind_is_written_the_answer_is_true() -> None:
    intentions = config("service-intentions", "db", {"Sources": [{"Name": "web", "Action": "deny"}]})
    for command in (config("mesh", "mesh"), intentions, unconfig("service-intentions", "db")):
        assert apply(Store("dc1"), 10, command)[0].value is True


def test_an_entry_that_others_need_is_not_removed() -> None:
    store = done(*HTTP, SPLIT)
    assert "inconsistent protocols" in refusal(store, unconfig("service-defaults", "db"))
    assert '"db"' in refusal(store, config("service-defaults", "db", {"Protocol": "grpc"}))


def test_what_is_no_entry_is_refused_and_changes_nothing() -> None:
    message = refusal(done(), ConfigSet(kind="mesh", name="mesh", body={"Bogus": 1}))
    assert "not as entries are kept" in message


def test_who_waits_for_a_chain_is_woken_by_what_leads_to_it_alone() -> None:
    store = done(*HTTP, SPLIT)
    _, change = apply(store, 20, config("service-resolver", "db", {"ConnectTimeout": "1s"}))
    assert {topic for topic in change.woken if topic.kind == "chain"} == {on.chain("db"), on.chain("web")}
    _, change = apply(store, 21, config("service-resolver", "other", {"ConnectTimeout": "1s"}))
    assert {topic for topic in change.woken if topic.kind == "chain"} == {on.chain("other")}
    _, change = apply(store, 22, config("proxy-defaults", "global"))
    assert on.CHAINS in change.woken


def test_entries_drop_no_lists_of_the_catalog() -> None:
    store = done(register(service=service("web")))
    rows = store.health.of("web")
    before = store.catalog_index
    apply(store, 20, config("service-resolver", "web", {"ConnectTimeout": "1s"}))
    assert store.health.of("web") is rows
    assert store.catalog_index == before


def test_a_chain_that_cannot_be_is_an_answer() -> None:
    store = done(*HTTP, config("service-defaults", "tcp", {}), SPLIT)
    found = answer(store, DiscoveryChainQuery(service="web", datacenter="dc2"))
    assert found.chain is not None
    assert found.chain["Datacenter"] == "dc2"
    # Entries that were kept by other rules than today's are no reason to fall over.
    store.entries.restore([_row("service-splitter", "tcp", {"Splits": [{"Weight": 100}]})])
    broken = answer(store, DiscoveryChainQuery(service="tcp"))
    assert broken.chain is None
    assert "does not permit" in broken.flaw


def _row(kind: str, name: str, body: dict[str, object]) -> ConfigEntry:
    store = done(*HTTP, config("service-defaults", name, {"Protocol": "http"}), config(kind, name, body))
    found = answer(store, ConfigEntryQuery(kind=kind, name=name))
    assert found is not None
    return found


@given(any_of.config_logs)
@settings(deadline=None, max_examples=60)
def test_nobody_sleeps_through_what_changed(log: list[Command]) -> None:
    store = Store("dc1")
    for index, command in enumerate(log, 3):
        before = {one.name: (one.ask(store), store.stamp(one.topics)) for one in ALL}
        outcome, change = apply(store, index, command)
        if outcome.rejection is not None:
            assert not change
        for one in ALL:
            value, stamp = before[one.name]
            new = one.ask(store)
            if without_outputs(new) != without_outputs(value):
                assert store.wake_index(one.topics) == index, f"{one.name} slept through {command}"
            if new != value:
                assert store.stamp(one.topics) == index, f"{one.name} kept its stamp through {command}"
            if outcome.rejection is not None:
                assert new == value
                assert store.stamp(one.topics) == stamp


@given(any_of.config_logs)
@settings(deadline=None, max_examples=60)
def test_a_snapshot_at_any_moment_changes_nothing(log: list[Command]) -> None:
    straight, copied = Store("dc1"), Store("dc1")
    for index, command in enumerate(log, 3):
        copied = restore(take(copied))
        assert apply(straight, index, command)[0] == apply(copied, index, command)[0]
        assert state_hash(straight) == state_hash(copied)
    for one in ALL:
        assert one.ask(straight) == one.ask(copied)


def test_a_refusal_is_the_same_on_a_server_that_came_back_from_a_snapshot() -> None:
    """It is remembered with the request, and so part of the state."""
    listener = {"Listeners": [{"Port": 80, "Protocol": "http", "Services": [{"Name": "web"}]}]}
    straight = done(HTTP[0], config("ingress-gateway", "b", listener), config("ingress-gateway", "a", listener))
    copied = restore(take(straight))
    gone = Proposal(b"r", 0, False, unconfig("service-defaults", "web"))
    (first, _), (second, _) = (apply_proposal(store, 20, gone) for store in (straight, copied))
    assert first == second
    assert first.rejection is not None
    assert state_hash(straight) == state_hash(copied)
