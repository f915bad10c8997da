"""When faults lasted, as the history tells it, and until when they excuse. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from lictor_jepsen.op import HEAL, NEMESIS, Op
from lictor_jepsen.outage import hits

__all__ = ["EARLY_MS", "Trouble", "settled_ms", "troubles"]

EARLY_MS: Final = 2_000.0
"""How long before its step is known to have been begun a fault may be felt, in histories that do not tell how long a
step took; it is told when it was made, and that takes commands."""


class Trouble(NamedTuple):
    """A time with faults."""

    begins_ms: float
    ends_ms: float


def troubles(history: Sequence[Op]) -> list[Trouble]:
    """The times with faults, in order, those that overlap as one. What nothing ended lasts."""
    healed_ms = min((op.time_ms for op in history if op.process == NEMESIS and op.f == HEAL), default=float("inf"))
    return _merged(
        Trouble(hit.began_ms, healed_ms if hit.ended is None else min(hit.ended.time_ms, healed_ms))
        for hit in hits(history)
    )


def _merged(faulty: Iterable[Trouble]) -> list[Trouble]:
    merged: list[Trouble] = []
    for trouble in sorted(faulty):
        if merged and trouble.begins_ms <= merged[-1].ends_ms:
            merged[-1] = Trouble(merged[-1].begins_ms, max(merged[-1].ends_ms, trouble.ends_ms))
        else:
            merged.append(trouble)
    return merged


def settled_ms(faulty: Sequence[Trouble], moment_ms: float, usual_ms: float, after_ms: float) -> float:
    """Until when something that was begun at `moment_ms` may take.

    That is `usual_ms`; where faults, or the `after_ms` behind their end, come in between, until `after_ms` behind the
    last of them.
    """
    until_ms = moment_ms + usual_ms
    for trouble in faulty:
        if trouble.begins_ms - EARLY_MS <= until_ms and trouble.ends_ms + after_ms >= moment_ms:
            until_ms = max(until_ms, trouble.ends_ms + after_ms)
    return until_ms
