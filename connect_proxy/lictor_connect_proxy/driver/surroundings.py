"""What the connections of a proxy share, read fresh each time, since snapshot and contexts change under way."""

from __future__ import annotations

from typing import Final, Protocol

from structlog.typing import FilteringBoundLogger

from lictor_connect_proxy.commands import Count, Report
from lictor_connect_proxy.contexts import TlsContexts
from lictor_connect_proxy.driver.accesses import AccessLog
from lictor_connect_proxy.driver.pump import Scratch
from lictor_connect_proxy.figures import Figures
from lictor_connect_proxy.layers.limits import ConnectionLimit
from lictor_connect_proxy.layers.tally import Counted
from lictor_connect_proxy.snapshot import ProxySnapshot
from lictor_core.clock import Clock

__all__ = ["Surroundings", "note", "refuse_at_limit"]

_NO_RULE: Final = "(none)"
_LEVELS: Final = {"debug": 10, "info": 20, "warning": 30}


class Surroundings(Protocol):
    """The driver as its connections see it."""

    @property
    def clock(self) -> Clock: ...
    @property
    def log(self) -> FilteringBoundLogger: ...
    @property
    def figures(self) -> Figures: ...
    @property
    def accesses(self) -> AccessLog: ...
    @property
    def scratch(self) -> Scratch: ...
    @property
    def snapshot(self) -> ProxySnapshot: ...
    @property
    def contexts(self) -> TlsContexts | None: ...


def note(around: Surroundings, what: Report | Count) -> None:
    """Write one log event, or count."""
    match what:
        case Report(level, event, keys):
            around.log.log(_LEVELS[level], event, **keys)
        case Count(counted, label):
            around.figures.tally.add(counted, label)


def refuse_at_limit(around: Surroundings, limit: ConnectionLimit, listener: str, label: str) -> None:
    """Tell and count that a connection of a listener was refused because so many are open."""
    around.figures.tally.add(Counted.LIMITED, label)
    refused = limit.to_tell(around.clock.monotonic())
    if refused:
        around.log.warning("proxy.listener.limited", listener=listener, connections_max=limit.most, refused=refused)
