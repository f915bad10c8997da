"""What a proxy counts: connections and bytes for each pair of services, refusals by reason, dials by time.

Plain numbers that the driver counts up; whoever wants them reads them (`exposition`, `telling`). Labels are bounded:
what comes beyond `FLOWS_MAX` is counted together.
"""

from __future__ import annotations

import bisect
from collections.abc import Callable
from typing import Final, Literal, NamedTuple, Protocol

from lictor_connect_proxy.layers.tally import LABELS_MAX, OTHERS, Tally

__all__ = [
    "DIAL_S_BOUNDS",
    "FLOWS_MAX",
    "Direction",
    "Figures",
    "Flow",
    "FlowKey",
    "Histogram",
    "Moving",
]

FLOWS_MAX: Final = 1024
DIAL_S_BOUNDS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

Direction = Literal["inbound", "outbound"]


class Moving(Protocol):
    """A relay under way, and what it has moved so far, in bytes."""

    @property
    def to_local(self) -> int: ...
    @property
    def to_mesh(self) -> int: ...


class FlowKey(NamedTuple):
    """Who talks to whom. `upstream` is what the local program asked for; empty for connections from the mesh."""

    direction: Direction
    source: str
    destination: str
    upstream: str = ""


class Flow:
    """The connections of one key: how many there were, those that live, and the bytes of all."""

    def __init__(self, key: FlowKey) -> None:
        self.key = key
        self.total = 0
        self.broken = 0
        self._live: set[Moving] = set()
        self._to_local = 0
        self._to_mesh = 0

    def opened(self, relay: Moving) -> None:
        """Bytes may flow from now on."""
        self.total += 1
        self._live.add(relay)

    def closed(self, relay: Moving, *, broken: bool) -> None:
        """It ended, in order or not."""
        self._live.discard(relay)
        self._to_local += relay.to_local
        self._to_mesh += relay.to_mesh
        self.broken += broken

    @property
    def open(self) -> int:
        """Connections that live."""
        return len(self._live)

    @property
    def to_local(self) -> int:
        """Bytes from the mesh to the local program."""
        return self._to_local + sum(relay.to_local for relay in self._live)

    @property
    def to_mesh(self) -> int:
        """Bytes from the local program into the mesh."""
        return self._to_mesh + sum(relay.to_mesh for relay in self._live)


class Histogram:
    """How many values there were up to each of `DIAL_S_BOUNDS`, the last without bound; in seconds."""

    def __init__(self) -> None:
        self.counts = [0] * (len(DIAL_S_BOUNDS) + 1)
        self.sum_s = 0.0

    def add(self, seconds: float) -> None:
        """One more value."""
        self.counts[bisect.bisect_left(DIAL_S_BOUNDS, seconds)] += 1
        self.sum_s += seconds

    @property
    def count(self) -> int:
        """How many values."""
        return sum(self.counts)


class Figures:
    """Everything that one proxy counts, since its start."""

    def __init__(self, service: str) -> None:
        self.service = service
        self.flows: dict[FlowKey, Flow] = {}
        self.tally = Tally()
        self.dials: dict[str, Histogram] = {}
        """Time until an instance stood, TLS included, by upstream."""
        self._on_flow: list[Callable[[Flow], None]] = []
        self._on_dial: list[Callable[[str, float], None]] = []

    def flow(self, direction: Direction, source: str, destination: str, upstream: str = "") -> Flow:
        """Where the connections of this key are counted."""
        key = FlowKey(direction, source, destination, upstream)
        found = self.flows.get(key)
        if found is None:
            if len(self.flows) >= FLOWS_MAX:
                key = FlowKey(direction, OTHERS, OTHERS, OTHERS if upstream else "")
                if key in self.flows:
                    return self.flows[key]
            found = self.flows[key] = Flow(key)
            for tell in self._on_flow:
                tell(found)
        return found

    def on_flow(self, tell: Callable[[Flow], None]) -> None:
        """Have `tell` get every flow, those that there are and those to come."""
        self._on_flow.append(tell)
        for flow in self.flows.values():
            tell(flow)

    def dialed(self, upstream: str, seconds: float) -> None:
        """An instance stood after `seconds`."""
        if upstream not in self.dials and len(self.dials) >= LABELS_MAX:
            upstream = OTHERS
        self.dials.setdefault(upstream, Histogram()).add(seconds)
        for tell in self._on_dial:
            tell(upstream, seconds)

    def on_dial(self, tell: Callable[[str, float], None]) -> None:
        """Have `tell` get the upstream and the seconds of every dial to come."""
        self._on_dial.append(tell)
