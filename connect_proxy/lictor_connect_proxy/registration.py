"""Registers a proxy that was started by flags (`-register`), keeps its TTL check passing, and takes it away at the end.

The forms are those of Consul's own proxy: id `<service>-proxy[-<suffix>]`, a TTL check named after it.
"""

from __future__ import annotations

import asyncio
from typing import Final
from urllib.parse import quote

from structlog.typing import FilteringBoundLogger

from lictor_connect_proxy.feed.agent import AgentClient
from lictor_connect_proxy.snapshot import PublicListener
from lictor_core.codec import to_json
from lictor_core.errors import LictorError, PeerError

__all__ = ["TTL_S", "SelfRegistration", "definition"]

TTL_S: Final = 30.0
"""Silence after which the agent takes the proxy for dead."""
_HEARTBEAT_S: Final = TTL_S / 3
_RETRY_S: Final = 1.0
_FAREWELL_S: Final = 0.5
"""For taking the registration away at the end; the process has one second."""


def definition(service: str, suffix: str, listener: PublicListener) -> dict[str, object]:
    """The body of the registration."""
    name = f"{service}-proxy"
    proxy_id = f"{name}-{suffix}" if suffix else name
    return {
        "Kind": "connect-proxy",
        "ID": proxy_id,
        "Name": name,
        "Address": "" if listener.bind_address in ("0.0.0.0", "::") else listener.bind_address,
        "Port": listener.bind_port,
        "Proxy": {"DestinationServiceName": service},
        "Check": {
            "CheckID": f"{proxy_id}-ttl",
            "Name": "proxy heartbeat",
            "Notes": "The proxy itself keeps this check passing.",
            "Status": "passing",
            "TTL": f"{TTL_S:g}s",
        },
    }


class SelfRegistration:
    """One registration with its heartbeat."""

    def __init__(
        self, agent: AgentClient, service: str, suffix: str, listener: PublicListener, log: FilteringBoundLogger
    ) -> None:
        self._agent = agent
        self._body = definition(service, suffix, listener)
        self._id = str(self._body["ID"])
        self._log = log.bind(room="connect_proxy", proxy_id=self._id)

    async def run(self) -> None:
        """Keep it registered until cancelled, then take it away."""
        is_registered = False
        try:
            while True:
                try:
                    if not is_registered:
                        await self._agent.put("/v1/agent/service/register", to_json(self._body))
                        self._log.info("proxy.service.registered")
                        is_registered = True
                    await self._agent.put(f"/v1/agent/check/pass/{quote(self._id, safe='')}-ttl")
                    await asyncio.sleep(_HEARTBEAT_S)
                except LictorError as error:
                    # The agent may have lost the registration (a restart without its data); it is simply made again.
                    is_registered = False
                    self._log.warning("proxy.registration.failed", reason=str(error), retry_s=_RETRY_S)
                    await asyncio.sleep(_RETRY_S)
        finally:
            await self._deregister()

    async def _deregister(self) -> None:
        try:
            async with asyncio.timeout(_FAREWELL_S):
                await self._agent.put(f"/v1/agent/service/deregister/{quote(self._id, safe='')}")
            self._log.info("proxy.service.deregistered")
        except (PeerError, TimeoutError) as error:
            self._log.warning("proxy.registration.left", reason=str(error) or f"no answer within {_FAREWELL_S:g} s")
