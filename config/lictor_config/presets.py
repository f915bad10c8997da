"""What an agent is told when nobody tells it anything.

Source: `/v1/agent/self` of Consul 1.8.7 with and without `-dev`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from lictor_config.tree import Configuration, Connect, Coordinates, Log, Ports

__all__ = ["DEV", "PRODUCTION"]

PRODUCTION: Final = Configuration()
"""A client agent that keeps its data on disk."""

DEV: Final = replace(
    PRODUCTION,
    dev=True,
    server=True,
    bind_addr="127.0.0.1",
    ports=Ports(grpc=8502),
    log=Log(level="debug"),
    ui=True,
    connect=Connect(enabled=True),
    enable_debug=True,
    coordinates=Coordinates(update_period_s=0.1),
)
"""`-dev`: a server of one that keeps everything in memory and talks to this machine only."""
