"""`lictor connect proxy` as a process: finds out which proxy to be, then feeds the data plane until the stop."""

from __future__ import annotations

import asyncio
import gc
import signal
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Final
from urllib.parse import quote

from structlog.typing import FilteringBoundLogger

from lictor_connect_proxy.driver.driver import ProxyDriver
from lictor_connect_proxy.feed.agent import AgentClient
from lictor_connect_proxy.feed.assembling import first_snapshot
from lictor_connect_proxy.feed.feed import Feed
from lictor_connect_proxy.feed.registrations import registration_in, sidecars_in
from lictor_connect_proxy.figures import Figures
from lictor_connect_proxy.layers.suitability import kind_flaw
from lictor_connect_proxy.meters import ProxyMeter
from lictor_connect_proxy.options import ProxyOptions, admin_address, public_listener, upstream_listeners
from lictor_connect_proxy.registration import SelfRegistration
from lictor_connect_proxy.snapshot import ProxySnapshot
from lictor_connect_proxy.status import StatusTeller, report_of
from lictor_core.clock import Clock, Rng
from lictor_core.errors import ConfigurationError, NotFoundError
from lictor_core.metrics import Gauge, Meter
from lictor_core.proxy_status import ProxyReport

__all__ = ["Sending", "run", "serve", "tune"]

_GC_THRESHOLDS: Final = (50_000, 20, 20)


Sending = Callable[[Meter, Callable[[], Awaitable[list[Gauge]]]], AbstractAsyncContextManager[None]]
"""Sends what a meter is told, and gauges, to somewhere while its block runs."""


async def run(
    options: ProxyOptions, clock: Clock, rng: Rng, log: FilteringBoundLogger, sending: Sending | None = None
) -> int:
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
        await serve(options, stop, clock, rng, log, sending)
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
    return 0


async def serve(
    options: ProxyOptions,
    stop: asyncio.Event,
    clock: Clock,
    rng: Rng,
    log: FilteringBoundLogger,
    sending: Sending | None = None,
) -> None:
    """The same inside another program: until `stop` is set, without touching signals or the process."""
    options.check()
    async with AgentClient(options.agent) as agent, AsyncExitStack() as parts:
        proxy_id = options.proxy_id or await _sidecar_of(agent, options.sidecar_for)
        snapshot = await _first_snapshot(agent, proxy_id, options)
        proxy = _Proxy(agent, snapshot, proxy_id, clock, rng, log)
        helpers = [proxy.feed.run()]
        if options.register and snapshot.public is not None:
            helpers.append(SelfRegistration(agent, snapshot.service, options.register_id, snapshot.public, log).run())
        if proxy.status is not None:
            helpers.append(proxy.status.run())
        if options.admin_bind:
            helpers.append(_admin(proxy, options, clock, log))
        if sending is not None:
            meter = ProxyMeter(proxy, clock)
            helpers.append(meter.run())
            await parts.enter_async_context(sending(meter.meter, meter.gauges))
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(helper) for helper in helpers]
            group.create_task(_cancel_after(stop, tasks))
            await proxy.driver.run(stop)
        log.info("proxy.process.stopped", service=snapshot.service)


class _Proxy:
    """A data plane, what feeds it, and what it tells its agent."""

    def __init__(
        self,
        agent: AgentClient,
        snapshot: ProxySnapshot,
        proxy_id: str,
        clock: Clock,
        rng: Rng,
        log: FilteringBoundLogger,
    ) -> None:
        self.driver = ProxyDriver(snapshot.service, clock, rng, log)
        self.feed = Feed(agent, snapshot, self._apply, proxy_id=proxy_id, clock=clock, rng=rng, log=log)
        self.status = StatusTeller(agent, proxy_id, self._report) if proxy_id else None

    @property
    def figures(self) -> Figures:
        return self.driver.figures

    @property
    def snapshot(self) -> ProxySnapshot:
        return self.driver.snapshot

    def ages_s(self) -> Mapping[str, float]:
        return self.feed.ages_s()

    def missing(self) -> list[str]:
        return self.driver.missing()

    def _apply(self, snapshot: ProxySnapshot) -> None:
        self.driver.apply(snapshot)
        if self.status is not None:
            self.status.look()

    def _report(self) -> ProxyReport:
        return report_of(self.snapshot, self.driver.rejected(), self.ages_s())


async def _admin(proxy: _Proxy, options: ProxyOptions, clock: Clock, log: FilteringBoundLogger) -> None:
    # Imported here: most proxies have none, and an HTTP server is much code.
    from lictor_connect_proxy.admin import Admin

    await Admin(proxy, admin_address(options.admin_bind), clock, log).run()


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
    found = first_snapshot(registration_in(answer.body))
    flaw = kind_flaw(found)
    if flaw is not None:
        raise ConfigurationError(
            f"{flaw.setting} of {proxy_id!r} needs Envoy: `lictor connect envoy -proxy-id={proxy_id}`"
        )
    return found


def tune() -> None:
    """Ready the process for many connections: fewer garbage collections."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_GC_THRESHOLDS)
