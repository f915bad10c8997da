"""The facade of the agent: everything that the HTTP API and `main` ask of it.

All methods raise only `LictorError`. A registration is in the local state when its method returns, and in the catalog
too unless the servers are away: then anti-entropy brings it there later.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Collection
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Final

from structlog.typing import FilteringBoundLogger

from lictor_agent import authorize
from lictor_agent.acl.gate import Gate
from lictor_agent.acl.resolving import Resolve
from lictor_agent.central import CentralConfig
from lictor_agent.certs import Leaf, LeafKeeper
from lictor_agent.checks.reaping import overdue_services
from lictor_agent.checks.runner import CheckRunner
from lictor_agent.checks.tls import CheckTls
from lictor_agent.coordinates import CoordinateKeeper
from lictor_agent.events import EventInbox
from lictor_agent.exposed_checks import ExposedChecks
from lictor_agent.identity import Identity
from lictor_agent.kept import Kept, KeptByServer, KeptReading
from lictor_agent.keyring import Keyring
from lictor_agent.keyring_follower import KeyringFollower
from lictor_agent.lease import LeaseKeeper
from lictor_agent.local import LocalState, Subject
from lictor_agent.loop import SyncLoop
from lictor_agent.persisted import Keeper, Shelf, recalled, restore
from lictor_agent.plan import SyncTokens
from lictor_agent.proxies import Proxies
from lictor_agent.proxy_tidings import ProxyTeller
from lictor_agent.refusals import Refusals
from lictor_agent.registrar import Registered, Registrar
from lictor_agent.reloading import Reloaded, Reloader, ReloadHook
from lictor_agent.settings import AgentSettings
from lictor_agent.sidecar import questions_in
from lictor_agent.waiting import ChangeWaiter
from lictor_config.definitions import CheckDefinition, ServiceDefinition, dns_warnings
from lictor_config.tree import Configuration
from lictor_core.clock import Clock, Rng
from lictor_core.coordinates import Coordinate
from lictor_core.entries.gateways import certified_names
from lictor_core.errors import RequestError, StorageError
from lictor_core.intentions import Decision
from lictor_core.proxy_status import XdsOffer
from lictor_core.queries import CARootsQuery
from lictor_core.records import CARoots, Member
from lictor_core.registry import ReadOptions, Registry

__all__ = ["Agent"]

_SYNC_WAIT_S_MAX: Final = 1.0
"""How long a registration waits for the catalog to have it too, when the servers are slow or away."""
_CENTRAL_WAIT_S_MAX: Final = 10.0
"""How long an agent that starts waits for what the cluster says of its proxies, before it tells of them."""


class Agent:
    """One agent. `running` starts its loops; everything else may be called while they run."""

    def __init__(
        self,
        *,
        identity: Identity,
        registry: Registry,
        configuration: Configuration,
        settings: AgentSettings,
        clock: Clock,
        rng: Rng,
        log: FilteringBoundLogger,
        load: Callable[[], Configuration] | None = None,
        kept: Kept | None = None,
        resolve: Resolve | None = None,
        keyring: Keyring | None = None,
    ) -> None:
        """`load` reads the configuration anew, for `reload`; without it a reload is refused.

        `kept` answers what need not be asked of the servers each time; without it the server in this process does.
        `resolve` asks what a token comes to, by itself the servers. Without a `keyring` this agent knows no keys.
        """
        self.identity = identity
        self.registry = registry
        self.kept: Kept = kept or KeptByServer(registry)
        self.settings = settings
        self.gate = Gate(configuration, clock, log, resolve or registry.resolve_token)
        """The agent's tokens, and who shows one."""
        self.local = LocalState()
        self.left = asyncio.Event()
        """Set once this agent has left the cluster: nothing is left for it to do."""
        self.events = EventInbox(identity.node_name, lambda: [one.service for one in self.local.services.values()])
        self.proxies = Proxies(self.local, identity.node_name, clock)
        """What the proxies of this host tell of themselves."""
        self.xds: Callable[[], XdsOffer] = XdsOffer
        """Where Envoys ask this agent."""
        self.certificate_left_s: Callable[[], float | None] = lambda: None
        """For how many seconds the certificate of this agent that ends first is still valid."""
        self._clock = clock
        self._log = log
        self._registrar = Registrar(self.local, identity.node_name, settings.scripts, settings.sidecar_ports, clock)
        self._shelf = Shelf(Path(settings.data_dir)) if settings.data_dir else None
        self._central = None
        if configuration.enable_central_service_config:
            self._central = CentralConfig(self.local, self.kept, rng, log, lambda: self.gate.slots.default)
        self._keeper = None if self._shelf is None else Keeper(self.local, self._shelf, clock, rng, log)
        self._waiter = ChangeWaiter(self.local)
        self._sync = SyncLoop(
            self.local,
            identity.node(),
            registry,
            clock,
            rng,
            log,
            output_wait_s=settings.check_update_s,
            tokens=self._sync_tokens(),
            sync_every_s=settings.sync_every_s,
        )
        self._lease = LeaseKeeper(registry, identity.member, clock, rng, log, granted=self._sync.look_again)
        self.exposed_checks = ExposedChecks(self.local, settings.exposed_ports)
        """Which checks go through proxies."""
        self._checks = CheckRunner(
            self.local,
            registry,
            identity.node_name,
            settings,
            clock,
            rng,
            log,
            through=self.exposed_checks.through,
            token=lambda: self.gate.slots.for_node,
        )
        self._coordinates = CoordinateKeeper(
            registry,
            identity,
            configuration.coordinates,
            clock,
            rng,
            log,
            nodes=lambda: self._sync.nodes,
            token=lambda: self.gate.slots.for_node,
        )
        self._teller = ProxyTeller(self.proxies, registry, identity.node_name, rng, log)
        self.keyring = keyring or Keyring()
        """The keys that this agent knows."""
        self._keys = KeyringFollower(
            self.keyring,
            registry,
            node_name=identity.node_name,
            datacenter=identity.datacenter,
            rng=rng,
            log=log,
        )
        self._leaves = LeafKeeper(registry, identity.datacenter, clock, rng, log, kept=self.kept)
        self.reloader = Reloader(configuration, load, self._register_configured, log)
        self.reloader.on_reload(self._follow)
        self.gate.slots.on_change(lambda: self._sync.use_tokens(self._sync_tokens()))

    @property
    def refusals(self) -> Refusals:
        """What of this agent the catalog does not have, because the servers will not."""
        return self._sync.refusals

    @property
    def configuration(self) -> Configuration:
        """What the agent was told, at its start or by the last reload."""
        return self.reloader.configuration

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Register what the configuration defines and what was kept, and keep all going while the block runs.

        Leaving the block ends everything that was started, also scripts of checks and their children.
        """
        self._register_first()
        jobs = [
            self._lease.run,
            self._tell,
            self._checks.run,
            self._leaves.run,
            self._reap,
            self._coordinates.run,
            self._teller.run,
            self._keys.run,
        ]
        if self._central is not None:
            jobs.append(self._central.run)
        if self._shelf is not None and self._keeper is not None:
            jobs.append(self._keeper.run)
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(job(), name=job.__qualname__) for job in jobs]
            try:
                yield
            finally:
                for task in tasks:
                    task.cancel()
                await self.gate.stop()

    async def register_service(
        self, definition: ServiceDefinition, *, token: str = "", place: str = "", replace_existing_checks: bool = False
    ) -> None:
        """Add or replace an instance, its checks and its sidecar; `place` tells people who asked for it.

        Raises `RequestError` for what cannot be, `OverloadedError` at a bound, `StorageError` when it cannot be kept in
        the data directory; nothing was changed then.
        """
        async with self._central_known(definition):
            registered = self._registrar.register_service(
                definition, token=token, place=place, replace_existing_checks=replace_existing_checks
            )
        self._checks.rearm(registered.checks)
        for reason in dns_warnings(definition):
            self._log.warning("agent.service.undiscoverable", service=definition.name, reason=reason)
        await self._settle(registered)

    async def deregister_service(self, service_id: str) -> None:
        """Remove an instance with its checks and sidecar. An unknown one is no error; an empty id is.

        Raises `StorageError` when its file cannot be removed: it is deregistered all the same, and that is tried again.
        """
        if not service_id:
            raise RequestError("ServiceID missing")
        services = {service_id, *(one.service.id for one in self.local.sidecars_of(service_id))}
        checks = {one.check.check_id for name in services for one in self.local.checks_of(name)}
        if not self._registrar.deregister_service(service_id):
            self._log.warning("agent.service.unknown", service_id=service_id, wanted="deregistration")
        await self._settle_removal(services, checks)

    async def register_check(self, definition: CheckDefinition, *, token: str = "", place: str = "") -> None:
        """Add or replace a check; `place` tells people who asked for it.

        Raises `NotFoundError` when it names an instance that is not registered here, `StorageError` when it cannot be
        kept; nothing was changed then.
        """
        registered = self._registrar.register_check(definition, token=token, place=place)
        self._checks.rearm(registered.checks)
        await self._settle(registered)

    async def deregister_check(self, check_id: str) -> None:
        """Remove a check. An unknown one is no error; an empty id is. Raises `StorageError` as for an instance."""
        if not check_id:
            raise RequestError("CheckID missing")
        self.local.remove_check(check_id)
        await self._settle_removal((), {check_id})

    async def update_check(self, check_id: str, status: str, output: str) -> None:
        """Tell the state of a TTL check and let its time run anew.

        Raises `RequestError` when there is no such check or it is no TTL check.
        """
        self._checks.update_ttl(check_id, status, output)
        if self._keeper is not None:
            self._keeper.status_told(check_id)
        await self._sync.flushed(_SYNC_WAIT_S_MAX)

    async def set_node_maintenance(self, enable: bool, reason: str = "", *, token: str = "") -> None:
        """Put the whole node into maintenance or take it out."""
        self._registrar.set_node_maintenance(enable=enable, reason=reason, token=token)
        await self._sync.flushed(_SYNC_WAIT_S_MAX)

    async def set_service_maintenance(
        self, service_id: str, enable: bool, reason: str = "", *, token: str = ""
    ) -> None:
        """Put one instance into maintenance or take it out. Raises `NotFoundError` when it is not registered here."""
        self._registrar.set_service_maintenance(service_id, enable=enable, reason=reason, token=token)
        await self._sync.flushed(_SYNC_WAIT_S_MAX)

    async def wait_for_service(self, service_id: str, seen: int, wait_s: float) -> int:
        """Wait until an instance changed after version `seen` of it, or `wait_s` seconds passed; its version now.

        Versions are those of `local.changed_at(Subject.SERVICE, id)`. It may return early, with nothing changed.
        """
        return await self._waiter.wait(Subject.SERVICE, service_id, seen, wait_s)

    async def leaf(
        self,
        service: str,
        min_index: int = 0,
        wait_s: float = 0.0,
        *,
        token: str = "",
        hosts: tuple[str, ...] | None = None,
    ) -> Leaf:
        """The leaf certificate of a service with its key, signed at first use and kept renewed.

        With `min_index` it waits up to `wait_s` seconds for one of a higher `modify_index`. With `hosts`, also none,
        it is the one of an ingress gateway with TLS: by these, and by where DNS answers for it.
        """
        names: tuple[str, ...] = ()
        if hosts is not None:
            who = self.identity
            names = certified_names(hosts, who.datacenter, (who.domain, who.alt_domain))
        return await self._leaves.leaf(service, min_index, wait_s, token=token, dns_names=names)

    def leaf_left_s(self) -> float | None:
        """For how many seconds the leaf that ends first is still valid; None when this agent keeps none."""
        return self._leaves.least_left_s()

    def leaf_span(self) -> tuple[float, float] | None:
        """When the leaf that ends first begins and ends, in seconds since 1970; None without leaves."""
        return self._leaves.first_to_end()

    async def roots(self, min_index: int = 0, wait_s: float = 0.0) -> KeptReading[CARoots]:
        """The roots that leaves may chain to, as far as is known here; blocks as every read does.

        Proxies ask for them, also while nobody leads.
        """
        return await self.kept.read(CARootsQuery(), ReadOptions(min_index=min_index, wait_s=wait_s))

    async def authorize(self, target: str, client_uri: str, serial: str = "", *, token: str = "") -> Decision:
        """May the holder of a certificate with this SPIFFE id connect to the service `target`?

        `reason` of the decision is what Consul's API answers. Raises `RequestError` when the request names no target,
        or an identity that is no service's. The serial number is accepted for later revocation, as in Consul.
        """
        return await authorize.authorize(
            self.kept,
            target,
            client_uri,
            default_allow=self.settings.default_allow,
            acls_enabled=self.settings.acls_enabled,
            token=token,
        )

    async def coordinate(self) -> Coordinate:
        """Where this node stands in the network."""
        return await self._coordinates.coordinate()

    def use_check_tls(self, material: CheckTls | None) -> None:
        """Have checks show and believe this from their next run on; the files are read anew."""
        self._checks.use_tls(material)

    def reconnected(self) -> None:
        """The servers are reached by another connection than before."""
        self.gate.reconnected()
        self._lease.reconnected()
        self._teller.reconnected()
        self._keys.reconnected()

    async def members(self) -> list[Member]:
        """The agents of the cluster, by name."""
        return await self.registry.members()

    async def join(self, addresses: tuple[str, ...]) -> int:
        """Look for servers at these addresses once; how many answered. Raises `ClusterError` when none did."""
        return await self.registry.join(addresses)

    async def force_leave(self, name: str, *, prune: bool = False, token: str = "") -> None:
        """Declare a member that failed gone. Raises `NotFoundError` for an unknown name."""
        await self.registry.force_leave(name, prune=prune, token=token)

    async def leave(self) -> None:
        """Leave the cluster on purpose: the lease is given up, the catalog forgets this node, and the process ends."""
        await self._lease.leave()
        self.left.set()

    def on_reload(self, hook: ReloadHook) -> Callable[[], None]:
        """Have `hook` called with the configuration of before and of now after each reload; what returns ends that."""
        return self.reloader.on_reload(hook)

    async def reload(self) -> Reloaded:
        """Read the configuration again and take over what a running agent can, as SIGHUP does.

        What came over HTTP stays, and so does the state of checks. Raises `ConfigurationError` for a configuration that
        cannot be used, other `LictorError`s for what cannot be registered, `RequestError` when this agent was started
        without files; nothing was changed then.
        """
        reloaded = await self.reloader.reload()
        await self._sync.flushed(_SYNC_WAIT_S_MAX)
        return reloaded

    async def _tell(self) -> None:
        """Keep the catalog in step, once it is known how the cluster wants the proxies that are here."""
        if self._central is not None:
            await self._central.settled(_CENTRAL_WAIT_S_MAX)
        await self._sync.run()

    def _sync_tokens(self) -> SyncTokens:
        return SyncTokens(self.gate.slots.default, self.gate.slots.agent)

    def _central_known(self, definition: ServiceDefinition) -> AbstractAsyncContextManager[None]:
        """A block that begins once it is known what the cluster says of an instance and its sidecar."""
        questions = [] if self._central is None else questions_in(definition)
        if self._central is None or not questions:
            return nullcontext()
        return self._central.asked(questions, _SYNC_WAIT_S_MAX)

    def _register_first(self) -> None:
        """Register what the configuration defines and what was kept: instances first, since checks of either name them.

        Raises as `reload` does when the configuration defines what cannot be.
        """
        configuration = self.configuration
        if self._shelf is None or self._keeper is None:
            self._register_configured(configuration)
            return
        defaults = {} if self._central is None else recalled(self._shelf, self._log)
        if self._central is not None:
            self._central.recall({saved.service_id: saved for saved in defaults.values()})
            self._central.tell(self._keeper.defaults_told)
        self._registrar.register_configured(configuration.services, (), configuration.service_places)
        found = restore(
            self._shelf,
            self.local,
            self._registrar,
            self.identity.node_name,
            self._clock,
            self._log,
            configure=lambda: self._register_configured(configuration),
        )
        self._keeper.begin(found | defaults.keys())

    def _register_configured(self, configuration: Configuration) -> Registered:
        return self._registrar.register_configured(
            configuration.services, configuration.checks, configuration.service_places, configuration.check_places
        )

    def _follow(self, old: Configuration, new: Configuration) -> None:
        self.settings = replace(self.settings, discard_check_output=new.discard_check_output)
        self._checks.follow(self.settings)
        self.gate.follow(new)
        if new.node_meta != old.node_meta:
            self.identity = replace(self.identity, meta=tuple(new.node_meta.items()))
            self._sync.set_node(self.identity.node())

    async def _settle(self, registered: Registered) -> None:
        """Wait until a registration is kept, and told to the catalog as far as that is quick."""
        try:
            await self._settle_files(registered.services, registered.checks)
        except StorageError as error:
            self._registrar.undo(registered)
            await self._sync.flushed(_SYNC_WAIT_S_MAX)
            raise type(error)(f"nothing was registered, since it could not be kept: {error}") from error

    async def _settle_removal(self, services: Collection[str], checks: Collection[str]) -> None:
        try:
            await self._settle_files(services, checks)
        except StorageError as error:
            raise type(error)(
                f"deregistered, but it would come back if the agent started now: {error}; it is tried again"
            ) from error

    async def _settle_files(self, services: Collection[str], checks: Collection[str]) -> None:
        flushing = self._sync.flushed(_SYNC_WAIT_S_MAX)
        if self._keeper is None:
            await flushing
        else:
            # Disk and servers are waited for at the same time.
            await asyncio.gather(flushing, self._keeper.kept(services, checks))

    async def _reap(self) -> None:
        """Deregister instances whose checks have been critical for longer than they allow."""
        while True:
            await asyncio.sleep(self.settings.reap_every_s)
            for service_id in overdue_services(self.local, self._clock.monotonic(), self.settings.critical_s_min):
                self._log.warning("agent.service.reaped", service_id=service_id, reason="critical for too long")
                self._registrar.deregister_service(service_id)
