"""Histories: their file, and the calls they make up."""

from pathlib import Path

import pytest

from lictor_jepsen.history import HistoryError, calls, read_history, to_line
from lictor_jepsen.op import NEMESIS, Kind, Mode, Op
from tests.jepsen_like.build import lines


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    history = [
        Op(1.5, 0, Kind.INVOKE, "cas", "k", (None, 7), node="n1"),
        Op(2.5, 0, Kind.INFO, "cas", "k", (None, 7), node="n1", error="timed out"),
        Op(3.0, 4, Kind.OK, "read", "k", (1, 2), Mode.STALE, "n2", 17),
        Op(4.0, 4, Kind.OK, "read", "k", None, Mode.DEFAULT, "web", 17, relayed=True),
        Op(5.0, NEMESIS, Kind.INFO, "kill-one", value="killed n1"),
        Op(9.0, NEMESIS, Kind.INFO, "kill-one", value="started n1", took_ms=2),
    ]
    path = tmp_path / "history.jsonl"
    path.write_text("".join(f"{to_line(op)}\n" for op in history))
    assert read_history(path) == history


def test_a_line_holds_what_jepsen_calls_it() -> None:
    op = Op(3.0, 4, Kind.OK, "read", "k", 5, Mode.STALE, "n2", 17)
    assert to_line(op) == (
        '{"time_ms":3.0,"process":4,"type":"ok","f":"read","key":"k","value":5,"mode":"stale","node":"n2","index":17}'
    )


@pytest.mark.parametrize("text", ["nothing", "[]", '{"time_ms":1}', '{"time_ms":1,"process":0,"type":"maybe","f":"x"}'])
def test_a_line_that_is_none_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "history.jsonl"
    path.write_text(f"{to_line(Op(0.0, 0, Kind.INVOKE, 'read'))}\n{text}\n")
    with pytest.raises(HistoryError, match=r"^line 2: "):
        read_history(path)


def test_a_call_knows_what_it_asked_and_what_came_of_it() -> None:
    [call] = calls(lines("0 invoke read - stale n2", "0 ok read 5 stale n2 9"))
    assert (call.asked.f, call.asked.mode, call.value, call.x_index, call.node) == ("read", Mode.STALE, 5, 9, "n2")
    assert (call.invoked, call.returned) == (0, 1)


def test_an_unknown_call_never_returned() -> None:
    [told, cut_short] = calls(lines("0 invoke write 1", "1 invoke write 2", "0 info write 1"))
    assert (told.kind, told.returned, told.ended) == (Kind.INFO, None, 2)
    assert (cut_short.kind, cut_short.returned, cut_short.ended) == (Kind.INFO, None, None)


def test_a_call_that_never_began_is_no_history() -> None:
    with pytest.raises(HistoryError, match="line 1: process 0 ends a call that it never began"):
        calls(lines("0 ok write 1"))


def test_the_nemesis_makes_no_calls() -> None:
    assert calls([Op(0.0, NEMESIS, Kind.INFO, "kill-one", value="killed n1")]) == []
