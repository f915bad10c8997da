"""When a certificate is renewed: in the middle of its life, so that an outage of the servers is outlived. Pure."""

from __future__ import annotations

from typing import Final

from lictor_core.clock import Rng

__all__ = ["EARLIEST", "LATEST", "renewal_s"]

EARLIEST: Final = 0.5
LATEST: Final = 0.65
"""Parts of its life between which it is renewed, at random: hosts that started together do not ask together."""


def renewal_s(valid_after: float, valid_before: float, rng: Rng) -> float:
    """How many seconds after `valid_after` it is due; both are times in seconds."""
    return (valid_before - valid_after) * rng.uniform(EARLIEST, LATEST)
