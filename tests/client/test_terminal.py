"""Looks appear on terminals only; words never change."""

import re
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lictor.cli.help import rows
from lictor.cli.terminal import aligned, bold, fail, print_table

CELLS = st.text(st.characters(codec="ascii", categories=["L", "N"]), max_size=8)


def pretend_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make stdout a terminal; only within a test, since each of its phases has a stdout of its own."""
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")


def test_a_table_has_columns_two_spaces_apart_and_no_padding_at_its_end() -> None:
    assert list(aligned([["Node", "DC"], ["a", "dc1"], ["longer", ""]])) == ["Node    DC", "a       dc1", "longer  "]


@given(st.lists(st.tuples(CELLS, CELLS, CELLS), min_size=1, max_size=5))
def test_every_cell_of_a_column_begins_in_the_same_place(table: list[tuple[str, str, str]]) -> None:
    first = max(len(row[0]) for row in table) + 2
    second = first + max(len(row[1]) for row in table) + 2
    for line, row in zip(aligned(table), table, strict=True):
        assert line[first : first + len(row[1])] == row[1]
        assert line[second:] == row[2]


def test_piped_output_is_plain(capsys: pytest.CaptureFixture[str]) -> None:
    print_table([["Node", "Status"], ["a", "alive"]])
    assert capsys.readouterr().out == "Node  Status\na     alive\n"
    assert bold("x") == "x"


def test_a_terminal_shows_the_same_words(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    pretend_terminal(monkeypatch)
    print_table([["Node", "Status"], ["a", "alive"], ["b", "failed"]])
    shown = capsys.readouterr().out
    words = re.sub(r"\x1b\[[0-9;]*m", "", shown)
    assert [line.split() for line in words.splitlines()] == [["Node", "Status"], ["a", "alive"], ["b", "failed"]]
    assert shown != words
    assert bold("x") == "\x1b[1mx\x1b[0m"


def test_who_wants_no_colour_gets_none(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend_terminal(monkeypatch)
    monkeypatch.setenv("NO_COLOR", "1")
    assert bold("x") == "x"
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("TERM", "dumb")
    assert bold("x") == "x"


def test_an_error_is_one_line_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    fail("the thing, the reason, the next step")
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "Error: the thing, the reason, the next step\n")


def test_help_is_wrapped_beside_the_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    shown = rows([("-a", "one two three four five six seven eight nine"), ("-" + "x" * 40, "far")]).splitlines()
    assert shown[0].startswith("  -a   ")
    assert all(line.startswith("      ") for line in shown[1:2])
    assert shown[-1].strip() == "far"
