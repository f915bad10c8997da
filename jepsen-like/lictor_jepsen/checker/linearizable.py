"""Is the history of one register, or of one lock, linearizable? If not: which smallest piece of it is not."""

from __future__ import annotations

from collections.abc import Sequence

from lictor_jepsen.checker.model import ANYTHING, State, is_lock, leaves, needs
from lictor_jepsen.checker.piece import Piece, smallest_piece
from lictor_jepsen.checker.search import Limits, search
from lictor_jepsen.checker.telling import describe, lines_of
from lictor_jepsen.checker.verdict import Finding, Problem, Verdict
from lictor_jepsen.history import Call
from lictor_jepsen.op import ABSENT, Kind, Value

__all__ = ["linearizable"]


def linearizable(history: Sequence[Call], *, initial: Value = ABSENT, limits: Limits | None = None) -> Finding:
    """Judge the calls to one key, in order of their invocation: `read`, and `write`, `cas` or `acquire`, `release`.

    Unknown when a limit was reached; the problem names it.
    """
    bounds = Limits() if limits is None else limits
    judged = _relevant(history)
    answer = search(judged, initial, bounds)
    if answer.explained is None:
        problem = Problem(f"undecided: {len(judged)} calls took more than {answer.reached}")
        return Finding(Verdict.UNKNOWN, len(judged), (problem,))
    if answer.explained:
        return Finding(Verdict.VALID, len(judged))
    piece = smallest_piece(judged, initial, bounds)
    return Finding(Verdict.INVALID, len(judged), (_account(judged, piece),))


def _relevant(history: Sequence[Call]) -> list[Call]:
    """Without calls that surely did not happen, and unknown ones that nobody could have noticed.

    An unknown write whose value no call ever saw may as well not have happened: between it and the next write nothing
    but writes can have taken place. Leaving it out keeps the search short and changes no verdict. An unknown end of
    `acquire` or `release` shows in who is refused, and stays.
    """
    seen: set[State] = {
        needs(call) for call in history if call.kind is Kind.OK or (call.kind is Kind.INFO and call.asked.f == "cas")
    } - {ANYTHING}
    return [
        call
        for call in history
        if call.kind is Kind.OK
        or (call.kind is Kind.INFO and call.asked.f != "read" and (is_lock(call) or leaves(call) in seen))
    ]


def _account(judged: Sequence[Call], piece: Piece) -> Problem:
    """Which end cannot be explained, and the piece that shows it, a line a call."""
    last = max(piece.calls, key=lambda call: call.returned or -1)
    size = "smallest piece" if piece.smallest else "piece (not the smallest, for want of steps)"
    before = "whatever the key held before" if piece.initial is ANYTHING else f"from {piece.initial} on"
    whole = {call.invoked: call for call in judged}
    lines = "".join(f"\n  {_line(whole[call.invoked], call)}" for call in piece.calls)
    text = (
        f"{describe(last)}: no order of the {len(judged)} calls explains it. The {size} that no order explains, "
        f"{before}:{lines}"
    )
    return Problem(text, lines_of(*(whole[call.invoked] for call in piece.calls)))


def _line(call: Call, of_piece: Call) -> str:
    cut = "; at the edge of the piece: it may not have happened there" if call.kind is not of_piece.kind else ""
    return f"{describe(call)}{cut}"
