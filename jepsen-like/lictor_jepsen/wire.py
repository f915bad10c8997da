"""What a bad link does to packets: when each of them, or copies of it, arrive. Pure: time and chance are passed in."""

from __future__ import annotations

from random import Random
from typing import Final, NamedTuple

__all__ = ["BACKLOG_S_MAX", "HELD_BACK_S", "Shape", "Wire"]

BACKLOG_S_MAX: Final = 1.0
"""How long the queue before a narrow link may become, in seconds of its rate; what comes then is lost."""
HELD_BACK_S: Final = (0.005, 0.05)
"""How much later than its turn a packet comes that others overtake."""


class Shape(NamedTuple):
    """How bad a link is, in one direction."""

    delay_ms: float = 0.0
    jitter_ms: float = 0.0
    """Up to so much is added to the delay of each packet; the order stays."""
    loss: float = 0.0
    """The share of packets that never arrive."""
    doubled: float = 0.0
    """The share that arrives twice."""
    reordered: float = 0.0
    """The share that others overtake."""
    kbit_s: float = 0.0
    """How much passes in a second; 0 for any."""

    def __str__(self) -> str:
        late = f"{self.delay_ms:g} to {self.delay_ms + self.jitter_ms:g}" if self.jitter_ms else f"{self.delay_ms:g}"
        told = [
            f"{late} ms late" * bool(self.delay_ms + self.jitter_ms),
            f"{self.loss:.0%} lost" * bool(self.loss),
            f"{self.doubled:.0%} doubled" * bool(self.doubled),
            f"{self.reordered:.0%} overtaken" * bool(self.reordered),
            f"{self.kbit_s:g} kbit/s" * bool(self.kbit_s),
        ]
        return ", ".join(filter(None, told)) or "good"


class Wire:
    """One direction of a link. `offer` it packets in order of their times."""

    def __init__(self, shape: Shape, rng: Random) -> None:
        self._shape = shape
        self._rng = rng
        self._free_s = 0.0
        """When the narrow part has passed all that came before."""
        self._last_s = 0.0
        """When the packet before arrives: none that keeps its turn arrives earlier."""

    def offer(self, now_s: float, size_bytes: int) -> tuple[float, ...]:
        """When a packet that is sent now arrives: never, once, or twice."""
        shape, rng = self._shape, self._rng
        if rng.random() < shape.loss:
            return ()
        sent_s = now_s
        if shape.kbit_s:
            if self._free_s - now_s > BACKLOG_S_MAX:
                return ()
            sent_s = self._free_s = max(self._free_s, now_s) + size_bytes * 8 / 1000 / shape.kbit_s
        arrives_s = sent_s + (shape.delay_ms + rng.uniform(0, shape.jitter_ms)) / 1000
        if rng.random() < shape.reordered:
            arrives_s += rng.uniform(*HELD_BACK_S)
        else:
            arrives_s = self._last_s = max(self._last_s, arrives_s)
        return (arrives_s, arrives_s) if rng.random() < shape.doubled else (arrives_s,)
