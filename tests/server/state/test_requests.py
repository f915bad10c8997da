"""A request that is sent again is carried out once."""

from __future__ import annotations

import dataclasses

import pytest

from lictor_core.codec import decode_proposal, encode_command, encode_proposal, pack
from lictor_core.commands import KVDelete, KVSet, Outcome, Proposal, Transaction
from lictor_core.errors import RepetitionForgottenError, RequestError
from lictor_core.transactions import KeyOperation, NodeOperation, Operation
from lictor_server.state import Store, apply_proposal
from lictor_server.state import requests as module
from lictor_server.state.snapshot import restore, state_hash, take
from tests.server.build import node

CREATE = KVSet(key="a", value=b"1", cas=0)


def first(request: bytes, seen: int = 0) -> Proposal:
    return Proposal(request, seen, False, CREATE)


def again(proposal: Proposal) -> Proposal:
    return Proposal(proposal.request, proposal.seen, True, proposal.command)


def test_a_repetition_gets_the_outcome_of_the_first_sending_and_changes_nothing() -> None:
    store = Store("dc1")
    before, _ = apply_proposal(store, 5, first(b"r1"))
    after, change = apply_proposal(store, 6, again(first(b"r1")))
    assert before == after == Outcome(index=5, value=True)
    assert not change
    assert store.index == 6


def test_the_same_command_of_another_request_is_judged_anew() -> None:
    store = Store("dc1")
    apply_proposal(store, 5, first(b"r1"))
    outcome, _ = apply_proposal(store, 6, first(b"r2"))
    assert outcome.value is False


def test_a_late_repetition_does_not_undo_what_came_between() -> None:
    store = Store("dc1")
    apply_proposal(store, 5, first(b"r1"))
    apply_proposal(store, 6, Proposal(b"r2", 5, False, KVDelete(key="a")))
    apply_proposal(store, 7, again(first(b"r1")))
    assert store.kv.get("a") is None


def test_a_rejection_is_remembered_as_well() -> None:
    store = Store("dc1")
    apply_proposal(store, 4, first(b"r0"))
    lost, _ = apply_proposal(store, 5, first(b"r1"))
    apply_proposal(store, 6, Proposal(b"r2", 5, False, KVDelete(key="a")))
    repeated, _ = apply_proposal(store, 7, again(first(b"r1")))
    assert lost == repeated
    assert store.kv.get("a") is None


@dataclasses.dataclass
class Bounded:
    size: int = 4


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> Bounded:
    bounded = Bounded()
    monkeypatch.setattr(module, "REQUESTS_MAX", bounded.size)
    return bounded


def test_a_repetition_whose_first_sending_may_be_forgotten_is_of_unknown_outcome(small: Bounded) -> None:
    store = Store("dc1")
    apply_proposal(store, 5, first(b"r1", seen=4))
    for number in range(small.size):
        apply_proposal(store, 6 + number, Proposal(b"x%d" % number, 5, False, KVSet(key=f"k{number}", value=b"")))
    assert len(store.requests) == small.size
    outcome, change = apply_proposal(store, 20, again(first(b"r1", seen=4)))
    assert outcome.rejection is not None
    assert outcome.rejection.code == RepetitionForgottenError.code
    assert not change


def test_a_first_sending_is_carried_out_however_long_it_waited(small: Bounded) -> None:
    store = Store("dc1")
    for number in range(2 * small.size):
        apply_proposal(store, 6 + number, Proposal(b"x%d" % number, 5, False, KVSet(key=f"k{number}", value=b"")))
    outcome, _ = apply_proposal(store, 30, first(b"r1", seen=1))
    assert outcome.rejection is None


def test_a_repetition_that_saw_all_forgotten_requests_is_carried_out(small: Bounded) -> None:
    store = Store("dc1")
    for number in range(2 * small.size):
        apply_proposal(store, 6 + number, Proposal(b"x%d" % number, 5, False, KVSet(key=f"k{number}", value=b"")))
    outcome, _ = apply_proposal(store, 30, again(first(b"r1", seen=store.requests.forgotten_up_to)))
    assert outcome == Outcome(index=30, value=True)


def test_what_is_remembered_survives_a_snapshot(small: Bounded) -> None:
    store = Store("dc1")
    for number in range(2 * small.size):
        apply_proposal(store, 6 + number, Proposal(b"x%d" % number, 5, False, KVSet(key=f"k{number}", value=b"")))
    loaded = restore(take(store))
    assert state_hash(loaded) == state_hash(store)
    assert loaded.requests.forgotten_up_to == store.requests.forgotten_up_to > 0
    assert list(loaded.requests.rows()) == list(store.requests.rows())


def test_a_bare_command_in_the_log_is_one_that_was_made_once() -> None:
    assert decode_proposal(encode_command(CREATE)) == Proposal(b"", 0, False, CREATE)
    assert decode_proposal(encode_proposal(first(b"r1", 3))) == first(b"r1", 3)


@pytest.mark.parametrize("data", [b"", b"\x94", b"\x80", b"\xc0", b"\x93\x01\x02\x03"])
def test_other_bytes_are_no_proposal(data: bytes) -> None:
    with pytest.raises(RequestError):
        decode_proposal(data)


def test_large_answers_of_transactions_push_older_requests_out() -> None:
    store = Store("dc1")
    value = b"v" * (512 * 1024)
    for number in range(64):
        read = [KeyOperation(verb="set", key="big", value=value), KeyOperation(verb="get", key="big")]
        proposal = Proposal(b"t%d" % number, number, False, Transaction(operations=[*read]))
        apply_proposal(store, number + 1, proposal)
    assert len(store.requests) < 40
    assert sum(module.weight_of(outcome) for _, outcome in store.requests.rows()) <= module.ANSWERS_WEIGHT_MAX
    assert store.requests.forgotten_up_to == 64 - len(store.requests)
    late, _ = apply_proposal(store, 65, Proposal(b"t0", 0, True, Transaction(operations=[])))
    assert late.rejection is not None


def test_a_transaction_that_is_sent_again_gets_the_same_answer_after_a_restart() -> None:
    store = Store("dc1")
    proposal = Proposal(b"t", 0, False, Transaction(operations=[KeyOperation(verb="cas", key="a", value=b"1")]))
    before, _ = apply_proposal(store, 5, proposal)
    store = restore(take(store))
    after, change = apply_proposal(store, 6, again(proposal))
    assert after == before
    assert not change


def test_what_is_remembered_of_transactions_is_bounded_whatever_they_hold() -> None:
    store = Store("dc1")
    meta = {f"k{number}": "v" * 500 for number in range(60)}
    rows: list[Operation] = [NodeOperation(verb="set", node=node(f"n{row}", meta=meta)) for row in range(30)]
    for number in range(40):
        apply_proposal(store, number + 1, Proposal(b"t%d" % number, number, False, Transaction(operations=rows)))
    assert sum(len(pack(outcome)) for _, outcome in store.requests.rows()) <= module.ANSWERS_WEIGHT_MAX
    assert len(store.requests) < 40
