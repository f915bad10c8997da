import contextlib
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lictor_core.autopilot import AutopilotConfiguration
from lictor_core.commands import (
    AutopilotSet,
    CAConfigurationSet,
    CAKeyMaterial,
    CARootsSet,
    CASerialTake,
    Command,
    KVSet,
)
from lictor_core.errors import RequestError
from lictor_server.state import Store, apply
from lictor_server.state.loading import ROWS_PER_REST
from lictor_server.state.snapshot import ROWS_PER_CHUNK, restore, state_hash, take
from tests.server.build import check, node, register, service
from tests.server.state.strategies import commands
from tests.server.state.test_apply import root


def filled(keys: int = 3) -> Store:
    store = Store("dc1")
    commands: list[Command] = [
        register(node(id="11111111-1111-1111-1111-111111111111"), service=service(tags=["a"]), checks=[check()]),
        CARootsSet(cluster_id="c", roots=[root("aa")], keys=[CAKeyMaterial(root_id="aa", private_key="pem")], cas=0),
        CAConfigurationSet(provider="consul", config={"LeafCertTTL": "72h"}),
        CASerialTake(),
        AutopilotSet(config=AutopilotConfiguration(min_quorum=3)),
        *(KVSet(key=f"k{number}", value=b"v") for number in range(keys)),
    ]
    for index, command in enumerate(commands, 5):
        apply(store, index, command)
    return store


def test_what_the_ca_needs_survives() -> None:
    copy = restore(take(filled()))
    key = copy.ca.signing_key("aa")
    assert key is not None
    assert key.private_key == "pem"
    assert copy.ca.last_serial == 1
    assert copy.ca.trusted() == filled().ca.trusted()
    assert copy.ca.configuration == filled().ca.configuration


def test_what_operators_set_survives() -> None:
    copy = restore(take(filled()))
    assert copy.autopilot.shown() == AutopilotConfiguration(min_quorum=3, create_index=9, modify_index=9)
    assert restore(take(Store("dc1"))).autopilot.configuration is None


def test_large_tables_come_in_chunks() -> None:
    store = filled(keys=2 * ROWS_PER_CHUNK + 1)
    chunks = list(take(store))
    assert len(chunks) > 3
    assert state_hash(restore(chunks)) == state_hash(store)


def test_a_snapshot_is_of_the_moment_it_was_taken() -> None:
    store = filled()
    before = state_hash(store)
    chunks = take(store)
    apply(store, 100, KVSet(key="later", value=b"1"))
    assert state_hash(restore(chunks)) == before


@given(st.lists(commands, max_size=12), st.lists(commands, max_size=12), st.lists(commands, max_size=12))
def test_what_is_applied_while_a_snapshot_is_read_is_not_in_it(
    before: list[Command], between: list[Command], during: list[Command]
) -> None:
    store = Store("dc1")
    index = 4
    for command in before:
        apply(store, index := index + 1, command)
    early, early_hash = take(store), state_hash(store)
    for command in between:
        apply(store, index := index + 1, command)
    late, late_hash = take(store), state_hash(store)
    early_chunks = list(itertools.islice(early, 2))
    for command in during:
        apply(store, index := index + 1, command)
    assert state_hash(restore([*early_chunks, *early])) == early_hash
    assert state_hash(restore(late)) == late_hash


def test_a_snapshot_survives_that_its_store_becomes_another_and_is_given_up() -> None:
    store, other = filled(keys=100), Store("dc1")
    before, chunks = state_hash(store), take(store)
    store.become(other)
    other.dismantle()
    assert state_hash(restore(chunks)) == before


def test_a_dismantled_store_holds_no_rows() -> None:
    store = filled()
    store.dismantle()
    assert store.kv.get("k1") is None
    assert list(store.catalog.services_on("n1")) == []
    assert list(store.catalog.checks_on("n1")) == []
    assert list(store.indexes.rows()) == []


def test_reading_and_loading_rest_after_so_many_rows() -> None:
    store, rests = filled(keys=10 * ROWS_PER_REST), list[int]()
    chunks = list(take(store, lambda: rests.append(1)))
    assert len(rests) >= 10
    taking = len(rests)
    restore(chunks, lambda: rests.append(2))
    assert len(rests) - taking >= 10


def test_any_difference_of_states_shows_in_the_hash() -> None:
    store = filled()
    before = state_hash(store)
    apply(store, 100, CASerialTake())
    assert state_hash(store) != before


def test_missing_chunk_of_nodes_is_refused() -> None:
    chunks = list(take(filled()))
    with pytest.raises(RequestError, match="does not have"):
        restore([chunks[0], *chunks[2:]])


@given(st.lists(st.binary(max_size=60), max_size=4))
def test_bytes_that_are_no_snapshot_are_refused(chunks: list[bytes]) -> None:
    with pytest.raises(RequestError):
        restore(chunks)


@given(st.data())
def test_changed_bytes_are_refused_or_give_a_whole_store(data: st.DataObject) -> None:
    chunks = list(take(filled()))
    number = data.draw(st.integers(min_value=0, max_value=len(chunks) - 1))
    place = data.draw(st.integers(min_value=0, max_value=len(chunks[number]) - 1))
    changed = bytearray(chunks[number])
    changed[place] ^= data.draw(st.integers(min_value=1, max_value=255))
    with contextlib.suppress(RequestError):
        state_hash(restore([*chunks[:number], bytes(changed), *chunks[number + 1 :]]))
