"""The bounds of an agent's views."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["ViewSettings"]


@dataclass(frozen=True, kw_only=True, slots=True)
class ViewSettings:
    """How many views there are and how long they stay. Times are seconds.

    A view that nobody asks for goes after `idle_s`, an empty one (a name that nobody registered) after `empty_idle_s`;
    none goes while the servers are away. Consul keeps such answers for 3 days; one that follows costs the servers
    something. Of more than `views_max` those go that were not asked for longest.
    """

    views_max: int = 4096
    idle_s: float = 24 * 3600.0
    empty_idle_s: float = 60.0
    sweep_s: float = 15.0
    fetch_s_max: float = 10.0
    """How long somebody waits for a view to come, however the servers hold the request."""
    waiting_max: int = 16_384
    """Who waits at once for views to come or to change."""
    fresh_s: float = 2.5
    """A server that was heard so lately, and heard its leader, is current: ticks come once a second."""
    retry_s_min: float = 0.05
    retry_s_max: float = 5.0
