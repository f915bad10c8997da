"""Certificates for agents (`auto_encrypt`): who may have one, and by which roots they are believed afterwards.

They are leaves of the mesh's CA, for the identity of an agent. Servers believe them at a door of their own (`Tls.
for_agents`), never where servers prove their role.
"""

from __future__ import annotations

import asyncio
from typing import Final

from structlog.typing import FilteringBoundLogger

from lictor_core.calls import AGENT_CA, SIGN_AGENT, AgentCA
from lictor_core.codec import unpack
from lictor_core.commands import ReadMode
from lictor_core.errors import LictorError, RequestError
from lictor_core.queries import CARootsQuery
from lictor_core.records import CARoots
from lictor_core.registry import LeafRequest, ReadOptions, Registry
from lictor_server.rpc.methods import Step
from lictor_server.tls import Tls

__all__ = ["AgentCertificates"]

_WAIT_S: Final = 300.0
_BREATH_S: Final = 1.0
"""Between two looks at the roots while there are none, or they cannot be told."""


class AgentCertificates:
    """What a server that gives certificates to agents does beside. All methods belong to one event loop."""

    def __init__(self, registry: Registry, tls: Tls, datacenter: str, log: FilteringBoundLogger) -> None:
        self._registry = registry
        self._tls = tls
        self._datacenter = datacenter
        self._log = log

    def methods(self) -> dict[str, Step]:
        """What agents without a certificate may call, and others, too."""
        return {AGENT_CA: self._agent_ca, SIGN_AGENT: self._sign_agent}

    async def run(self) -> None:
        """Believe agents by the roots of the mesh as they change."""
        index = 0
        while True:
            try:
                options = ReadOptions(mode=ReadMode.STALE, min_index=index, wait_s=_WAIT_S if index else 0.0)
                reading = await self._registry.read(CARootsQuery(), options)
                self._believe(reading.value)
                index = reading.index
                if not reading.value.roots:
                    await asyncio.sleep(_BREATH_S)  # the first leader makes the first root
            except LictorError as error:
                self._log.warning("tls.agent_roots.unread", reason=str(error))
                await asyncio.sleep(_BREATH_S)

    def _believe(self, roots: CARoots) -> None:
        if not roots.roots:
            return
        pems = "".join(f"{one.root_cert.strip()}\n" for one in roots.roots)
        if (roots.trust_domain, pems) == (self._tls.trust_domain, self._tls.agent_roots):
            return
        self._tls.trust_agents(roots.trust_domain, pems)
        self._log.info("tls.agent_roots.changed", root_id=roots.active_root_id, roots=len(roots.roots))

    async def _agent_ca(self, payload: bytes) -> object:
        reading = await self._registry.read(CARootsQuery(), ReadOptions())
        roots = reading.value
        self._believe(roots)  # before anybody comes with what they sign
        return AgentCA(
            trust_domain=roots.trust_domain,
            datacenter=self._datacenter,
            roots=tuple(one.root_cert for one in roots.roots),
            active_root_id=roots.active_root_id,
            verify_server_hostname=self._tls.settings.verify_server_hostname,
        )

    async def _sign_agent(self, payload: bytes) -> object:
        request = unpack(payload, LeafRequest)
        if request.service:
            raise RequestError("an agent without a certificate can have one for itself alone, and for no service")
        return await self._registry.sign_leaf(request)
