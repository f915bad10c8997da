"""What this proxy cannot serve, because it sees connections and not requests: which listener, and by which setting.

A listener that could keep only some of what it was told is not started: what it leaves out may be what somebody relies
on. Source: Consul's document `docs/connect/proxies/built-in`, "Known Limitations".
"""

from __future__ import annotations

from typing import Final

from lictor_connect_proxy.layers.stages import Unsuited
from lictor_connect_proxy.snapshot import ProxySnapshot
from lictor_core.records import ServiceKind

__all__ = ["escape_hatches", "exposed_flaws", "kind_flaw", "public_flaw"]

_RATE_LIMITS: Final = "rate_limits"
_ESCAPE_HATCH: Final = "envoy_"


def kind_flaw(snapshot: ProxySnapshot) -> Unsuited | None:
    """What forbids to be this proxy at all: gateways are Envoy's."""
    if snapshot.kind is ServiceKind.CONNECT_PROXY:
        return None
    return Unsuited(f"the kind {snapshot.kind.value}", "it is a gateway, which listens for many services")


def public_flaw(snapshot: ProxySnapshot) -> Unsuited | None:
    """What forbids to start the public listener; None when nothing does.

    The protocol of the service alone does not: what needs HTTP does.
    """
    for rule in snapshot.policy.rules if snapshot.policy is not None else ():
        if rule.looks_at_requests:
            part = "Permissions" if rule.permissions else "JWT" if rule.jwt is not None else "rules about requests"
            return Unsuited(
                f"{part} of the intention {rule.source} -> {rule.destination}",
                "whether a connection may pass depends on the requests in it",
            )
    if snapshot.config.get(_RATE_LIMITS):
        return Unsuited(f"RateLimits of service-defaults {snapshot.service}", "they count requests")
    return None


def escape_hatches(snapshot: ProxySnapshot) -> list[str]:
    """Keys of the proxy's configuration that only Envoy heeds. Consul's proxies leave them alone as well."""
    return sorted(key for key, value in snapshot.config.items() if key.startswith(_ESCAPE_HATCH) and value)


def exposed_flaws(snapshot: ProxySnapshot) -> list[Unsuited]:
    """The paths that would have to be served without mTLS on ports of their own."""
    return [
        Unsuited(f"Expose path {one.path} on port {one.listener_port}", "only a proxy for HTTP can tell paths apart")
        for one in snapshot.exposed
    ]
