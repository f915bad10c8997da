"""The messages of the keyed handshake."""

from __future__ import annotations

import pytest

from lictor_core.errors import PeerError
from lictor_core.keyring import KEYS_MAX, Ring
from lictor_server.handshake import (
    ACCEPTOR,
    DIALER,
    PREAMBLE,
    PROOF_BYTES,
    REASON_BYTES_MAX,
    accepted,
    greeting,
    is_greeting,
    matching,
    offered,
    proof,
    proves,
    refusal,
    refusal_length,
)

A, B, C = (bytes([number]) * 32 for number in (1, 2, 3))
NONCES = (b"d" * 32, b"a" * 32)


def test_a_dialer_proves_any_key_that_both_know() -> None:
    proofs = offered(Ring((C, B)), "dc1", NONCES)
    assert proofs[0] == 2
    assert matching(Ring((A, B)), proofs[1:], "dc1", NONCES) == B
    assert matching(Ring((A,)), proofs[1:], "dc1", NONCES) is None


def test_of_several_common_keys_the_acceptors_first_counts() -> None:
    proofs = offered(Ring((A, B)), "dc1", NONCES)[1:]
    assert matching(Ring((B, A)), proofs, "dc1", NONCES) == B


def test_proofs_hold_for_one_pair_of_nonces_one_role_and_one_datacenter() -> None:
    ring, good = Ring((A,)), proof(A, DIALER, "dc1", NONCES)
    assert matching(ring, good, "DC1", NONCES) == A
    assert matching(ring, good, "dc2", NONCES) is None
    assert matching(ring, good, "dc1", (NONCES[0], b"b" * 32)) is None
    assert matching(ring, good, "dc1", (b"b" * 32, NONCES[1])) is None
    assert matching(ring, proof(A, ACCEPTOR, "dc1", NONCES), "dc1", NONCES) is None
    assert not proves(ring, good, "dc1", NONCES)
    assert proves(ring, proof(A, ACCEPTOR, "dc1", NONCES), "dc1", NONCES)


def test_the_border_between_the_parts_of_a_proof_cannot_be_moved() -> None:
    assert proof(A, DIALER, "dc1", (b"xy", b"z")) != proof(A, DIALER, "dc1", (b"x", b"yz"))


def test_the_acceptor_proves_any_key_of_the_dialers_ring() -> None:
    assert proves(Ring((C, A)), proof(A, ACCEPTOR, "dc1", NONCES), "dc1", NONCES)
    assert not proves(Ring((C, B)), proof(A, ACCEPTOR, "dc1", NONCES), "dc1", NONCES)


def test_no_message_carries_a_key() -> None:
    said = greeting(NONCES[0]) + accepted(NONCES[1]) + offered(Ring((A, B)), "dc1", NONCES)
    assert A not in said
    assert B not in said


def test_more_proofs_than_a_ring_has_keys_are_not_looked_at() -> None:
    proofs = bytes(PROOF_BYTES) * KEYS_MAX + proof(A, DIALER, "dc1", NONCES)
    assert matching(Ring((A,)), proofs, "dc1", NONCES) is None


def test_another_version_is_no_greeting() -> None:
    assert is_greeting(greeting(b"n" * 32))
    assert is_greeting(PREAMBLE)
    assert not is_greeting(PREAMBLE.replace(b"1", b"2"))


def test_a_refusal_is_bounded_on_both_ends() -> None:
    said = refusal("x" * 10_000)
    assert len(said) == 3 + REASON_BYTES_MAX
    assert refusal_length(said[1:3]) == REASON_BYTES_MAX
    with pytest.raises(PeerError):
        refusal_length((REASON_BYTES_MAX + 1).to_bytes(2, "big"))
