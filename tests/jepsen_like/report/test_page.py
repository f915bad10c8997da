"""The page of a run, as text."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import msgspec

from lictor_jepsen.checker import Finding, Problem, Verdict
from lictor_jepsen.report import page
from tests.jepsen_like.report.build import HISTORY, RESULTS


class _Reader(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.pointed: list[str] = []
        self.ids: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        assert tag not in ("link", "img", "iframe")
        self.fetched += [given["src"] or ""] if "src" in given else []
        self.pointed += [given["href"] or ""] if "href" in given else []
        self.ids += [given["id"] or ""] if "id" in given else []


def test_a_page_needs_nothing_else() -> None:
    text = page("run", HISTORY, RESULTS, 3)
    reader = _Reader(text)
    assert reader.fetched == []
    assert all(link.startswith("#") for link in reader.pointed)
    assert not re.search(r"https?://|@import|url\(|fetch\(|import\(", text)


def test_a_page_tells_verdict_problems_faults_and_what_was_skipped() -> None:
    text = page("run", HISTORY, RESULTS, 3)
    for told in (
        "lost &lt;1&gt;",
        "only 3",
        "killed n1",
        "skipped: no small disks",
        "4.2 s after the last fault",
        "0.77 s",
        "0.90 s",
        "n2 ended by itself",
        "lictor torture run --workload register --nemesis kill-one",
        "write and read a value",
    ):
        assert told in text, told


def test_each_problem_that_points_at_calls_has_links_to_them_and_a_drawing() -> None:
    text = page("run", HISTORY, RESULTS, 3)
    reader = _Reader(text)
    assert {"#problem=0", "#line=5", "#line=6"} <= set(reader.pointed)
    assert "problem-0" in reader.ids
    assert "problem-1" not in reader.ids, "it points at no call"
    assert text.count("<svg class=piece") == 1


def test_of_a_problem_whose_calls_are_drawn_the_first_line_is_told() -> None:
    problems = tuple(Problem(f"first {number}\nnether {number}", (5,)) for number in range(5))
    text = page("run", HISTORY, RESULTS._replace(findings={"a": Finding(Verdict.INVALID, 1, problems)}), 3)
    assert "first 4" in text
    assert "nether" not in text
    assert text.count("<svg class=piece") == 5
    assert text.count("<details><summary>its calls") == 2, "the first three are shown unasked"
    without = page("run", HISTORY, RESULTS._replace(findings={"a": Finding(Verdict.INVALID, 1, problems[:1])}), 3)
    assert "<summary>its calls" not in without


def test_what_is_drawn_stands_in_the_page_and_cannot_end_its_element() -> None:
    history = [*HISTORY[:4], HISTORY[4], HISTORY[5]._replace(error="</script><b>")]
    text = page("run", history, RESULTS, 3)
    [data] = re.findall(r"<script type=application/json id=data>(.*?)</script>", text, re.DOTALL)
    tree = msgspec.json.decode(data, type=dict[str, object])
    assert tree["lanes"] == ["n1 client 0", "n1 client 1"]
    assert "</script><b>" in str(tree["calls"])


def test_a_run_that_never_began_has_a_page() -> None:
    assert "Timeline" in page("run", [], RESULTS, 3)
