"""A saved state takes the place of the current one, through the log, and indexes go forward."""

from __future__ import annotations

import pytest

from lictor_core import topics as on
from lictor_core.commands import (
    CASerialTake,
    Command,
    KVDelete,
    KVSet,
    NoOp,
    Outcome,
    Proposal,
    RestoreAbandon,
    RestoreBegin,
    RestoreFinish,
    RestorePiece,
)
from lictor_core.errors import RepetitionForgottenError
from lictor_core.limits import RESTORE_PIECE_BYTES_MAX, STATE_BYTES_MAX
from lictor_server.state import Store, Watches, apply, apply_proposal
from lictor_server.state import restoring as module
from lictor_server.state.snapshot import restore, state_hash, take
from lictor_server.state.stream import stream
from tests.server.build import node, register, service
from tests.server.state.questions import ALL
from tests.server.state.restores import restore_commands, saved
from tests.server.state.test_snapshot import filled


def run(store: Store, commands: list[Command]) -> Outcome:
    """Apply all; the outcome of the last one. All others must be carried out."""
    for command in commands[:-1]:
        outcome, _ = apply(store, store.index + 1, command)
        assert outcome.rejection is None, outcome
    return apply(store, store.index + 1, commands[-1])[0]


def refusal(store: Store, command: Command) -> str:
    outcome, change = apply(store, store.index + 1, command)
    assert outcome.rejection is not None, outcome
    assert not change
    return outcome.rejection.message


def busy_store(index: int = 100) -> Store:
    """A store with other contents than `filled`, further on in the log."""
    store = Store("dc1")
    store.index = index
    run(
        store,
        [
            register(node("n7"), service=service("cache")),
            KVSet(key="k1", value=b"newer"),
            KVSet(key="mine", value=b"1"),
            KVSet(key="gone", value=b"1"),
            KVDelete(key="gone"),
        ],
    )
    return store


def answers(store: Store) -> list[object]:
    return [question.ask(store) for question in ALL]


def test_after_a_restore_readers_see_the_saved_state_and_nothing_else() -> None:
    store = busy_store()
    outcome = run(store, restore_commands(filled()))
    assert outcome.rejection is None
    assert outcome.value is True
    assert answers(store) == answers(filled())
    assert store.kv.get("mine") is None
    assert saved(store) != saved(busy_store())


def test_records_keep_their_indexes() -> None:
    store = busy_store()
    run(store, restore_commands(filled()))
    assert store.kv.get("k1") == filled().kv.get("k1")
    assert list(store.catalog.nodes()) == list(filled().catalog.nodes())


@pytest.mark.parametrize("own", [1, 100, 100_000])
@pytest.mark.parametrize("theirs", [1, 100, 100_000])
def test_every_index_after_a_restore_is_above_every_one_before(own: int, theirs: int) -> None:
    store, state = busy_store(own), busy_store(theirs)
    topics = [
        *(topic for question in ALL for topic in question.topics),
        on.key("gone"),
        on.key("never"),
        on.key_prefix(""),
        on.service("nobody"),
    ]
    seen = [store.index_of(topic) for one in (store, state) for topic in topics for store in [one]]
    seen_max = max(*(index.stamp for index in seen), store.index, state.index)
    outcome = run(store, restore_commands(state))
    assert outcome.index > seen_max
    assert all(store.index_of(topic).wake >= outcome.index for topic in topics)
    assert store.wake_index([]) == store.stamp([]) == store.catalog_index == outcome.index
    written, _ = apply(store, store.index + 1, KVSet(key="k1", value=b"latest"))
    assert written.index == outcome.index + 1
    entry = store.kv.get("k1")
    assert entry is not None
    assert entry.modify_index == written.index
    assert store.index_of(on.key("k1")).wake == written.index
    assert store.index_of(on.key("mine")).wake == outcome.index


