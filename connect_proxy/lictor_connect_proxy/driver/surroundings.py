"""What the connections of a proxy share, read fresh each time, since snapshot and contexts change under way."""

from __future__ import annotations

from typing import Final, Protocol

from structlog.typing import FilteringBoundLogger

from lictor_connect_proxy.commands import Report
from lictor_connect_proxy.contexts import TlsContexts
from lictor_connect_proxy.driver.pump import Scratch
from lictor_connect_proxy.snapshot import ProxySnapshot
from lictor_core.clock import Clock

__all__ = ["Surroundings", "write_report"]

_LEVELS: Final = {"debug": 10, "info": 20, "warning": 30}


class Surroundings(Protocol):
    """The driver as its connections see it."""

    @property
    def clock(self) -> Clock: ...
    @property
    def log(self) -> FilteringBoundLogger: ...
    @property
    def scratch(self) -> Scratch: ...
    @property
    def snapshot(self) -> ProxySnapshot: ...
    @property
    def contexts(self) -> TlsContexts | None: ...


def write_report(log: FilteringBoundLogger, report: Report) -> None:
    """One log event."""
    log.log(_LEVELS[report.level], report.event, **report.keys)
