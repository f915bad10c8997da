"""Which checker judges what."""

from __future__ import annotations

import pytest

from lictor_jepsen.checker import Verdict, judge
from lictor_jepsen.history import HistoryError
from lictor_jepsen.op import Op
from tests.jepsen_like.build import lines


def _rounds(count: int = 10, *, default: int = 0, consistent: int = 0) -> list[Op]:
    """Writes 1, 2, ... one after another, each followed by reads that see it, less what they lag behind."""
    texts: list[str] = []
    for number in range(1, count + 1):
        texts += [f"0 invoke write {number}", f"0 ok write {number}"]
        texts += ["1 invoke read - default", f"1 ok read {max(1, number - default)} default"]
        texts += ["1 invoke read - consistent", f"1 ok read {max(1, number - consistent)} consistent"]
        texts += ["1 invoke read - stale", "1 ok read 1 stale"]
    return lines(*texts)


def test_a_good_history_is_valid_throughout() -> None:
    assert {found.verdict for found in judge(_rounds()).values()} == {Verdict.VALID}


def test_old_default_reads_leave_consistent_ones_valid() -> None:
    findings = judge(_rounds(default=1))
    assert findings["default"].verdict is Verdict.INVALID
    assert findings["consistent"].verdict is Verdict.VALID


def test_old_consistent_reads_are_invalid() -> None:
    assert judge(_rounds(consistent=1))["consistent"].verdict is Verdict.INVALID


def test_too_few_operations_are_unknown() -> None:
    assert judge(_rounds(9))["enough"].verdict is Verdict.UNKNOWN


def test_a_history_without_any_call_is_unknown() -> None:
    assert {found.verdict for found in judge([]).values()} == {Verdict.UNKNOWN}


@pytest.mark.parametrize(
    ("change", "bad"),
    [
        ("append", ("0 invoke append 1", "0 ok append 1", "1 invoke read - consistent", "1 ok read 1,1 consistent")),
        ("add", ("0 invoke add 1", "0 ok add 1", "1 invoke read - consistent", "1 ok read , consistent")),
        ("acquire", ("0 invoke acquire 1", "0 ok acquire 1", "1 invoke read - consistent", "1 ok read - consistent")),
        ("cas", ("0 invoke cas ->1", "0 ok cas ->1", "1 invoke read - consistent", "1 ok read - consistent")),
    ],
)
def test_a_key_is_judged_by_what_is_done_to_it(change: str, bad: tuple[str, ...]) -> None:
    assert change in bad[0]
    assert judge(lines(*bad))["consistent"].verdict is Verdict.INVALID


def test_keys_are_judged_apart() -> None:
    first = lines("0 invoke write 1", "0 ok write 1", key="a")
    second = lines("0 invoke read - consistent", "0 ok read - consistent", key="b")
    assert judge([*first, *second])["consistent"].verdict is Verdict.VALID


def test_a_process_that_begins_twice_is_no_history() -> None:
    with pytest.raises(HistoryError, match="line 2: process 0 invokes again"):
        judge(lines("0 invoke write 1", "0 invoke write 2"))


@pytest.mark.parametrize("change", ["append", "add"])
def test_a_key_that_is_only_read_is_judged_as_the_others_are(change: str) -> None:
    changed = lines(f"0 invoke {change} 1", f"0 ok {change} 1", key="a")
    only_read = lines("1 invoke read - consistent", "1 ok read , consistent", key="b")
    assert judge([*changed, *only_read])["consistent"].verdict is Verdict.VALID
