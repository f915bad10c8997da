"""What a proxy tells people and programs of the same machine by HTTP: figures, readiness, life. Loopback only.

| path | answer |
| --- | --- |
| `/metrics` | the figures, in the text form of Prometheus |
| `/ready` | 200 once everything is known and all listeners accept, until the stop; else 503, and what is missing |
| `/live` | 200 and how old the knowledge of each source is, in seconds |

Who asks by a name other than localhost gets 403.
"""

from __future__ import annotations

import asyncio
import ipaddress
from typing import Final, Protocol

from aiohttp import web
from aiohttp.typedefs import Handler
from structlog.typing import FilteringBoundLogger

from lictor_connect_proxy.driver.sockets import reason_of
from lictor_connect_proxy.exposition import CONTENT_TYPE, exposed
from lictor_connect_proxy.observed import Observed
from lictor_core.addresses import join_host_port
from lictor_core.clock import Clock
from lictor_core.codec import to_json

__all__ = ["Admin", "AdminView"]

_RETRY_S: Final = 1.0
_STOP_S: Final = 0.2


class AdminView(Observed, Protocol):
    """What is told of. `missing` says what keeps the proxy from being ready; nothing when it is."""

    def missing(self) -> list[str]: ...


class Admin:
    """Serves `view` at `address` until cancelled; tried again for as long as the address cannot be had."""

    def __init__(self, view: AdminView, address: tuple[str, int], clock: Clock, log: FilteringBoundLogger) -> None:
        self._view = view
        self._address = address
        self._clock = clock
        self._log = log.bind(room="connect_proxy", listener="admin", address=join_host_port(*address))

    async def run(self) -> None:
        """Serve until cancelled."""
        runner = web.AppRunner(self._application(), access_log=None, shutdown_timeout=_STOP_S)
        await runner.setup()
        try:
            await self._listen(runner)
            self._log.info("proxy.listener.started")
            await asyncio.get_running_loop().create_future()
        finally:
            await runner.cleanup()

    async def _listen(self, runner: web.AppRunner) -> None:
        is_told = False
        while True:
            try:
                await web.TCPSite(runner, *self._address).start()
                return
            except OSError as error:
                if not is_told:
                    self._log.warning("proxy.listener.failed", reason=reason_of(error), retry_s=_RETRY_S)
                is_told = True
                await asyncio.sleep(_RETRY_S)

    def _application(self) -> web.Application:
        application = web.Application(middlewares=[_for_this_machine])
        application.router.add_get("/metrics", self._metrics)
        application.router.add_get("/ready", self._ready)
        application.router.add_get("/live", self._live)
        return application

    async def _metrics(self, request: web.Request) -> web.Response:
        return web.Response(body=exposed(self._view, self._clock), headers={"Content-Type": CONTENT_TYPE})

    async def _ready(self, request: web.Request) -> web.Response:
        missing = self._view.missing()
        return _json({"Ready": not missing, "Missing": missing}, 503 if missing else 200)

    async def _live(self, request: web.Request) -> web.Response:
        ages = {name: round(age_s, 3) for name, age_s in self._view.ages_s().items()}
        return _json({"Live": True, "SourceAgeSeconds": ages}, 200)


@web.middleware
async def _for_this_machine(request: web.Request, handler: Handler) -> web.StreamResponse:
    """A page whose name was made to lead here (DNS rebinding) is of this site for the browser, but asks by its name."""
    host = request.headers.get("Host", "")
    if host and not _is_of_this_machine(host):
        return web.Response(
            status=403, text=f"this is asked by address or as localhost, not by the name {host[:100]!r}\n"
        )
    return await handler(request)


def _is_of_this_machine(host: str) -> bool:
    name = host[1 : host.find("]")] if host.startswith("[") else host.partition(":")[0]
    if name.lower() == "localhost":
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _json(value: object, status: int) -> web.Response:
    return web.Response(body=to_json(value), status=status, content_type="application/json")
