"""What the connections of a proxy share, read fresh each time, since snapshot and contexts change under way."""

from __future__ import annotations

from typing import Final, Protocol

from structlog.typing import FilteringBoundLogger

from lictor_connect_proxy.commands import Count, Report
from lictor_connect_proxy.contexts import TlsContexts
from lictor_connect_proxy.driver.accesses import Access, AccessLog
from lictor_connect_proxy.driver.pump import Pump, Scratch
from lictor_connect_proxy.figures import Figures, Flow
from lictor_connect_proxy.layers.limits import ConnectionLimit
from lictor_connect_proxy.layers.tally import Counted
from lictor_connect_proxy.snapshot import ProxySnapshot
from lictor_core.clock import Clock
from lictor_core.intentions import Decision

__all__ = ["STOPPED", "Relayed", "Surroundings", "note", "refuse_at_limit"]

STOPPED: Final = "the proxy stopped"
"""Why a relay ended that nobody else ended."""
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


class Relayed:
    """A relay in figures and in the access log: counted from now on until `ended`, and then told of."""

    __slots__ = ("_around", "_decision", "_flow", "_instance", "_peer", "_pump", "_started")

    def __init__(
        self,
        around: Surroundings,
        flow: Flow,
        pump: Pump,
        *,
        peer: str,
        instance: str,
        decision: Decision | None = None,
    ) -> None:
        self._around = around
        self._flow = flow
        self._pump = pump
        self._peer = peer
        self._instance = instance
        self._decision = decision
        self._started = around.clock.monotonic()
        flow.opened(pump)

    def ended(self, reason: str | None) -> None:
        """It ended: in order with None, else for this reason."""
        pump, around = self._pump, self._around
        self._flow.closed(pump, broken=reason is not None)
        around.accesses.write(
            Access(
                self._flow,
                self._peer,
                self._instance,
                pump.to_local,
                pump.to_mesh,
                around.clock.monotonic() - self._started,
                reason or "",
                self._decision,
            )
        )


def refuse_at_limit(around: Surroundings, limit: ConnectionLimit, listener: str, label: str) -> None:
    """Tell and count that a connection of a listener was refused because so many are open."""
    around.figures.tally.add(Counted.LIMITED, label)
    refused = limit.to_tell(around.clock.monotonic())
    if refused:
        around.log.warning("proxy.listener.limited", listener=listener, connections_max=limit.most, refused=refused)
