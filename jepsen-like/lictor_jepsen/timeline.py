"""The page of a run: its verdict, what is wrong, and who did what when, in one HTML file that needs nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Final, NamedTuple

from lictor_jepsen.history import Call, calls
from lictor_jepsen.op import Kind, Op, Value
from lictor_jepsen.outage import hits
from lictor_jepsen.store import Results

__all__ = ["CALLS_SHOWN_MAX", "page"]

CALLS_SHOWN_MAX: Final = 20_000
"""How many calls the page draws; the history has them all."""
_PIXELS_PER_S: Final = 60
_LANE: Final = 18
_LEFT: Final = 70
_TOP: Final = 40
_COLOURS: Final[Mapping[Kind, str]] = {Kind.OK: "#4c9f70", Kind.FAIL: "#c9a227", Kind.INFO: "#b0413e"}
_LETTERS_SHOWN_MAX: Final = 120

_STYLE: Final = """
body { font: 14px/1.45 system-ui, sans-serif; margin: 1.5em; color: #222; background: #fff; }
h1 { font-size: 1.3em; } h2 { font-size: 1.05em; margin: 1.4em 0 .4em; }
table { border-collapse: collapse; } td, th { padding: .15em .8em .15em 0; text-align: left; vertical-align: top; }
th { font-weight: 600; border-bottom: 1px solid #bbb; }
.verdict { padding: .1em .5em; border-radius: .3em; color: #fff; }
.valid { background: #2f7d4f; } .invalid { background: #b0413e; } .unknown { background: #8a6d1a; }
.scroll { overflow-x: auto; border: 1px solid #ddd; } svg text { font: 11px system-ui, sans-serif; fill: #444; }
code { font-size: .9em; overflow-wrap: anywhere; } 
.key span { display: inline-block; width: .8em; height: .8em; margin: 0 .3em 0 1em; }
"""


class _Band(NamedTuple):
    """A fault, from its begin to its end."""

    name: str
    what: str
    begins_ms: float
    ends_ms: float


def page(name: str, history: Sequence[Op], results: Results, clients: int) -> str:
    """The whole page. `clients` is how many there were: process ids of one client differ by multiples of it."""
    return "".join(
        [
            f"<!doctype html>\n<html lang=en><meta charset=utf-8><title>{escape(name)}</title>",
            f"<style>{_STYLE}</style>\n",
            f"<h1>{escape(name)} <span class='verdict {results.verdict}'>{results.verdict}</span></h1>\n",
            _findings(results),
            _counts(results),
            _timeline(history, clients),
            _faults(results),
            "</html>\n",
        ]
    )


def _findings(results: Results) -> str:
    rows = "".join(
        f"<tr><td>{escape(name)}<td><span class='verdict {found.verdict}'>{found.verdict}</span><td>{found.judged}"
        f"<td>{'<br>'.join(f'<code>{escape(problem.text)}</code>' for problem in found.problems)}\n"
        for name, found in results.findings.items()
    )
    recovered = "never" if results.recovered_s is None else f"{results.recovered_s:.1f} s after the last fault"
    return (
        f"<h2>Findings</h2><table><tr><th>what<th>verdict<th>judged<th>problems\n{rows}</table>"
        f"<p>All servers served again: {recovered}.</p>\n"
    )


def _counts(results: Results) -> str:
    kinds = [kind.value for kind in Kind if kind is not Kind.INVOKE]
    rows = "".join(
        f"<tr><td>{escape(name)}" + "".join(f"<td>{row.get(kind, 0)}" for kind in kinds) + "\n"
        for name, row in sorted(results.counts.items())
    )
    return f"<h2>Operations</h2><table><tr><th>operation{''.join(f'<th>{kind}' for kind in kinds)}\n{rows}</table>\n"


def _faults(results: Results) -> str:
    lines = [
        *results.faults,
        *(f"skipped {name}: {reason}" for name, reason in results.skipped.items()),
        *results.notes,
    ]
    items = "".join(f"<li>{escape(line)}\n" for line in lines)
    rows = "".join(
        f"<tr><td>{outage.begins_s:.1f} s<td>{escape(outage.fault)}<td>{escape(outage.what)}"
        f"<td>{'never' if outage.lasts_s is None else f'{outage.lasts_s:.2f} s'}\n"
        for outage in results.outages
    )
    return (
        f"<h2>Faults</h2><ol>{items}</ol>\n<h2>Until a change went through again</h2>"
        f"<table><tr><th>fault at<th>fault<th>what<th>took\n{rows}</table>\n"
    )


def _timeline(history: Sequence[Op], clients: int) -> str:
    found = calls(history)
    lanes = sorted({_lane(call, clients) for call in found})
    last_ms = max((op.time_ms for op in history), default=0.0)
    width = _LEFT + round(last_ms / 1000 * _PIXELS_PER_S) + 20
    height = _TOP + _LANE * (len(lanes) + 1)
    places = {lane: _TOP + number * _LANE for number, lane in enumerate(lanes)}
    drawn = [
        *_ruler(last_ms, height),
        *(_band(band, height) for band in _bands(history)),
        *(f"<text x=4 y={y + 12}>{escape(lane[0])} client {lane[1]}</text>" for lane, y in places.items()),
        *(_call(call, history, last_ms, places[_lane(call, clients)]) for call in found[:CALLS_SHOWN_MAX]),
    ]
    more = f"<p>The first {CALLS_SHOWN_MAX} of {len(found)} calls.</p>" if len(found) > CALLS_SHOWN_MAX else ""
    key = "".join(f"<span style='background:{colour}'></span>{kind}" for kind, colour in _COLOURS.items())
    return (
        f"<h2>Timeline</h2><p class=key>Point at a call or a fault to read it.{key}"
        f"<span style='background:#d9d2e9'></span>fault</p>{more}"
        f"<div class=scroll><svg width={width} height={height}>\n" + "\n".join(drawn) + "\n</svg></div>\n"
    )


def _lane(call: Call, clients: int) -> tuple[str, int]:
    """A client's row: its server and its number."""
    return call.node, call.process % clients


def _ruler(last_ms: float, height: int) -> Iterator[str]:
    for second in range(0, int(last_ms / 1000) + 1, 5):
        x = _LEFT + second * _PIXELS_PER_S
        yield f"<line x1={x} x2={x} y1=20 y2={height} stroke='#eee'/><text x={x + 2} y=14>{second} s</text>"


def _bands(history: Sequence[Op]) -> Iterator[_Band]:
    last_ms = max((op.time_ms for op in history), default=0.0)
    for hit in hits(history):
        ends_ms = last_ms if hit.ended is None else hit.ended.time_ms
        yield _Band(hit.begun.f, str(hit.begun.value), hit.begun.time_ms, ends_ms)


def _band(band: _Band, height: int) -> str:
    x, width = _x(band.begins_ms), max(2.0, _x(band.ends_ms) - _x(band.begins_ms))
    return (
        f"<g><title>{escape(band.name)}: {escape(band.what)}</title>"
        f"<rect x={x:.1f} y=20 width={width:.1f} height={height - 20} fill='#d9d2e9' opacity=.6 />"
        f"<text x={x + 3:.1f} y=32>{escape(band.name)}</text></g>"
    )


def _call(call: Call, history: Sequence[Op], last_ms: float, y: int) -> str:
    ended = last_ms if call.ended is None else history[call.ended].time_ms
    x = _x(call.time_ms)
    width = max(1.5, _x(ended) - x)
    mode = f" {call.asked.mode}" if call.asked.mode else ""
    told = f"line {call.invoked + 1}: {call.asked.f}{mode} {call.asked.key} {call.kind} {_short(call.value)}"
    return (
        f"<rect x={x:.1f} y={y} width={width:.1f} height={_LANE - 4} fill='{_COLOURS[call.kind]}'>"
        f"<title>{escape(told)}</title></rect>"
    )


def _x(time_ms: float) -> float:
    return _LEFT + time_ms / 1000 * _PIXELS_PER_S


def _short(value: Value) -> str:
    text = str(value)
    return text if len(text) <= _LETTERS_SHOWN_MAX else f"{text[:_LETTERS_SHOWN_MAX]}…"
