"""Some proxies in one process, for `proxy_policy`: `python -m lictor_bench.proxy_policy_load <agent> <service> ...`.

Each is the sidecar of the named instance, with connections of its own to the agent, as if it were alone.
"""

from __future__ import annotations

import asyncio
import signal
import sys

import structlog
import uvloop

from lictor_connect_proxy import AgentAddress, ProxyOptions, serve
from lictor_connect_proxy.process import tune
from lictor_core.clock import SystemClock, SystemRng

__all__ = ["main"]


async def _serve(agent: str, services: list[str]) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    log = structlog.wrap_logger(
        structlog.PrintLogger(sys.stderr), wrapper_class=structlog.make_filtering_bound_logger(40)
    )
    tune()
    async with asyncio.TaskGroup() as group:
        for service in services:
            options = ProxyOptions(sidecar_for=service, agent=AgentAddress(http_addr=agent))
            group.create_task(serve(options, stop, SystemClock(), SystemRng(), log))


def main(arguments: list[str]) -> None:
    """Serve until SIGTERM."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(arguments[0], arguments[1:]))


if __name__ == "__main__":
    main(sys.argv[1:])
