"""The calls that show a problem, by themselves: a small drawing in which only their order counts. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Final

from lictor_jepsen.history import Call
from lictor_jepsen.report.track import short

__all__ = ["CALLS_DRAWN_MAX", "piece"]

CALLS_DRAWN_MAX: Final = 24
"""How many calls a drawing holds; more of them nobody sees through."""
_ROW: Final = 20
_COLUMN: Final = 26
_LEFT: Final = 8
_LETTER: Final = 7.2
"""About how wide a letter is."""


def piece(found: Sequence[Call], lines: Sequence[int]) -> str:
    """A figure of the calls that begin or end in these lines of the history; nothing when there are none.

    Each call is a row, from its begin to its end; what stands left of something else came before it. How long it took
    is not drawn, since no checker of order looks at that.
    """
    named = set(lines)
    calls = [call for call in found if named & {call.invoked + 1, -1 if call.ended is None else call.ended + 1}]
    shown = calls[:CALLS_DRAWN_MAX]
    if not shown:
        return ""
    ends = [position for call in shown for position in (call.invoked, call.returned) if position is not None]
    columns = {position: number for number, position in enumerate(sorted(ends))}
    right = _LEFT + len(columns) * _COLUMN
    words = [_words(call) for call in shown]
    width = right + 16 + max(len(one) for one in words) * _LETTER
    rows = [
        _row(call, columns, right, number, text) for number, (call, text) in enumerate(zip(shown, words, strict=True))
    ]
    more = f", {len(calls) - len(shown)} more are not drawn" if len(calls) > len(shown) else ""
    label = f"{len(shown)} calls in the order in which they began and ended{more}" if len(calls) > 1 else "one call"
    return (
        f"<figure><svg class=piece role=img aria-label='{escape(label)}' width={width:.0f} "
        f"height={len(shown) * _ROW + 6} viewBox='0 0 {width:.0f} {len(shown) * _ROW + 6}'>{''.join(rows)}</svg>"
        f"<figcaption>{escape(label)}</figcaption></figure>\n"
    )


def _row(call: Call, columns: dict[int, int], right: int, number: int, text: str) -> str:
    x = _LEFT + columns[call.invoked] * _COLUMN
    end = right if call.returned is None else _LEFT + columns[call.returned] * _COLUMN
    y = 4 + number * _ROW
    return (
        f"<a href='#line={call.invoked + 1}'>"
        f"<rect class={call.kind} x={x} y={y} width={max(end - x, 6)} height=14 rx=3 />"
        f"<text x={right + 8} y={y + 11}>{escape(text)}</text></a>"
    )


def _words(call: Call) -> str:
    mode = f" {call.asked.mode}" if call.asked.mode else ""
    who = f"process {call.process} at {call.node}" if call.node else f"process {call.process}"
    return f"line {call.invoked + 1}: {call.asked.f}{mode} {short(call.value)[-40:]} ({call.kind}, {who})"
