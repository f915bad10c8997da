"""What an agent is told that looks for servers."""

from __future__ import annotations

import math
from dataclasses import dataclass

__all__ = ["RemoteSettings"]


@dataclass(frozen=True, kw_only=True)
class RemoteSettings:
    """Who looks for servers, and where. Addresses are `host` or `host:port`; without a port it is `join_port`."""

    node_name: str
    node_id: str
    datacenter: str
    source: str = ""
    """The IP that is dialed from; empty for whichever the system takes."""
    start_join: tuple[str, ...] = ()
    """Whom to find at the start, which fails when none of them answers."""
    retry_join: tuple[str, ...] = ()
    """Whom to look for until one answers."""
    known: tuple[str, ...] = ()
    """Servers (`host:port` of their RPC) that a former process of this agent knew."""
    retry_interval_s: float = 30.0
    """Between attempts that `retry_max` counts, and the longest between any."""
    retry_max: int = 0
    """After so many attempts without finding anybody the agent gives up; 0 is never."""
    join_port: int = 8301
    hold_s: float = 7.0
    """How long a request is held for another server when its own is lost: Consul's `rpc_hold_timeout`."""
    rate: float = math.inf
    """Requests a second that this agent may send to servers: Consul's `limits.rpc_rate`."""
    burst_max: int = 1000
    """How many of them at once: Consul's `limits.rpc_max_burst`."""
