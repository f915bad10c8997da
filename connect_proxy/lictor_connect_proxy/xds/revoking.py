"""Live connections of sources that are denied from now on, where a service wants them ended.

Envoy cannot end the connections of one source alone. What it does is to end, `DRAIN_S` after a filter chain changed,
all that the chain carries. So a service chooses, by `envoy_denied_connections` in its proxy's configuration: `keep`
(the default, as in Consul: new connections are judged, live ones go on) or `close`: a change that denies somebody who
might connect changes the chain, and all connections of the public listener are ended. A change that only lets more
in never does. Requests are judged one by one anyway: this is about services of connections.

What a proxy might do before is remembered here, while the agent runs; after it began anew a chain that had changed
changes once more.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

import msgspec

from lictor_connect_proxy.snapshot import ProxySnapshot
from lictor_connect_proxy.xds.intentions import Admission, admission, sources_of

__all__ = ["DRAIN_S", "Revocations", "closes_denied", "drain_arguments", "is_narrower"]

DRAIN_S: Final = 1
"""From the change of a chain to the end of its connections, for an Envoy of a service that wants them ended."""
_PROXIES_MAX: Final = 10_000
"""Proxies of one agent that are remembered."""
_KEY: Final = "envoy_denied_connections"


class _Known(NamedTuple):
    admitted: Admission
    since: str


class Revocations:
    """What each proxy's sources may do, and since when somebody may less."""

    def __init__(self) -> None:
        self._known: dict[str, _Known] = {}

    def marked(self, proxy_id: str, snapshot: ProxySnapshot) -> ProxySnapshot:
        """The snapshot with the mark that changes when live connections are to be ended."""
        if not closes_denied(snapshot.config):
            self._known.pop(proxy_id, None)
            return snapshot
        before = self._known.get(proxy_id)
        since = "" if before is None else before.since
        if snapshot.policy is not None:
            # A policy that is not known for a while lets nobody new in, and says nothing against those who are in.
            sources = sources_of(snapshot.service, snapshot.policy.rules, default_allow=snapshot.default_allow is True)
            admitted = admission(sources, sees_requests=False)
            if before is not None and is_narrower(before.admitted, admitted):
                since = str(snapshot.policy.index)
            if proxy_id in self._known or len(self._known) < _PROXIES_MAX:
                self._known[proxy_id] = _Known(admitted, since)
        return msgspec.structs.replace(snapshot, revoked_since=since)


def closes_denied(config: Mapping[str, object]) -> bool:
    """Whether a proxy's configuration wants connections of denied sources ended."""
    return config.get(_KEY) == "close"


def drain_arguments(config: Mapping[str, object]) -> list[str]:
    """What an Envoy has to be started with for that."""
    return ["--drain-time-s", str(DRAIN_S), "--drain-strategy", "immediate"] if closes_denied(config) else []


def is_narrower(before: Admission, now: Admission) -> bool:
    """Whether somebody gets in `before` and not `now`."""
    earlier, later = set(before.names), set(now.names)
    if before.is_denied:
        return not now.is_denied or bool(later - earlier)
    return bool(earlier & later) if now.is_denied else bool(earlier - later)
