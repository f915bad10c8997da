"""TTL checks: a service must speak up in time, or it counts as critical.

Pure. Source: Consul's document `docs/discovery/checks`.
"""

from __future__ import annotations

__all__ = ["expired_output"]


def expired_output(last_output: str) -> str:
    """The output of a check whose time ran out, with what was said last."""
    if not last_output:
        return "TTL expired"
    return f"TTL expired (last output before timeout follows): {last_output}"
