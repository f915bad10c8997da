"""The table of planted bugs, and what is made of many runs. No run is started here."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.jepsen_like.planted.hunt import Found, Told, Wrong, first_wrong_s, wrong
from tests.jepsen_like.planted.table import BUGS
from tests.jepsen_like.planted.tally import BEGINS, ENDS, Score, insert, order, table

PLANTED = Path(__file__).parent / "planted"


def test_each_planted_bug_has_a_name_of_its_own_a_launcher_and_a_finding() -> None:
    names = [bug.name for bug in BUGS]
    assert names == sorted(set(names)), "in the order of their names"
    for bug in BUGS:
        assert (PLANTED / bug.launcher.split()[0]).exists(), bug.launcher
        assert not bug.twin or (PLANTED / bug.twin.split()[0]).exists(), bug.twin
        assert bug.findings
        assert not set(bug.findings) & set(bug.spared)


def test_every_bug_is_hunted_once_before_one_is_hunted_again() -> None:
    found = list(order(BUGS, len(BUGS) * 2 + 1))
    assert [bug.name for bug, seed in found if seed == 1] == [bug.name for bug in BUGS]
    assert [(bug.name, seed) for bug, seed in found[-1:]] == [(BUGS[0].name, 3)]
    assert len(list(order(BUGS, 1))) == len(BUGS), "each at least once"


def test_the_first_wrong_line_is_the_last_one_of_the_earliest_problem(tmp_path: Path) -> None:
    history = tmp_path / "history.jsonl"
    history.write_text("".join(f'{{"time_ms": {number * 1000}}}\n' for number in range(1, 10)))
    problems = [Wrong("lost", [2, 7]), Wrong("odd", [8]), Wrong("about no call")]
    assert first_wrong_s(problems, history) == 7.0
    assert first_wrong_s([Wrong("odd", [8]), Wrong("of another file", [77])], history) == 8.0
    assert first_wrong_s(problems[2:], history) is None
    assert first_wrong_s(problems, tmp_path / "none") is None


def test_a_twin_is_wrong_when_something_is_invalid_or_what_matters_is_unknown() -> None:
    def told(**verdicts: str) -> Told:
        return Told("", {name: Found(verdict) for name, verdict in verdicts.items()})

    assert wrong(told(consistent="valid", enough="unknown")) == []
    assert wrong(told(consistent="unknown", faults="valid")) == ["consistent"]
    assert wrong(told(consistent="valid", logs="invalid")) == ["logs"]


def test_the_table_tells_what_was_found_of_how_many_and_how_soon() -> None:
    bug = BUGS[0]
    scores = [
        Score(bug.name, 1, planted=True, good=True, first_wrong_s=2.0, run=bug.run),
        Score(bug.name, 2, planted=True, good=True, first_wrong_s=4.0, run=bug.run),
        Score(bug.name, 3, planted=True, good=False, run=bug.run),
        Score(bug.name, 1, planted=False, good=True, run=bug.run),
        Score("another", 1, planted=True, good=False, run=bug.run),
        Score(bug.name, 4, planted=True, good=False, run="as it was run before"),
    ]
    row = table([bug], scores).splitlines()[-1]
    assert row.startswith(f"| {bug.name} | {bug.about} | `{bug.workload}` | `{bug.nemesis}` |")
    assert row.endswith(f"| 2 of 3 | 3.0 s of {bug.seconds:g} | 1 of 1 |")


def test_the_table_takes_its_place_in_the_document_again_and_again() -> None:
    document = f"before\n{BEGINS}\nold\n{ENDS}\nafter\n"
    once = insert(document, "| new |\n")
    assert "old" not in once
    assert once.startswith("before\n")
    assert once.endswith("\nafter\n")
    assert insert(once, "| new |\n") == once
    with pytest.raises(ValueError, match="no place"):
        insert("without", "| new |")