def test_indexes_go_forward_over_restores_of_restored_states() -> None:
    store, newest = busy_store(10), 0
    for number in range(5):
        state = restore(take(store))
        state.index += 1000
        outcome = run(store, restore_commands(state, id=str(number)))
        assert outcome.index > newest
        newest = apply(store, store.index + 1, KVSet(key="x", value=str(number).encode()))[0].index
        assert newest == outcome.index + 1


def test_a_restore_wakes_everybody_once() -> None:
    store, watches, woken = busy_store(), Watches(), list[str]()
    watches.add([on.service("nobody")], lambda: woken.append("nobody"))
    watches.add([on.service("cache")], lambda: woken.append("cache"))
    watches.add([on.key_prefix("zzz")], lambda: woken.append("prefix"))
    *before, last = restore_commands(filled())
    for command in before:
        assert not apply(store, store.index + 1, command)[1]
    watches.fire(apply(store, store.index + 1, last)[1])
    assert sorted(woken) == ["cache", "nobody", "prefix"]
    assert len(watches) == 0


def test_until_the_last_step_nothing_that_can_be_read_changes() -> None:
    store = busy_store()
    *before, _ = restore_commands(filled())
    run(store, before)
    assert saved(store) == saved(at(busy_store(), store.index))


def at(store: Store, index: int) -> Store:
    store.index = index
    return store


def test_serial_numbers_are_not_given_twice() -> None:
    store = Store("dc1")
    run(store, [CASerialTake() for _ in range(7)])
    run(store, restore_commands(filled()))
    assert apply(store, store.index + 1, CASerialTake())[0].value == 8


def test_a_request_from_before_is_not_answered_from_after() -> None:
    store = Store("dc1")
    wish = Proposal(b"request", 0, False, KVSet(key="a", value=b"1"))
    apply_proposal(store, 5, wish)
    store.index = 5
    run(store, restore_commands(filled()))
    again = Proposal(wish.request, wish.seen, True, wish.command)
    outcome, change = apply_proposal(store, store.index + 1, again)
    assert not change
    assert outcome.rejection is not None
    assert outcome.rejection.code == RepetitionForgottenError.code


def test_the_finish_itself_is_carried_out_once() -> None:
    store = busy_store()
    *before, last = restore_commands(filled())
    run(store, before)
    first, _ = apply_proposal(store, store.index + 1, Proposal(b"finish", store.index, False, last))
    second, change = apply_proposal(store, store.index + 1, Proposal(b"finish", store.index - 1, True, last))
    assert first == second
    assert not change
    assert first.rejection is None


def test_a_state_of_another_datacenter_is_refused() -> None:
    store, before = Store("dc2"), answers(Store("dc2"))
    outcome = run(store, restore_commands(filled()))
    assert outcome.rejection is not None
    assert "'dc1'" in outcome.rejection.message
    assert "'dc2'" in outcome.rejection.message
    assert answers(store) == before


def test_a_missing_repeated_or_foreign_piece_is_refused() -> None:
    store = Store("dc1")
    begin, first, second, *_ = restore_commands(filled())
    run(store, [begin, first])
    assert "piece 0 came where piece 1 belongs" in refusal(store, first)
    assert isinstance(second, RestorePiece)
    assert "another one took its place" in refusal(store, RestorePiece(id="other", number=1, data=second.data))
    assert apply(store, store.index + 1, second)[0].rejection is None
    assert "2 pieces" in refusal(store, RestoreFinish(id="r"))
    assert "not under way" in refusal(store, RestoreFinish(id="r"))


def test_a_newer_restore_takes_the_place_of_an_older_one() -> None:
    store = Store("dc1")
    run(store, restore_commands(filled(), id="old")[:-2])
    outcome = run(store, restore_commands(busy_store(), id="new"))
    assert outcome.rejection is None
    assert answers(store) == answers(busy_store())
    assert "not under way" in refusal(store, RestoreFinish(id="old"))


