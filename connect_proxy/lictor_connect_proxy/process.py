"""`lictor connect proxy` as a process: finds out which proxy to be, then feeds the data plane until the stop."""

from __future__ import annotations

import asyncio
import gc
import signal
from typing import Final
from urllib.parse import quote

from structlog.typing import FilteringBoundLogger

from lictor_connect_proxy.driver.driver import ProxyDriver
from lictor_connect_proxy.feed.agent import AgentClient
from lictor_connect_proxy.feed.assembling import first_snapshot
from lictor_connect_proxy.feed.feed import Feed
from lictor_connect_proxy.feed.registrations import registration_in, sidecars_in
from lictor_connect_proxy.options import ProxyOptions, public_listener, upstream_listeners
from lictor_connect_proxy.registration import SelfRegistration
from lictor_connect_proxy.snapshot import ProxySnapshot
from lictor_core.clock import Clock, Rng
from lictor_core.errors import ConfigurationError, NotFoundError

__all__ = ["run", "serve", "tune"]

_GC_THRESHOLDS: Final = (50_000, 20, 20)


async def run(options: ProxyOptions, clock: Clock, rng: Rng, log: FilteringBoundLogger) -> int:
    """Be the proxy that `options` name until SIGINT or SIGTERM; returns the exit code of the process.

    Raises `ConfigurationError` when the options do not go together or name no proxy that the agent knows, `PeerError`
    when the agent must be asked for that and cannot be. Once serving, a lost agent stops nothing.
    """
    tune()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    try:
        await serve(options, stop, clock, rng, log)
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
    return 0


async def serve(options: ProxyOptions, stop: asyncio.Event, clock: Clock, rng: Rng, log: FilteringBoundLogger) -> None:
    """The same inside another program: until `stop` is set, without touching signals or the process."""
    options.check()
    async with AgentClient(options.agent) as agent:
        proxy_id = options.proxy_id or await _sidecar_of(agent, options.sidecar_for)
        snapshot = await _first_snapshot(agent, proxy_id, options)
        driver = ProxyDriver(snapshot.service, clock, rng, log)
        feed = Feed(agent, snapshot, driver.apply, proxy_id=proxy_id, clock=clock, rng=rng, log=log)
        helpers = [feed.run()]
        if options.register and snapshot.public is not None:
            helpers.append(SelfRegistration(agent, snapshot.service, options.register_id, snapshot.public, log).run())
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(helper) for helper in helpers]
            group.create_task(_cancel_after(stop, tasks))
            await driver.run(stop)
        log.info("proxy.process.stopped", service=snapshot.service)


async def _cancel_after(stop: asyncio.Event, tasks: list[asyncio.Task[None]]) -> None:
    await stop.wait()
    for task in tasks:
        task.cancel()


async def _sidecar_of(agent: AgentClient, service_id: str) -> str:
    """The id of the one proxy on the agent that is a sidecar for the instance; empty without `service_id`."""
    if not service_id:
        return ""
    match sidecars_in((await agent.get("/v1/agent/services")).body, service_id):
        case [proxy_id]:
            return proxy_id
        case []:
            raise ConfigurationError(
                f"the agent knows no sidecar proxy for {service_id!r}: register a service of kind connect-proxy whose "
                "proxy.destination_service_id is that, or a service with connect.sidecar_service"
            )
        case several:
            raise ConfigurationError(
                f"the agent knows {len(several)} sidecar proxies for {service_id!r}: name one of them by -proxy-id "
                f"({', '.join(several)})"
            )


async def _first_snapshot(agent: AgentClient, proxy_id: str, options: ProxyOptions) -> ProxySnapshot:
    if not proxy_id:
        return ProxySnapshot(
            service=options.service, public=public_listener(options), upstreams=upstream_listeners(options)
        )
    try:
        answer = await agent.get(f"/v1/agent/service/{quote(proxy_id, safe='')}")
    except NotFoundError as error:
        raise ConfigurationError(f"the agent knows no proxy {proxy_id!r}: register it first") from error
    return first_snapshot(registration_in(answer.body))


def tune() -> None:
    """Ready the process for many connections: fewer garbage collections."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_GC_THRESHOLDS)
