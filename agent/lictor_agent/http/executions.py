"""What prepared queries found last, for `?cached`: it is answered again when no server can be asked."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final, NamedTuple

from lictor_core.prepared import Execution
from lictor_core.prepared_queries import PreparedQueryExecutionQuery
from lictor_core.registry import Reading

__all__ = ["EXECUTIONS_MAX", "KeptExecution", "KeptExecutions"]

EXECUTIONS_MAX: Final = 64
"""Findings kept, each with all its instances; the one that was asked for longest ago goes first."""


_Key = tuple[PreparedQueryExecutionQuery, str]


class KeptExecution(NamedTuple):
    """A finding, and the seconds since it was current."""

    reading: Reading[Execution | None]
    age_s: float


class KeptExecutions:
    """Findings by what was asked. `now` is monotonic, in seconds."""

    def __init__(self) -> None:
        self._kept: OrderedDict[_Key, tuple[Reading[Execution | None], float]] = OrderedDict()

    def keep(
        self, query: PreparedQueryExecutionQuery, token: str, reading: Reading[Execution | None], now: float
    ) -> None:
        """Keep what the holder of this token was found just now."""
        self._kept[query, token] = (reading, now)
        self._kept.move_to_end((query, token))
        if len(self._kept) > EXECUTIONS_MAX:
            self._kept.popitem(last=False)

    def get(self, query: PreparedQueryExecutionQuery, token: str, now: float) -> KeptExecution | None:
        """What was found last, if it is still here."""
        found = self._kept.get((query, token))
        if found is None:
            return None
        self._kept.move_to_end((query, token))
        return KeptExecution(found[0], max(now - found[1], 0.0))
