"""The page of a run."""

from __future__ import annotations

from html.parser import HTMLParser

from lictor_jepsen.checker import Finding, Problem, Verdict
from lictor_jepsen.op import NEMESIS, Kind, Op
from lictor_jepsen.outage import Outage
from lictor_jepsen.store import Results
from lictor_jepsen.timeline import CALLS_SHOWN_MAX, page
from tests.jepsen_like.build import lines

RESULTS = Results(
    Verdict.INVALID,
    {},
    {"default": Finding(Verdict.INVALID, 3, (Problem("lost <1>", (3,)),))},
    {"write": {"ok": 1, "fail": 0, "info": 1}},
    ("1.0 s kill-one: killed n1",),
    {"disk-full": "no small disks"},
    4.2,
    (Outage("kill-one", "killed n1", 1.0, 0.77),),
)
HISTORY = [
    *lines("0 invoke write 1", "0 ok write 1", "1 invoke write 2", "1 info write 2", "4 invoke read -", "4 ok read 1"),
    Op(1.0, NEMESIS, Kind.INFO, "kill-one", value="killed n1"),
    Op(2.0, NEMESIS, Kind.INFO, "kill-one", value="started n1"),
]


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.fetched: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.fetched += [value or "" for name, value in attrs if name in ("src", "href")]
        assert tag not in ("script", "link", "img")


def test_a_page_needs_nothing_else() -> None:
    reader = _Reader()
    reader.feed(page("run", HISTORY, RESULTS, 3))
    assert reader.fetched == []


def test_a_page_tells_verdict_problems_faults_and_what_was_skipped() -> None:
    text = page("run", HISTORY, RESULTS, 3)
    for told in ("lost &lt;1&gt;", "kill-one: killed n1", "skipped disk-full: no small disks", "4.2 s", "0.77 s"):
        assert told in text


def test_a_client_keeps_its_row_after_an_unknown_end() -> None:
    text = page("run", HISTORY, RESULTS, 3)
    assert "n1 client 0" in text
    assert "n1 client 1" in text
    assert "n1 client 4" not in text


def test_every_call_is_drawn_once_up_to_a_bound() -> None:
    assert page("run", HISTORY, RESULTS, 3).count("<title>line") == 3
    many = lines(*(text for _ in range(CALLS_SHOWN_MAX + 1) for text in ("0 invoke write 1", "0 ok write 1")))
    text = page("run", many, RESULTS, 3)
    assert text.count("<title>line") == CALLS_SHOWN_MAX
    assert f"The first {CALLS_SHOWN_MAX} of {CALLS_SHOWN_MAX + 1} calls" in text


def test_a_run_that_never_began_has_a_page() -> None:
    assert "Timeline" in page("run", [], RESULTS, 3)
