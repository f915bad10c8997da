"""The page in a browser: what its script draws, and where its links lead."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from lictor_jepsen.checker import Finding, Problem, Verdict
from lictor_jepsen.op import Op
from lictor_jepsen.report import page
from lictor_jepsen.store import Results
from tests.jepsen_like.build import lines
from tests.jepsen_like.report.build import HISTORY, RESULTS, long

pytestmark = [pytest.mark.slow, pytest.mark.needs("chromium"), pytest.mark.timeout(200)]

_BOUND_S = 120
_DRAWN_S_MAX = 5.0
"""How long all plots of 50,000 calls may take to be drawn: a moment on a machine that has little else to do."""
_PROBE = """<script>
const rates = document.getElementById("rates").getContext("2d");
const groundOf = () => rates.getImageData(1, 1, 1, 1).data.slice(0, 3).join();
addEventListener("load", () => {
  document.body.dataset.marked = [...view.marked].join();
  document.body.dataset.ground = groundOf();
  dispatchEvent(new Event("beforeprint"));
  document.body.dataset.paper = groundOf();
  dispatchEvent(new Event("afterprint"));
  document.body.dataset.after = groundOf();
  const { from, to } = view;
  look(0, data.last_ms);
  const began = performance.now();
  drawAll();
  document.body.dataset.drawnMs = performance.now() - began;
  look(from, to);
  drawAll();
  for (const canvas of document.querySelectorAll("canvas")) {
    const bytes = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
    const seen = new Set();
    for (let at = 0; at < bytes.length; at += 4) seen.add(`${bytes[at]},${bytes[at + 1]},${bytes[at + 2]}`);
    const names = ["ok", "fail", "info", "band", "mark"];
    canvas.dataset.colours = names.filter((name) => {
      const hex = getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
      const wanted = [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
      // Edges between pixels are mixed with what is beside them.
      return [...seen].some((text) => text.split(",").every((value, at) => Math.abs(value - wanted[at]) < 40));
    }).join(" ");
  }
});
</script>"""


def _opened(folder: Path, history: list[Op], results: Results, fragment: str = "", *flags: str) -> str:
    """The document as the browser has it when its scripts have run."""
    file = folder / "timeline.html"
    file.write_text(page("run", history, results, 3).replace("</html>", f"{_PROBE}</html>"))
    command = ["chromium", "--headless=new", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder / 'profile'}"]
    command += ["--window-size=1200,900", "--dump-dom", *flags]
    command.append(f"file://{file}{fragment}")
    ended = subprocess.run(command, capture_output=True, text=True, timeout=_BOUND_S, check=False)
    assert "data-drawn-ms" in ended.stdout, ended.stderr[-2000:]
    return ended.stdout


def _colours(document: str, plot: str) -> set[str]:
    [tag] = re.findall(rf'<canvas id="{plot}"[^>]*>', document)
    found = re.search(r'data-colours="([^"]*)"', tag)
    assert found is not None, tag
    return set(found[1].split())


def _chosen(document: str) -> str:
    """What the page says of the call that is chosen."""
    found = re.search(r'<p id="chosen"[^>]*>([^<]*)</p>', document)
    assert found is not None
    return found[1]


def test_every_kind_of_end_and_every_problem_is_drawn_on_a_dark_screen_and_paper_stays_white(tmp_path: Path) -> None:
    history = [*HISTORY[:6], *lines("2 invoke write 3", "2 fail write 3"), *HISTORY[6:]]
    history = [op._replace(time_ms=number * 100.0) for number, op in enumerate(history)]
    document = _opened(tmp_path, history, RESULTS, "", "--force-dark-mode")
    assert {"ok", "fail", "info", "mark"} <= _colours(document, "timeline")
    assert {"ok", "fail", "info"} <= _colours(document, "rates")
    assert {"info"} <= _colours(document, "latency")
    assert _chosen(document) == ""
    told = dict(re.findall(r'data-(ground|paper|after)="([\d,]+)"', document))
    assert told == {"ground": "20,24,28", "paper": "255,255,255", "after": "20,24,28"}


def test_a_link_to_a_problem_marks_its_calls_and_its_sentence(tmp_path: Path) -> None:
    document = _opened(tmp_path, HISTORY, RESULTS, "#problem=0")
    assert re.search(r'<li id="problem-0" class="chosen">', document)
    assert re.search(r'data-marked="2"', document), "the third call"
    assert "mark" in _colours(document, "timeline")
    assert "lines 5 and 6" in _chosen(document)


def test_of_fifty_thousand_calls_a_link_finds_one_and_all_are_drawn_in_a_moment(tmp_path: Path) -> None:
    findings = {"default": Finding(Verdict.INVALID, 50_000, (Problem("lost", (6_001,)),))}
    document = _opened(tmp_path, list(long(50_000)), RESULTS._replace(findings=findings), "#line=6002")
    assert _chosen(document).startswith("write k 3000 → ok")
    assert "lines 6001 and 6002" in _chosen(document)
    assert re.search(r'<output id="span">5\.75 to 6\.25 s of 100\.0 s', document)
    assert {"ok", "mark"} <= _colours(document, "timeline")
    [drawn_ms] = re.findall(r'data-drawn-ms="([\d.]+)"', document)
    assert 0 < float(drawn_ms) / 1000 <= _DRAWN_S_MAX, drawn_ms
