"""The page of a run: what was run, its verdict, what is wrong and which calls show it, and who did what when.

One HTML file that needs nothing else. What is told stands in it as text and tables, so that it reads and prints without
a script; the script draws the plots, and finds what a link points at. Pure but for the files beside this one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Final

import msgspec

from lictor_jepsen.checker import Finding, Problem, Verdict
from lictor_jepsen.history import Call, calls
from lictor_jepsen.op import Kind, Op
from lictor_jepsen.outage import Outage, spreads
from lictor_jepsen.report.piece import piece
from lictor_jepsen.report.repeat import repeat
from lictor_jepsen.report.track import Track, track
from lictor_jepsen.store import Results
from lictor_jepsen.workload import WORKLOADS

__all__ = ["head", "page", "pill"]

_HERE: Final = Path(__file__).parent
_OPEN_MAX: Final = 3
"""How many problems of a finding show their calls unasked."""
_SCRIPTS: Final = ("view.js", "plots.js", "page.js")


def page(name: str, history: Sequence[Op], results: Results, clients: int) -> str:
    """The whole page. `clients` is how many there were: process ids of one client differ by multiples of it.

    Raises `HistoryError` for what is no history.
    """
    found, drawn = calls(history), track(history, clients, results.findings)
    return "".join(
        [
            head(name),
            f"<header><h1>{escape(name)} {pill(results.verdict)}</h1>\n",
            _run(results, drawn),
            "</header>\n<main>\n",
            _findings(results.findings, found),
            _plots(drawn),
            _faults(results),
            _counts(results),
            _notes(results),
            "</main>\n",
            _data(drawn),
            *(f"<script>\n{(_HERE / script).read_text()}</script>\n" for script in _SCRIPTS),
            "</html>\n",
        ]
    )


def head(title: str) -> str:
    """How each page begins."""
    return (
        f"<!doctype html>\n<html lang=en><meta charset=utf-8><title>{escape(title)}</title>"
        "<meta name=viewport content='width=device-width'><meta name=color-scheme content='light dark'>"
        f"<style>\n{(_HERE / 'page.css').read_text()}</style>\n"
    )


def pill(verdict: Verdict) -> str:
    """A verdict, by word and colour."""
    return f"<span class='verdict {verdict}'>{verdict}</span>"


def _run(results: Results, drawn: Track) -> str:
    settings = results.settings
    workload = WORKLOADS.get(str(settings.get("workload")))
    size = f"{settings.get('nodes')} servers"
    size += f", {settings.get('agents')} agents in front of them" if settings.get("agents") else ""
    total = sum(sum(row.values()) for row in results.counts.values())
    rows = {
        "run": f"{size}, {drawn.last_ms / 1000:.0f} s, {total} operations, seed {settings.get('seed')}",
        "workload": f"{settings.get('workload')}: {workload.about}" if workload else "",
        "faults": ", ".join(sorted({fault.name for fault in drawn.faults})) or "none",
        "served again": "never" if results.recovered_s is None else f"{results.recovered_s:.1f} s after the last fault",
    }
    command = repeat(settings)
    again = f"<dt>again<dd><code>{escape(command)}</code>" if command else ""
    return f"<dl>{''.join(f'<dt>{key}<dd>{escape(text)}' for key, text in rows.items() if text)}{again}</dl>\n"


def _findings(findings: Mapping[str, Finding], found: Sequence[Call]) -> str:
    """The pieces of problems have numbers, by which the script finds what the track says of them."""
    number = 0
    rows: list[str] = []
    for name, finding in findings.items():
        problems: list[str] = []
        for place, problem in enumerate(finding.problems):
            problems.append(_problem(problem, number, found, is_open=place < _OPEN_MAX))
            number += bool(problem.lines)
        told = f"<tr class=problems><td colspan=4><ol>{''.join(problems)}</ol>" if problems else ""
        rows.append(f"<tr><th scope=row>{escape(name)}<td>{pill(finding.verdict)}<td>{finding.judged}{told}\n")
    return (
        "<section><h2>Findings</h2><table class=findings><tr><th>what<th>verdict<th>judged<th>\n"
        f"{''.join(rows)}</table></section>\n"
    )


def _problem(problem: Problem, number: int, found: Sequence[Call], *, is_open: bool) -> str:
    """Where its calls are drawn, the first line of a problem's text is enough: the others tell the same in words."""
    drawing = piece(found, problem.lines)
    text = problem.text.partition("\n")[0] if drawing else problem.text
    if not problem.lines:
        return f"<li><code>{escape(text)}</code>\n"
    links = ", ".join(f"<a href='#line={line}'>{line}</a>" for line in problem.lines[:20])
    more = f" and {len(problem.lines) - 20} more" if len(problem.lines) > 20 else ""
    return (
        f"<li id=problem-{number}><code>{escape(text)}</code> "
        f"<span class=where><a href='#problem={number}'>show in the timeline</a>; lines {links}{more}</span>\n"
        f"{drawing if is_open or not drawing else f'<details><summary>its calls</summary>{drawing}</details>'}"
    )


