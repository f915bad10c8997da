"""Where a connection goes: the application behind the public listener, or exactly one service of the mesh."""

from __future__ import annotations

from dataclasses import dataclass

from lictor_connect_proxy.layers.stages import Permitted
from lictor_connect_proxy.snapshot import PublicListener
from lictor_core.names import ServiceId

__all__ = ["ApplicationRoute", "UpstreamRoute", "route_in"]


@dataclass(frozen=True, slots=True)
class ApplicationRoute:
    """To the application, at a port or, with `path`, at a Unix socket. Holding one means holding a permit."""

    permit: Permitted
    host: str
    port: int
    timeout_s: float
    path: str = ""


@dataclass(frozen=True, slots=True)
class UpstreamRoute:
    """To a service of the mesh: whom the other end must prove to be, and the server name that is asked for."""

    expected: ServiceId
    sni: str
    timeout_s: float


def route_in(permit: Permitted, listener: PublicListener) -> ApplicationRoute:
    """The application, for a connection that has its permit."""
    return ApplicationRoute(
        permit,
        listener.application_host,
        listener.application_port,
        listener.application_timeout_s,
        listener.application_path,
    )
