import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lictor_core.commands import CAConfigurationSet, CAKeyMaterial, CARootsSet, CASerialTake, Command, KVSet
from lictor_core.errors import RequestError
from lictor_server.state import Store, apply
from lictor_server.state.snapshot import ROWS_PER_CHUNK, restore, state_hash, take
from tests.server.build import check, node, register, service
from tests.server.state.test_apply import root


def filled(keys: int = 3) -> Store:
    store = Store("dc1")
    commands: list[Command] = [
        register(node(id="11111111-1111-1111-1111-111111111111"), service=service(tags=["a"]), checks=[check()]),
        CARootsSet(cluster_id="c", roots=[root("aa")], keys=[CAKeyMaterial(root_id="aa", private_key="pem")], cas=0),
        CAConfigurationSet(provider="consul", config={"LeafCertTTL": "72h"}),
        CASerialTake(),
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