def _plots(drawn: Track) -> str:
    few = f"<p>{drawn.left_out} calls that no problem points at are left out here.</p>" if drawn.left_out else ""
    kinds = "".join(
        f"<label class={kind}><input type=checkbox name=kind value={kind} checked> {kind}</label>"
        for kind in (Kind.OK, Kind.FAIL, Kind.INFO)
    )
    choices = (
        ("key", "key", "keys", drawn.keys),
        ("client", "lane", "clients", drawn.lanes),
        ("operation", "what", "operations", drawn.whats),
    )
    selects = "".join(
        f"<label>{told} <select name={name}><option value=''>all {many}</option>"
        f"{''.join(f'<option value={at}>{escape(value)}</option>' for at, value in enumerate(values))}</select></label>"
        for told, name, many, values in choices
    )
    figures = "".join(
        f"<figure class=plot><figcaption>{caption}</figcaption><canvas id={name} tabindex=0 role=img "
        f"aria-label='{escape(label, quote=True)}'></canvas></figure>\n"
        for name, caption, label in (
            (
                "timeline",
                "Operations by client, and faults: full is ok, half as high failed, hollow is unknown; triangles mark "
                "problems",
                "Timeline of the operations of each client; a list follows",
            ),
            ("latency", "Latency, with the quantiles of what went well", "How long operations took over time"),
            ("rates", "Ended a second", "How many operations ended well, failed, or are unknown, a second"),
        )
    )
    return (
        f"<section id=plots><h2>Timeline</h2>{few}<noscript><p>The plots need a script.</p></noscript>"
        f"<form class=filters>{selects}<fieldset><legend>ended</legend>{kinds}</fieldset>"
        "<span class=zoom><button type=button name=in title='closer (+)'>+</button>"
        "<button type=button name=out title='farther (-)'>-</button>"
        "<button type=button name=all title='the whole run (0)'>all</button></span><output id=span></output></form>\n"
        "<p class=hint>Drag over a plot to come closer; <kbd>+</kbd> <kbd>-</kbd> <kbd>0</kbd> and the arrows do so by "
        "keys, <kbd>n</kbd> and <kbd>p</kbd> go from call to call. Point at a call or a fault to read it, click to "
        "keep it.</p>\n"
        f"{figures}<p id=chosen role=status aria-live=polite></p>"
        "<details id=listed><summary>Operations in view</summary><table></table></details></section>\n"
    )


def _faults(results: Results) -> str:
    return (
        "<section><h2>Faults, and how long no change went through</h2>"
        + _table(("from", "to", "fault", "what was done", "next change after", "longest without"), _outages(results))
        + "<h3>By fault</h3>"
        + _table(("fault", "times", "never again", "median", "worst", "longest without"), _spreads(results))
        + "</section>\n"
    )


def _outages(results: Results) -> Iterable[Sequence[str]]:
    for outage in results.outages:
        yield (
            f"{outage.begins_s:.1f} s",
            f"{outage.ends_s:.1f} s",
            outage.fault,
            outage.what,
            _lasts(outage),
            f"{outage.longest_s:.2f} s",
        )
    for name, reason in results.skipped.items():
        yield "", "", name, f"skipped: {reason}", "", ""


def _lasts(outage: Outage) -> str:
    return "never" if outage.lasts_s is None else f"{outage.lasts_s:.2f} s"


def _spreads(results: Results) -> Iterable[Sequence[str]]:
    for one in spreads(results.outages):
        seconds = (f"{figure:.2f} s" for figure in (one.median_s, one.worst_s, one.longest_s))
        yield one.fault, str(one.times), str(one.never), *seconds


def _counts(results: Results) -> str:
    kinds = [kind.value for kind in Kind if kind is not Kind.INVOKE]
    rows = ([name, *(str(row.get(kind, 0)) for kind in kinds)] for name, row in sorted(results.counts.items()))
    return f"<section><h2>Operations</h2>{_table(('operation', *kinds), rows)}</section>\n"


def _notes(results: Results) -> str:
    items = "".join(f"<li>{escape(line)}\n" for line in (*results.faults, *results.notes))
    return f"<section><h2>Steps and notes</h2><ol>{items}</ol></section>\n" if items else ""


def _table(names: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    head_ = "".join(f"<th>{name}" for name in names)
    body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}' for cell in row)}\n" for row in rows)
    return f"<div class=wide><table><tr>{head_}\n{body}</table></div>"


def _data(drawn: Track) -> str:
    tree = {
        **drawn._asdict(),
        "calls": drawn.calls._asdict(),
        "series": drawn.series._asdict(),
        "faults": [fault._asdict() for fault in drawn.faults],
    }
    # Within a script element only `<` could end it, or begin a comment.
    text = msgspec.json.encode(tree).decode().replace("<", "\\u003c")
    return f"<script type=application/json id=data>{text}</script>\n"
