"""Snapshots, judged: good and bad histories by hand, and torn ones against a slow judge."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lictor_jepsen.checker import Verdict
from lictor_jepsen.checker.restored import SNAPSHOTS, judge_snapshots
from lictor_jepsen.op import Kind, Mode, Op, Value

Line = tuple[int, str, str, str, Value]


def _ops(*lines: Line) -> list[Op]:
    """Process, `invoke` or how it ended, f, key, value."""
    ops: list[Op] = []
    for number, (process, kind, f, key, value) in enumerate(lines):
        mode = Mode.CONSISTENT if f == "read" else Mode.NONE
        ops.append(Op(float(number), process, Kind(kind), f, key, value, mode, "n1", number if f == "read" else None))
    return ops


def _done(process: int, f: str, key: str, asked: Value, said: Value) -> list[Line]:
    return [(process, "invoke", f, key, asked), (process, "ok", f, key, said)]


def _write(key: str, value: int) -> list[Line]:
    return _done(1, "write", key, value, value)


def _read(key: str, value: Value) -> list[Line]:
    return _done(1, "read", key, None, value)


def _save(number: int) -> list[Line]:
    return _done(0, "save", SNAPSHOTS, number, number)


def _restore(number: int, content: dict[str, int], *, locked: bool = False, held: bool = False) -> list[Line]:
    return _done(0, "restore", SNAPSHOTS, (number, True), (number, tuple(content.items()), locked, held))


def _loaded(number: int) -> list[Line]:
    return _done(0, "restore", SNAPSHOTS, (number, False), (number,))


def _verdicts(*parts: list[Line]) -> dict[str, Verdict]:
    found = judge_snapshots(_ops(*(line for part in parts for line in part)))
    return {name: found[name].verdict for name in ("consistent", "restored", "torn", "sessions")}


def test_what_was_saved_comes_back_and_later_writes_are_gone() -> None:
    found = _verdicts(
        _write("a", 1), _save(1), _write("a", 2), _restore(1, {"a": 1}), _read("a", 1), _write("a", 3), _loaded(1),
        _read("a", 1),
    )  # fmt: skip
    assert found == dict.fromkeys(found, Verdict.VALID)


@pytest.mark.parametrize(
    "parts",
    [
        [_write("a", 1), _write("a", 2), _save(1), _restore(1, {"a": 1})],  # an older state than that of the save
        [_write("a", 1), _save(1), _write("a", 2), _restore(1, {"a": 2})],  # a later one
        [_write("a", 1), _save(1), _write("a", 2), _restore(1, {"a": 1}), _read("a", 2)],  # a write came through
        [_write("a", 1), _save(1), _restore(1, {"a": 1}), _write("a", 2), _loaded(1), _read("a", 2)],
        [_write("a", 1), _save(1), _write("b", 2), _restore(1, {"a": 1}), _read("b", 2)],  # a key that was not saved
        [_write("a", 1), _save(1), _restore(1, {})],  # a key is missing
    ],
)
def test_another_state_than_the_saved_one_is_invalid(parts: list[list[Line]]) -> None:
    assert _verdicts(*parts)["consistent"] is Verdict.INVALID


def test_a_write_beside_a_save_may_be_in_it_or_not() -> None:
    beside = [(1, "invoke", "write", "a", 2), *_save(1), (1, "ok", "write", "a", 2)]
    for held in (1, 2):
        assert _verdicts(_write("a", 1), beside, _restore(1, {"a": held}), _read("a", held))["consistent"] is (
            Verdict.VALID
        )


def test_a_snapshot_with_a_later_write_and_without_an_earlier_one_is_torn() -> None:
    save: list[Line] = [(0, "invoke", "save", SNAPSHOTS, 1)]
    saved: list[Line] = [(0, "ok", "save", SNAPSHOTS, 1)]
    parts = [save, _write("a", 1), _write("b", 2), saved]
    assert _verdicts(*parts, _restore(1, {"a": 1, "b": 2}))["torn"] is Verdict.VALID
    assert _verdicts(*parts, _restore(1, {"a": 1}))["torn"] is Verdict.VALID
    assert _verdicts(*parts, _restore(1, {}))["torn"] is Verdict.VALID
    found = _verdicts(*parts, _restore(1, {"b": 2}))
    assert (found["consistent"], found["torn"]) == (Verdict.VALID, Verdict.INVALID), "no key shows it alone"


def test_a_snapshot_that_differs_when_it_is_restored_again_is_invalid() -> None:
    parts = [_write("a", 1), _save(1), _restore(1, {"a": 1})]
    assert _verdicts(*parts, _restore(1, {"a": 1}))["restored"] is Verdict.VALID
    assert _verdicts(*parts, _restore(1, {"a": 5}))["restored"] is Verdict.INVALID


@pytest.mark.parametrize("held", [True, False])
@pytest.mark.parametrize("seen", list(product((True, False), repeat=2)))
def test_a_session_is_back_with_its_lock_exactly_if_it_was_held(held: bool, seen: tuple[bool, bool]) -> None:
    before = _done(0, "hold", SNAPSHOTS, None, True) if held else []
    after = [] if held else _done(0, "hold", SNAPSHOTS, None, True)
    locked, is_held = seen
    found = _verdicts(before, _save(1), after, _restore(1, {}, locked=locked, held=is_held))
    assert found["sessions"] is (Verdict.VALID if seen == (held, held) else Verdict.INVALID)


def test_what_nobody_knows_of_is_not_judged() -> None:
    lost: list[Line] = [(0, "invoke", "restore", SNAPSHOTS, (1, False)), (0, "info", "restore", SNAPSHOTS, (1, False))]
    found = _verdicts(_write("a", 1), _save(1), _write("a", 2), lost, _read("a", 1))
    assert found["restored"] is Verdict.UNKNOWN
    assert found["consistent"] is Verdict.VALID
    again = _verdicts(_write("a", 1), _save(1), _write("a", 2), _restore(1, {"a": 1}), lost, _read("a", 7))
    assert again["consistent"] is Verdict.INVALID, "what the snapshot holds is known"


@given(st.permutations(["a", "b", "c"]), st.sets(st.sampled_from(["a", "b", "c"])))
def test_of_writes_one_after_another_a_snapshot_beside_them_holds_the_first_ones(
    order: list[str], held: set[str]
) -> None:
    save: list[Line] = [(0, "invoke", "save", SNAPSHOTS, 1)]
    saved: list[Line] = [(0, "ok", "save", SNAPSHOTS, 1)]
    writes = [_write(key, number) for number, key in enumerate(order, 1)]
    content = {key: number for number, key in enumerate(order, 1) if key in held}
    is_beginning = held == set(order[: len(held)])
    found = _verdicts(save, *writes, saved, _restore(1, content))
    assert (found["torn"] is Verdict.VALID) is is_beginning
