"""Which instances have been critical for longer than they allow (`deregister_critical_service_after`).

Pure. Source: Consul's document `docs/discovery/checks`: at least a minute, looked at every 30 seconds.
"""

from __future__ import annotations

from typing import Final

from lictor_agent.local import LocalState

__all__ = ["CRITICAL_S_MIN", "REAP_EVERY_S", "overdue_services"]

REAP_EVERY_S: Final = 30.0
CRITICAL_S_MIN: Final = 60.0
"""The shortest time after which an instance is deregistered, however short the one it asks for."""


def overdue_services(local: LocalState, now: float, critical_s_min: float = CRITICAL_S_MIN) -> list[str]:
    """The ids of the instances that are to be deregistered at the monotonic time `now`."""
    overdue: set[str] = set()
    for one in local.checks.values():
        after_s = 0.0 if one.definition is None else one.definition.deregister_critical_service_after_s
        if after_s <= 0 or one.critical_since is None or not one.check.service_id:
            continue
        if now - one.critical_since >= max(after_s, critical_s_min):
            overdue.add(one.check.service_id)
    return sorted(overdue)
