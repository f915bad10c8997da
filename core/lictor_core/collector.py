"""The garbage collector's habits in a long-lived process."""

from __future__ import annotations

import gc
from typing import Final

__all__ = ["THRESHOLDS", "settle"]

THRESHOLDS: Final = (5_000, 5, 3)
"""Objects more than were freed, and so many rounds of the younger generation, before the next one is looked at.

Python's own first number, 700, is below what a few dozen requests under way hold: it walked them again and again, a
sixth of the processor time of a KV write. The product, which is when everything may be walked, stays of the same size.
"""


def settle() -> None:
    """The process has started: what was made until now stays, and need not be looked at again and again."""
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
    gc.enable()
