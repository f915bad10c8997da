"""What a result of a check means: thresholds before a status changes, and how much of an output is kept.

Pure. Source: Consul's document `docs/discovery/checks`; the forms of cut outputs are those that Consul 1.8.7 shows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from lictor_core.errors import RequestError
from lictor_core.records import CRITICAL, PASSING, WARNING

__all__ = [
    "Result",
    "Streak",
    "TailBuffer",
    "clipped_note",
    "first_pause_s",
    "judged",
    "next_due",
    "next_pause_s",
    "require_status",
]

_STATUSES: Final = (PASSING, WARNING, CRITICAL)
_STARTS_PER_S: Final = 100
_SOON_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Result:
    """What one run of a check came to."""

    status: str
    output: str


@dataclass(frozen=True, slots=True)
class Streak:
    """How many results in a row were good (passing or warning), or critical; one of the two is 0."""

    good: int = 0
    critical: int = 0


def judged(
    streak: Streak, result: Result, good_min: int, warning_min: int, critical_min: int
) -> tuple[Streak, Result | None]:
    """The streak after `result`, and what counts already: a result at the end of a long enough streak.

    From `warning_min` critical results on (0: never) a streak that is too short to be critical is a warning.
    Thresholds of 0 and 1 let every result count.
    """
    if result.status == CRITICAL:
        streak = Streak(critical=streak.critical + 1)
        if streak.critical >= critical_min:
            return streak, result
        return streak, Result(WARNING, result.output) if 0 < warning_min <= streak.critical else None
    streak = Streak(good=streak.good + 1)
    return streak, result if streak.good >= good_min else None


def first_pause_s(interval_s: float, checks: int) -> float:
    """Within how many seconds a check runs for the first time, on an agent with so many `checks`.

    Consul waits up to the interval. A service that is up should not wait that long to be found, so it is a second, and
    more only where many checks start together: about a hundred a second.
    """
    return min(interval_s, max(_SOON_S, checks / _STARTS_PER_S))


def next_pause_s(interval_s: float, runs_never_good: int) -> float:
    """Seconds from one run to the next of a check of which `runs_never_good` runs were not good, and none ever was.

    What has just been registered often starts a moment later (a service, or the proxy beside it): until a first
    good run the pauses are 1, 2, 4 ... seconds, at most the interval. `runs_never_good` 0: there was one.
    """
    if runs_never_good == 0:
        return interval_s
    return min(interval_s, _SOON_S * 2.0 ** min(runs_never_good - 1, 32))


def next_due(due: float, now: float, pause_s: float) -> float:
    """When a check runs again that was due at `due`, has ended `now`, and is to run every `pause_s` seconds.

    From due time to due time, so that neither a late start nor a slow answer adds up; one that takes long rests half
    the time all the same. (Consul counts from the end of a run, so that a slow check is seen less often.)
    """
    return max(due + pause_s, now + pause_s / 2)


def require_status(status: str) -> str:
    """`status` itself. Raises `RequestError` unless it is one that a check can have."""
    if status not in _STATUSES:
        raise RequestError(f"Invalid check status: '{status}'")
    return status


def clipped_note(note: str, bytes_max: int) -> str:
    """What is kept of a note that somebody sent with a status: its beginning, and how much there was."""
    raw = note.encode()
    if len(raw) <= bytes_max:
        return note
    kept = raw[:bytes_max].decode(errors="ignore")
    return f"{kept} ... (captured {bytes_max} of {len(raw)} bytes)"


class TailBuffer:
    """The last bytes of an output of any length, in bounded memory."""

    def __init__(self, bytes_max: int) -> None:
        self._bytes_max = bytes_max
        self._kept = bytearray()
        self.total = 0
        """How many bytes were written in all."""

    def write(self, data: bytes) -> None:
        """Add to the output."""
        self.total += len(data)
        self._kept += data[-self._bytes_max :]
        del self._kept[: max(len(self._kept) - self._bytes_max, 0)]

    def text(self) -> str:
        """What is kept, as text; bytes that are no UTF-8 are replaced."""
        return self._kept.decode(errors="replace")

    def account(self) -> str:
        """What is kept, under a line that says how much there was, if something is missing."""
        if self.total <= self._bytes_max:
            return self.text()
        return f"Captured {len(self._kept)} of {self.total} bytes\n...\n{self.text()}"
