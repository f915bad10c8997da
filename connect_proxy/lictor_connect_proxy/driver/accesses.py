"""One line for each connection that was relayed: who, where to, how much, how long, and why it ended.

`access_log` in `proxy.config` says which of them are written at level info: `all`, `errors` (those that did not end in
order; the default) or `off`. Of those in order only the share `access_log_sample` (0 to 1) is, chosen by chance. The
others are written at level debug.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from structlog.typing import FilteringBoundLogger

from lictor_connect_proxy.figures import Flow
from lictor_core.clock import Rng
from lictor_core.intentions import Decision
from lictor_core.records import JsonObject

__all__ = ["Access", "AccessLog", "AccessSettings", "access_settings"]

_INFO: Final = 20
_DEBUG: Final = 10
_SHARES: Final = 1 << 20
CHOICES: Final = ("all", "errors", "off")


class AccessSettings(NamedTuple):
    """Which connections are told of at level info."""

    which: str = "errors"
    sample: float = 1.0


class Access(NamedTuple):
    """A connection that ended. `instance` is where it led to; `decision` is what let it in, if anything judged."""

    flow: Flow
    peer: str
    instance: str
    to_local: int
    to_mesh: int
    duration_s: float
    reason: str
    decision: Decision | None = None


def access_settings(config: JsonObject) -> AccessSettings:
    """What `proxy.config` says; what it says wrongly is as if it were not there."""
    which, sample = config.get("access_log"), config.get("access_log_sample")
    return AccessSettings(
        which if isinstance(which, str) and which in CHOICES else "errors",
        float(sample) if isinstance(sample, int | float) and 0 <= sample <= 1 else 1.0,
    )


class AccessLog:
    """Writes those lines."""

    def __init__(self, log: FilteringBoundLogger, rng: Rng) -> None:
        self.settings = AccessSettings()
        self._log = log
        self._rng = rng

    def write(self, access: Access) -> None:
        """One connection."""
        level = _INFO if self._is_told(access) else _DEBUG
        if not self._log.is_enabled_for(level):
            return
        key = access.flow.key
        self._log.log(
            level,
            "proxy.connection.closed",
            direction=key.direction,
            source=key.source,
            destination=key.destination,
            upstream=key.upstream,
            peer=access.peer,
            instance=access.instance,
            to_local_bytes=access.to_local,
            to_mesh_bytes=access.to_mesh,
            duration_ms=round(access.duration_s * 1000, 3),
            reason=access.reason,
            decision="" if access.decision is None else access.decision.summary(),
        )

    def _is_told(self, access: Access) -> bool:
        which, sample = self.settings
        if which == "off" or (which == "errors" and not access.reason):
            return False
        return bool(access.reason) or sample >= 1 or self._rng.below(_SHARES) < sample * _SHARES
