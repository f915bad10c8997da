"""What is counted of connections, by what decided: figures for metrics, kept from the start of the process on."""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Mapping
from typing import Final

__all__ = ["LABELS_MAX", "OTHERS", "Counted", "Tally"]

LABELS_MAX: Final = 1000
"""Labels of one kind that are told apart; what comes after them counts together as `OTHERS`."""
OTHERS: Final = "others"


class Counted(enum.StrEnum):
    """What is counted, and what its label is."""

    DENIED = "denied"
    """A client was refused: the key of the rule that did it, `default`, or `identity` when it did not come to rules."""
    REVOKED = "revoked"
    """A live connection was cut by a change of policy: the same."""
    LIMITED = "limited"
    """A connection was refused at a limit: `public`, or the upstream."""
    INSTANCE_FAILED = "instance_failed"
    """An instance was not reached, or is somebody else: the upstream."""
    EJECTED = "ejected"
    """An instance was put aside: the upstream."""
    UNAVAILABLE = "unavailable"
    """A local connection was cut since no instance was reached: the upstream."""
    FAILED_OVER = "failed_over"
    """A connection was served by a failover target: the upstream."""
    PANICKED = "panicked"
    """An instance that stood aside was dialed, since none was fit: the upstream."""
    HANDSHAKE_FAILED = "handshake_failed"
    """An incoming handshake came to nothing: the cause."""
    APPLICATION_FAILED = "application_failed"
    """The application could not be reached: the service."""


class Tally:
    """Counts. Bounded in labels, since names of services come from outside."""

    def __init__(self) -> None:
        self._counts: dict[Counted, Counter[str]] = {counted: Counter() for counted in Counted}

    def add(self, counted: Counted, label: str, times: int = 1) -> None:
        """Count once more."""
        counts = self._counts[counted]
        counts[label if label in counts or len(counts) < LABELS_MAX else OTHERS] += times

    def total(self, counted: Counted) -> int:
        """How often, whatever the label."""
        return self._counts[counted].total()

    def of(self, counted: Counted) -> Mapping[str, int]:
        """How often, by label."""
        return dict(self._counts[counted])