@pytest.mark.parametrize("place", [0, 5, 40, -1])
def test_a_changed_byte_is_refused_and_leaves_the_state_as_it_was(place: int) -> None:
    data = bytearray(saved(filled()))
    data[place] ^= 1
    store = busy_store()
    outcomes = [apply(store, store.index + 1, command)[0] for command in restore_commands(bytes(data))]
    assert any(one.rejection is not None for one in outcomes)
    assert outcomes[-1].rejection is not None
    assert answers(store) == answers(busy_store())
    assert not store.restoring.is_under_way


def test_a_checksum_that_is_not_the_announced_one_is_refused() -> None:
    store = busy_store()
    begin, *rest = restore_commands(filled())
    assert isinstance(begin, RestoreBegin)
    announced = RestoreBegin(id=begin.id, size=begin.size, pieces=begin.pieces, sha256=bytes(32))
    outcome = run(store, [announced, *rest])
    assert outcome.rejection is not None
    assert "checksum" in outcome.rejection.message


@pytest.mark.parametrize(
    ("begin", "reason"),
    [
        (RestoreBegin(id="r", size=0, pieces=0, sha256=bytes(32)), "0 bytes"),
        (RestoreBegin(id="r", size=STATE_BYTES_MAX + 1, pieces=1, sha256=bytes(32)), "at most"),
        (RestoreBegin(id="r", size=10, pieces=11, sha256=bytes(32)), "11 pieces"),
        (RestoreBegin(id="r", size=10, pieces=1, sha256=bytes(31)), "no SHA-256"),
    ],
)
def test_a_beginning_that_cannot_end_well_is_refused(begin: RestoreBegin, reason: str) -> None:
    assert reason in refusal(Store("dc1"), begin)


def test_more_bytes_than_announced_are_refused() -> None:
    store = Store("dc1")
    run(store, [RestoreBegin(id="r", size=10, pieces=2, sha256=bytes(32))])
    assert "longer than the 10 bytes" in refusal(store, RestorePiece(id="r", number=0, data=bytes(11)))


@pytest.mark.parametrize("size", [0, RESTORE_PIECE_BYTES_MAX + 1])
def test_a_piece_has_a_bound(size: int) -> None:
    store = Store("dc1")
    run(store, [RestoreBegin(id="r", size=STATE_BYTES_MAX, pieces=2, sha256=bytes(32))])
    assert f"a piece has {size} bytes" in refusal(store, RestorePiece(id="r", number=0, data=bytes(size)))


def test_an_abandoned_restore_is_over() -> None:
    store = Store("dc1")
    run(store, [*restore_commands(filled())[:-1], RestoreAbandon(id="other")])
    assert store.restoring.is_under_way
    run(store, [RestoreAbandon(id="r")])
    assert not store.restoring.is_under_way
    assert "not under way" in refusal(store, RestoreFinish(id="r"))


def test_a_restore_that_nobody_goes_on_with_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "IDLE_ENTRIES_MAX", 10)
    store = Store("dc1")
    run(store, restore_commands(filled())[:2])
    run(store, [NoOp()] * 10)
    assert store.restoring.is_under_way
    run(store, [NoOp()])
    assert not store.restoring.is_under_way


def test_a_server_that_loads_a_snapshot_in_the_middle_of_a_restore_goes_on_with_it() -> None:
    commands = restore_commands(filled())
    for end in range(1, len(commands)):
        store = busy_store()
        run(store, commands[:end])
        copy = restore(take(store))
        assert state_hash(copy) == state_hash(store)
        assert run(copy, commands[end:]) == run(store, commands[end:])
        assert state_hash(copy) == state_hash(store)


def test_what_clients_are_given_holds_no_restore_under_way_and_none_is_taken() -> None:
    store = busy_store()
    run(store, restore_commands(filled())[:-1])
    assert not restore(take(store, with_restore=False)).restoring.is_under_way
    nested = b"".join(stream(take(store)))
    outcomes = [apply(store, store.index + 1, one)[0] for one in restore_commands(nested, id="nested")]
    assert outcomes[-1].rejection is not None
    assert any(one.rejection and "restore that was under way" in one.rejection.message for one in outcomes)
