"""The CA's work at the leader: a root at the first leadership, and leaves."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from structlog.typing import FilteringBoundLogger

from lictor_core.clock import Clock, Rng
from lictor_core.commands import CAConfigurationSet, Command, Outcome
from lictor_core.entries.gateways import IngressGateway, certified_names
from lictor_core.errors import CatchingUpError, PermissionDeniedError, RequestError
from lictor_core.names import AgentId, ServiceId, trust_domain
from lictor_core.records import JsonObject
from lictor_core.registry import IssuedLeaf, LeafRequest
from lictor_server import ca
from lictor_server.ca import succession
from lictor_server.endpoints.ca_books import CABooks
from lictor_server.endpoints.rotation import Rotation
from lictor_server.state import Store

__all__ = ["Authority"]

_TRIES_MAX: Final = 3
"""How often a leaf is begun anew because another root took over meanwhile."""


class Authority:
    """The CA of this datacenter."""

    def __init__(
        self,
        store: Store,
        propose: Callable[[Command], Awaitable[Outcome]],
        *,
        clock: Clock,
        rng: Rng,
        log: FilteringBoundLogger,
        provider: str,
        config: JsonObject,
        csr_per_second_max: float,
        domains: tuple[str, ...] = (),
        rest: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """`provider` and `config` are those of the first settings; `rest` is how to wait.

        `domains` are those of DNS, in which names of ingress gateways are.
        """
        self._books = CABooks(store, propose, clock=clock, rng=rng, log=log, csr_per_second_max=csr_per_second_max)
        self._rng = rng
        self._domains = domains
        self._provider = provider
        self._config = config
        self._rotation = Rotation(self._books, make_first=self._make_first, rest=rest)
        self.configure = self._rotation.configure
        self.tend = self._rotation.tend

    async def initialise(self) -> None:
        """Make settings and a first root, unless there are some: called by the leader before any request.

        Where another system keeps the root, it is left to `tend`: that must keep nobody from leading.
        """
        table = self._books.store.ca
        if table.configuration is None:
            settings = ca.read_settings(self._provider, self._config)
            shown: JsonObject = {**ca.DEFAULT_CONFIG, **settings.stored}
            await self._books.propose(CAConfigurationSet(provider=self._provider, config=shown, cas=0))
        if not table.roots and self._books.configuration().provider == ca.PROVIDER:
            await self._make_first()

    async def _make_first(self, settings: ca.CASettings | None = None) -> None:
        """The first root, by `settings`, which are in force then, or by those that are."""
        configuration = self._books.configuration()
        if settings is None:
            # From the configuration of this server, where the secrets of the built-in CA are: they are not stored.
            own = self._provider == configuration.provider
            settings = ca.read_settings(configuration.provider, self._config if own else configuration.config)
            stored = configuration.config
        else:
            stored = settings.stored
        cluster_id = self._books.store.ca.cluster_id or settings.cluster_id or self._rng.uuid4()
        new = await self._books.made(settings, cluster_id).establish(None, self._books.clock.now())
        wanted = CAConfigurationSet(provider=settings.provider, config=stored, state=new.state)
        unchanged = (settings.provider, stored, new.state) == (
            configuration.provider,
            configuration.config,
            configuration.state,
        )
        line = self._books.succeeded(new, None, settings)
        await self._books.put(cluster_id, new, line, configuration=None if unchanged else wanted)

    async def sign(self, request: LeafRequest) -> IssuedLeaf:
        """Sign a leaf with the active root, or its intermediate.

        Raises `RequestError` for a request that is not in order, `PermissionDeniedError` for an identity that is not
        the asked one, `OverloadedError` when too many were asked for.
        """
        self._books.current()  # without a root there is no trust domain to judge the request by
        order = ca.read_csr(request.csr)
        self._check_identity(order.identity, request.service)
        self._check_dns_names(order)
        async with self._books.in_use()[2].turn(self._books.clock.monotonic()):
            current, serial, index = await self._counted()
            settings, provider, _ = self._books.in_use()
            terms = ca.LeafTerms(serial=serial, now=self._books.clock.now(), lifetime_s=settings.leaf_ttl_s)
            leaf = await provider.sign_leaf(current, order, terms)
        self._books.log.info("ca.leaf.signed", uri=leaf.uri, serial=leaf.serial_number)
        return IssuedLeaf(
            serial_number=leaf.serial_number,
            certificate=leaf.certificate + succession.chain_below(current.root, terms.now),
            service=request.service,
            uri=leaf.uri,
            valid_after=leaf.valid_after,
            valid_before=leaf.valid_before,
            root_id=current.root.id,
            index=index,
        )

    async def _counted(self) -> tuple[ca.Established, int, int]:
        """The active root, for which a leaf more is counted now, its serial number, and the index of that."""
        for _ in range(_TRIES_MAX):
            root_id = self._books.current().root.id
            until = self._books.clock.now() + self._books.in_use()[0].leaf_ttl_s
            serial, index = await self._books.next_serial(root_id, until)
            current = self._books.current()
            if current.root.id == root_id:
                return current, serial, index
        raise CatchingUpError("the CA's root changes again and again while a leaf is signed: ask again")

    def _check_identity(self, identity: ServiceId | AgentId, service: str) -> None:
        domain = trust_domain(self._books.store.ca.cluster_id)
        if identity.trust_domain != domain:
            raise RequestError(
                f"the CSR is for the trust domain {identity.trust_domain!r}, but this cluster's is {domain!r}"
            )
        if identity.datacenter.lower() != self._books.store.datacenter.lower():
            raise RequestError(
                f"the CSR is for datacenter {identity.datacenter!r}, but this one is {self._books.store.datacenter!r}"
            )
        named = identity.service if isinstance(identity, ServiceId) else ""
        if named != service:
            raise PermissionDeniedError(f"the CSR is for service {named!r}, but {service!r} was asked for")

    def _check_dns_names(self, order: ca.LeafOrder) -> None:
        """Names that clients look for are given only to an ingress gateway whose entry asks for them.

        Agents may have any, and addresses, but for those that prove to be a server.
        """
        if isinstance(order.identity, AgentId):
            self._check_agent_names(order.dns_names)
            return
        if order.addresses:
            raise RequestError("the CSR has IP addresses, which certificates of services do not carry: leave them out")
        if not order.dns_names:
            return
        entry = self._books.store.entries.set().find(IngressGateway, order.identity.service)
        hosts = None if entry is None else entry.named_hosts
        if hosts is None:
            raise RequestError(
                f"the CSR of {order.identity.uri()!r} has DNS names, which only ingress gateways with TLS have: write"
                " such a configuration entry, or leave the names out"
            )
        named = set(certified_names(hosts, self._books.store.datacenter, self._domains))
        strange = next((name for name in order.dns_names if name not in named), "")
        if strange:
            raise RequestError(
                f"the CSR has the DNS name {strange!r}, which ingress-gateway {order.identity.uri()!r} does not have:"
                " name it in Hosts of a listener with TLS; the domains of DNS are those of the servers"
            )

    def _check_agent_names(self, names: tuple[str, ...]) -> None:
        for domain in self._domains:
            here = f"{self._books.store.datacenter}.{domain}".lower()
            for name in names:
                if f".{name}".endswith(f".server.{here}") or ("*" in name and name.endswith(here)):
                    raise PermissionDeniedError(
                        f"the CSR of an agent has the DNS name {name!r}, by which servers prove what they are: take it "
                        "out of auto_encrypt.dns_san"
                    )
