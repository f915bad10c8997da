"""Sealed rings."""

from __future__ import annotations

import pytest

from lictor_agent.sealing import opened, sealed
from lictor_core.clock import SeededRng, SystemRng
from lictor_core.keyring import KEYS_MAX, Ring, fingerprint, key_text
from lictor_core.sealed_ring import check_boxes

A, B, C = b"a" * 16, b"b" * 24, b"c" * 32


def test_whoever_knows_one_of_the_keys_opens_the_ring() -> None:
    ring = Ring((C, A, B))
    boxes = sealed(ring, "dc1", SystemRng())
    check_boxes(boxes)
    for known in (Ring((A,)), Ring((B,)), Ring((C,)), Ring((b"z" * 16, B))):
        assert opened(boxes, known, "DC1") == ring
    assert opened(boxes, Ring((b"z" * 16,)), "dc1") is None


def test_no_box_shows_a_key() -> None:
    boxes = sealed(Ring((A, B)), "dc1", SystemRng())
    said = b"".join(boxes.values()) + "".join(boxes).encode()
    for key in (A, B):
        assert key not in said
        assert key_text(key).encode() not in said


def test_a_box_is_good_for_its_datacenter_and_its_key_alone() -> None:
    boxes = sealed(Ring((A, B)), "dc1", SystemRng())
    assert opened(boxes, Ring((A,)), "dc2") is None
    assert opened({fingerprint(B): boxes[fingerprint(A)]}, Ring((B,)), "dc1") is None


@pytest.mark.parametrize("box", [b"", b"short", bytes(12), bytes(500)])
def test_what_is_no_box_opens_nothing_and_another_box_still_does(box: bytes) -> None:
    boxes = sealed(Ring((A, B)), "dc1", SystemRng()) | {fingerprint(A): box}
    assert opened(boxes, Ring((A,)), "dc1") is None
    assert opened(boxes, Ring((A, B)), "dc1") == Ring((A, B))


def test_one_bit_that_is_changed_is_found() -> None:
    boxes = sealed(Ring((A,)), "dc1", SeededRng(1))
    box = bytearray(boxes[fingerprint(A)])
    box[-1] ^= 1
    assert opened({fingerprint(A): bytes(box)}, Ring((A,)), "dc1") is None


def test_the_largest_ring_fits() -> None:
    ring = Ring(tuple(bytes([number]) * 32 for number in range(KEYS_MAX)))
    check_boxes(sealed(ring, "dc1", SystemRng()))
