"""What is left of a history that no order explains."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given, settings

from lictor_jepsen.checker.model import ANYTHING
from lictor_jepsen.checker.piece import Piece, may_leave_out, smallest_piece
from lictor_jepsen.checker.search import Limits
from lictor_jepsen.history import Call, calls
from lictor_jepsen.op import Kind, Op
from tests.jepsen_like.build import history
from tests.jepsen_like.checker.orders import histories, some_order_explains


def _told(piece: Piece) -> list[str]:
    return [f"{call.asked.f} {call.value} {call.kind}" for call in piece.calls]


def _piece(*texts: str) -> Piece:
    return smallest_piece(history(*texts), None, Limits())


def test_what_nobody_needs_is_left_out() -> None:
    piece = _piece(
        *("0 invoke write 1", "0 ok write 1", "0 invoke write 2", "0 ok write 2", "0 invoke read -", "0 ok read 2"),
        *("0 invoke write 3", "0 ok write 3", "1 invoke read -", "1 ok read 2", "0 invoke write 4", "0 ok write 4"),
    )
    assert _told(piece) == ["write 3 ok", "read 2 ok"]
    assert piece.initial is ANYTHING


def test_a_write_that_a_read_of_the_piece_saw_stays() -> None:
    piece = _piece(
        *("0 invoke write 1", "2 invoke read -", "2 ok read 1", "2 invoke write 2", "2 ok write 2", "0 ok write 1"),
        *("2 invoke read -", "2 ok read 1", "0 invoke read -", "0 ok read 1"),
    )
    assert _told(piece) == ["write 1 ok", "read 1 ok", "write 2 ok", "read 1 ok"]


def test_a_change_that_was_under_way_where_the_begin_is_cut_off_may_have_happened_before() -> None:
    piece = _piece(
        *("0 invoke write 1", "1 invoke write 2", "1 ok write 2", "1 invoke read -", "0 ok write 1", "1 ok read 2"),
        *("1 invoke read -", "1 ok read 2", "1 invoke write 3", "1 ok write 3", "1 invoke read -", "1 ok read 2"),
    )
    assert _told(piece) == ["write 3 ok", "read 2 ok"]


def test_what_the_key_held_at_first_matters_when_nothing_was_before() -> None:
    piece = _piece("0 invoke read -", "0 ok read 7", "0 invoke write 1", "0 ok write 1")
    assert _told(piece) == ["read 7 ok"]
    assert piece.initial is None


def test_refused_attempts_between_two_owners_of_a_lock_are_left_out() -> None:
    piece = _piece(
        *("0 invoke acquire 1", "0 ok acquire 1", "1 invoke acquire 2", "1 ok acquire 0"),
        *("2 invoke acquire 3", "2 ok acquire 3"),
    )
    assert _told(piece) == ["acquire 1 ok", "acquire 3 ok"]


def test_what_takes_or_gives_back_a_lock_is_never_left_out_of_a_piece() -> None:
    found = history("0 invoke acquire 1", "0 ok acquire 1", "0 invoke release 1", "0 ok release -")
    assert [may_leave_out(call, found) for call in found] == [False, False]


def test_without_steps_left_the_piece_is_the_whole_and_says_so() -> None:
    found = history("0 invoke write 1", "0 ok write 1", "0 invoke read -", "0 ok read 7")
    piece = smallest_piece(found, None, Limits(steps_max=0))
    assert piece.calls == tuple(found)
    assert not piece.smallest


def _some_begin_explains(calls_: Sequence[Call], piece: Piece) -> bool:
    begins = (None, 1, 2, 3) if piece.initial is ANYTHING else (None,)
    return any(some_order_explains(calls_, begin) for begin in begins)


@given(histories())
@settings(max_examples=300)
def test_no_order_explains_the_piece_and_one_explains_whatever_is_smaller(found: list[Op]) -> None:
    judged = [call for call in calls(found) if call.kind is Kind.OK or call.asked.f != "read"]
    judged = [call for call in judged if call.kind is not Kind.FAIL]
    if some_order_explains(judged, None):
        return
    piece = smallest_piece(judged, None, Limits())
    assert piece.smallest
    assert not _some_begin_explains(piece.calls, piece)
    for call in piece.calls:
        if may_leave_out(call, piece.calls):
            assert _some_begin_explains([other for other in piece.calls if other is not call], piece)


@given(histories())
@settings(max_examples=100)
def test_a_history_with_an_order_has_no_piece_without_one(found: list[Op]) -> None:
    judged = [call for call in calls(found) if call.kind is not Kind.FAIL]
    judged = [call for call in judged if call.kind is Kind.OK or call.asked.f != "read"]
    piece = smallest_piece(judged, None, Limits())
    assert _some_begin_explains(piece.calls, piece) or not some_order_explains(judged, None)
