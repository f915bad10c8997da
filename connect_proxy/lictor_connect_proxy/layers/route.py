"""Where a connection goes: the application behind the public listener, or exactly one service of the mesh."""

from __future__ import annotations

from dataclasses import dataclass

from lictor_connect_proxy.layers.stages import Permitted, Refusal
from lictor_connect_proxy.snapshot import ProxySnapshot, PublicListener, UpstreamListener
from lictor_core.names import ServiceId, service_sni

__all__ = ["ApplicationRoute", "UpstreamRoute", "route_in", "route_out"]


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


def route_out(snapshot: ProxySnapshot, upstream: UpstreamListener) -> UpstreamRoute | Refusal:
    """The service behind an upstream listener; without datacenter it is one of the proxy's own."""
    own = snapshot.leaf.identity() if snapshot.leaf is not None else None
    if own is None or snapshot.roots is None:
        return Refusal("no usable certificate is known yet")
    expected = ServiceId(
        snapshot.roots.trust_domain.lower(), own.namespace, upstream.datacenter or own.datacenter, upstream.service
    )
    sni = service_sni(expected.service, expected.datacenter, expected.trust_domain, namespace=expected.namespace)
    return UpstreamRoute(expected, sni, upstream.connect_timeout_s)
