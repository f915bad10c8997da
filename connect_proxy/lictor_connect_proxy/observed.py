"""A proxy as those see it who tell of it: its figures, its knowledge, and how old that is."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Protocol

from lictor_connect_proxy.figures import Figures
from lictor_connect_proxy.snapshot import ProxySnapshot

__all__ = ["Observed", "leaf_left_s"]


class Observed(Protocol):
    """A proxy that can be looked at. `ages_s` says for each source how long ago its agent last answered."""

    @property
    def figures(self) -> Figures: ...
    @property
    def snapshot(self) -> ProxySnapshot: ...
    def ages_s(self) -> Mapping[str, float]: ...


def leaf_left_s(snapshot: ProxySnapshot, now: float) -> float | None:
    """Seconds until the leaf expires, negative afterwards; None without a leaf. `now` is seconds since 1970."""
    if snapshot.leaf is None:
        return None
    try:
        until = datetime.datetime.fromisoformat(snapshot.leaf.valid_before)
    except ValueError:
        return None
    return until.timestamp() - now
