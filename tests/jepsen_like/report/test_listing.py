"""The list of runs."""

from __future__ import annotations

from pathlib import Path

from lictor_jepsen.checker import Verdict
from lictor_jepsen.report.listing import LISTED_MAX, listing, write_index
from lictor_jepsen.store import Kept
from tests.jepsen_like.report.build import RESULTS

RUNS = [Kept("older", Verdict.UNKNOWN, None), Kept("newer<", Verdict.INVALID, RESULTS)]


def test_the_newest_run_comes_first_with_its_figures_and_a_link_to_its_page() -> None:
    text = listing(RUNS)
    assert text.index("newer&lt;") < text.index("older")
    assert "href='newer&lt;/timeline.html'" in text
    assert "default invalid, enough unknown" in text
    assert "<td>register<td>7<td>9.0<td>3<td>1" in text
    assert "1 invalid, 1 unknown" in text


def test_a_run_that_was_cut_short_is_listed_without_a_link() -> None:
    assert "href" not in listing(RUNS[:1])
    assert "cut short" in listing(RUNS[:1])


def test_outages_are_told_over_all_runs() -> None:
    assert "<td>kill-one<td>2<td>0<td>0.77 s<td>0.77 s<td>0.90 s" in listing([RUNS[1], RUNS[1]])


def test_the_page_lies_in_the_store_and_lists_the_newest_runs(tmp_path: Path) -> None:
    write_index(tmp_path, [Kept(f"run-{number}", Verdict.UNKNOWN, None) for number in range(LISTED_MAX + 1)])
    assert [path.name for path in tmp_path.iterdir()] == ["index.html"]
    text = (tmp_path / "index.html").read_text()
    assert "run-1<" in text
    assert "run-0<" not in text
