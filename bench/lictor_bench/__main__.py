"""Runs the measurements: `python -m lictor_bench [dns] [http] ...`, all of them when none is named."""

from __future__ import annotations

import importlib
import sys
from typing import Final

MEASUREMENTS: Final = (
    "agents",
    "dns",
    "http",
    "blocked",
    "proxy",
    "proxy_policy",
    "envoy_policy",
    "ca",
    "raft",
    "catch_up",
    "kv",
    "outage",
    "snapshot",
    "client_agents",
    "dns_agents",
    "views",
    "checks",
    "check_latency",
)


def main(names: list[str]) -> int:
    """Run the named measurements in order; each prints its own table. The exit code is 2 for an unknown name."""
    unknown = [name for name in names if name not in MEASUREMENTS]
    if unknown:
        print(f"unknown measurement {unknown[0]!r}: there are {', '.join(MEASUREMENTS)}", file=sys.stderr)
        return 2
    for name in names or MEASUREMENTS:
        importlib.import_module(f"lictor_bench.{name}").main()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
