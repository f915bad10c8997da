"""When a call that failed is sent again: a read, or a write of which nothing was done for sure. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from lictor.api.errors import AgentError, ApiError, UnreadableError
from lictor_core.clock import Rng

__all__ = ["ATTEMPT_S_MIN", "DEFAULT_RETRY", "NO_RETRY", "Attempts", "Retry", "is_safe"]

ATTEMPT_S_MIN: Final = 0.1
"""With less of its time left a call is not tried again: the attempt would end before an answer could come."""


@dataclass(frozen=True, kw_only=True)
class Retry:
    """How often a call is sent again, and the pauses before, in seconds: each twice the last one, and jittered.

    All of it happens within the call's time-out. A pause that an agent asks for by `Retry-After` is kept.
    """

    times: int = 3
    pause_s: float = 0.1
    pause_s_max: float = 2.0


DEFAULT_RETRY: Final = Retry()
NO_RETRY: Final = Retry(times=0)


def is_safe(error: ApiError, method: str) -> bool:
    """Whether what failed with `error` may be sent again: it would neither do a thing twice nor fail the same way."""
    if isinstance(error, UnreadableError):
        return False
    if isinstance(error, AgentError) and error.status < 500 and not error.is_overload:
        return False
    return error.definite or method == "GET"


class Attempts:
    """The attempts at one call, which began at `now` on a monotonic clock and has `timeout_s` in all."""

    def __init__(self, retry: Retry, rng: Rng, *, method: str, timeout_s: float, now: float) -> None:
        self._retry = retry
        self._rng = rng
        self._method = method
        self._ends_at = now + timeout_s
        self._failures = 0

    def left_s(self, now: float) -> float:
        """What is left of the call's time, in seconds."""
        return self._ends_at - now

    def failed(self, error: ApiError, now: float) -> float | None:
        """Note a failure. Returns the pause in seconds before the next attempt; None: `error` is what came of it."""
        self._failures += 1
        if self._failures > self._retry.times or not is_safe(error, self._method):
            return None
        longest = min(self._retry.pause_s_max, self._retry.pause_s * 2 ** (self._failures - 1))
        pause_s = self._rng.uniform(longest / 2, longest)
        if isinstance(error, AgentError) and error.retry_after_s is not None:
            pause_s += error.retry_after_s
        return pause_s if pause_s + ATTEMPT_S_MIN < self.left_s(now) else None
