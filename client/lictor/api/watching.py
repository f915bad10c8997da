"""A watch: the calls that follow one another, and which answers are news. Pure: it decides, clients send and sleep."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Generic, NamedTuple, TypeVar

from lictor.api.errors import AgentError, ApiError
from lictor.api.messages import Answer, Call
from lictor.api.pacing import Pacing
from lictor_core.clock import Rng

__all__ = ["WAIT_S_MAX", "News", "WatchSettings", "Watching"]

T = TypeVar("T")

WAIT_S_MAX: Final = 600.0
"""The longest that an agent holds a query back."""


class News(NamedTuple, Generic[T]):
    """The index as of which a value that is watched is so, 0 where the agent gives none; and the value."""

    as_of: int
    value: T


@dataclass(frozen=True, kw_only=True)
class WatchSettings:
    """How a watch goes about it.

    `wait_s`: how long the agent may hold one query back, 600 s at most. `repeats`: yield also what is as it was, when
    only the index moved. `on_failure` is told of each failure that is waited out, and of the pause in seconds; what it
    raises ends the watch. `failures_max`: so many failures in a row are waited out; None: any number.
    """

    wait_s: float = 60.0
    repeats: bool = False
    on_failure: Callable[[ApiError, float], None] | None = None
    failures_max: int | None = None


class Watching(Generic[T]):
    """The state of one watch over `call`."""

    def __init__(self, call: Call[T], settings: WatchSettings, rng: Rng) -> None:
        self._call = call
        self._settings = settings
        self._pacing = Pacing(rng)
        self._hash = ""
        self._last: Answer[T] | None = None
        self._failures = 0

    def next_call(self) -> Call[T]:
        """What to ask now: for what there is, or for what comes after the last answer."""
        wait_s = min(self._settings.wait_s, WAIT_S_MAX)
        return self._call.waiting(self._pacing.index, self._hash, wait_s)

    def answered(self, answer: Answer[T], now: float) -> tuple[News[T] | None, float]:
        """Note an answer at `now` on a monotonic clock: the news in it, and the pause in s before the next call."""
        self._failures = 0
        moved, pause_s = self._pacing.answered(answer.index, now)
        self._hash = answer.hash
        last, self._last = self._last, answer
        if last is not None and (last.value == answer.value and not (self._settings.repeats and moved)):
            return None, pause_s
        return News(answer.index, answer.value), pause_s

    def failed(self, error: ApiError) -> float:
        """Note a failure: the pause in seconds before the next call. Raises `error` when waiting would be in vain.

        Whoever answers next may be another agent, or the same with another history: what there is is asked for anew.
        """
        is_final = isinstance(error, AgentError) and error.status < 500 and not error.is_overload
        self._failures += 1
        if is_final or (self._settings.failures_max is not None and self._failures > self._settings.failures_max):
            raise error
        pause_s = self._pacing.failed()
        if isinstance(error, AgentError) and error.retry_after_s is not None:
            pause_s = max(pause_s, error.retry_after_s)
        self._hash = ""
        if self._settings.on_failure is not None:
            self._settings.on_failure(error, pause_s)
        return pause_s
