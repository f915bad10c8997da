"""What shall be done for a connection, in the imperative. Layers give these, the driver performs them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from lictor_connect_proxy.events import Side
from lictor_connect_proxy.layers.route import ApplicationRoute, UpstreamRoute
from lictor_connect_proxy.layers.tally import Counted
from lictor_connect_proxy.snapshot import Endpoint

__all__ = ["Abort", "Close", "Command", "Count", "DialInstance", "Finish", "OpenApplication", "Report", "StartRelay"]


@dataclass(frozen=True, slots=True)
class OpenApplication:
    """Connect to the application."""

    route: ApplicationRoute


@dataclass(frozen=True, slots=True)
class DialInstance:
    """Connect to an instance and complete TLS with it."""

    endpoint: Endpoint
    route: UpstreamRoute


@dataclass(frozen=True, slots=True)
class StartRelay:
    """Let bytes flow both ways. Given only for a route that a permit or a verified identity stands behind."""

    route: ApplicationRoute | UpstreamRoute


@dataclass(frozen=True, slots=True)
class Finish:
    """Tell this side that nothing more will be sent, after what is still held for it."""

    side: Side


@dataclass(frozen=True, slots=True)
class Close:
    """End the connection in order: what is held is delivered first, TLS ends with `close_notify`."""


@dataclass(frozen=True, slots=True)
class Abort:
    """Cut the connection: a stream that did not end must not look as if it had."""


@dataclass(frozen=True, slots=True)
class Report:
    """Write one log event."""

    level: Literal["debug", "info", "warning"]
    event: str
    keys: Mapping[str, object] = field(default_factory=dict[str, object])


@dataclass(frozen=True, slots=True)
class Count:
    """Count something that happened, under the label that says what decided or where."""

    counted: Counted
    label: str


Command = OpenApplication | DialInstance | StartRelay | Finish | Close | Abort | Report | Count
