"""The CA's work at the leader: a root at the first leadership, leaves, other settings, and what time brings.

What is shared changes by one command each time: the roots, their keys, and the settings that go with them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from structlog.typing import FilteringBoundLogger

from lictor_core.authority import RootLife
from lictor_core.clock import Clock, Rng
from lictor_core.codec import check_nesting
from lictor_core.commands import CAConfigurationSet, CARootsSet, CASerialTake, Command, Outcome
from lictor_core.errors import (
    CatchingUpError,
    ClusterError,
    ConfigurationError,
    LictorError,
    PeerError,
    PermissionDeniedError,
    RequestError,
)
from lictor_core.names import AgentId, ServiceId, trust_domain
from lictor_core.records import CAConfiguration, CARoot, JsonObject
from lictor_core.registry import IssuedLeaf, LeafRequest
from lictor_server import ca
from lictor_server.ca import succession
from lictor_server.endpoints.signing_limits import SigningLimits
from lictor_server.state import Store

__all__ = ["Authority"]

_UNIQUE_CHARS: Final = 8
_ALPHABET: Final = "0123456789abcdefghijklmnopqrstuvwxyz"
_DAY_S: Final = 86_400.0
_MONTH_S: Final = 30 * _DAY_S
UNVOUCHED_S: Final = 2.0
"""How long a new root is trusted before it signs, where no older one vouches for it: agents learn of it meanwhile."""


class Authority:
    """The CA of this datacenter. The built-in one's keys live in the store and leave it only to sign."""

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
        rest: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._store = store
        self._propose = propose
        self._clock = clock
        self._rng = rng
        self._log = log
        self._provider = provider
        self._config = config
        self._per_second_max = csr_per_second_max
        self._rest = rest
        self._changing = asyncio.Lock()
        self._used: tuple[int, ca.CASettings, ca.Provider, SigningLimits] | None = None
        """What the settings of an index come to."""
        self._warned: dict[str, float] = {}
        """When it was last told that a certificate is past half of its life, by its name."""

    async def initialise(self) -> None:
        """Make settings and a first root, unless there are some: called by the leader before any request."""
        table = self._store.ca
        if table.configuration is None:
            settings = ca.read_settings(self._provider, self._config)
            shown: JsonObject = {**ca.DEFAULT_CONFIG, **settings.stored}
            await self._propose(CAConfigurationSet(provider=self._provider, config=shown, cas=0))
        if not table.roots:
            try:
                await self._make_first()
            except (
                PeerError,
                ConfigurationError,
            ) as error:  # whoever keeps the keys is away: that must keep nobody from leading
                self._log.error("ca.root.missing", reason=str(error))

    async def _make_first(self) -> None:
        configuration = self._configuration()
        # From the configuration of this server, where the secrets of the built-in CA are: they are not stored.
        own = self._provider == configuration.provider
        settings = ca.read_settings(configuration.provider, self._config if own else configuration.config)
        cluster_id = self._store.ca.cluster_id or settings.cluster_id or self._rng.uuid4()
        new = await self._made(settings, cluster_id).establish(None, self._clock.now())
        wanted = self._settings_with(configuration, new.state)
        await self._put(cluster_id, new, self._succeeded(new, None, settings), configuration=wanted)

    async def sign(self, request: LeafRequest) -> IssuedLeaf:
        """Sign a leaf with the active root, or its intermediate.

        Raises `RequestError` for a request that is not in order, `PermissionDeniedError` for an identity that is not
        the asked one, `OverloadedError` when too many were asked for.
        """
        order = ca.read_csr(request.csr)
        self._check_identity(order.identity, request.service)
        settings, provider, limits = self._in_use()
        async with limits.turn(self._clock.monotonic()):
            root_id = self._current().root.id
            until = self._clock.now() + settings.leaf_ttl_s
            serial, index = await self._next_serial(root_id, until)
            current = self._current()
            if current.root.id != root_id:
                raise CatchingUpError("the CA's root changed while a leaf was being signed: ask again")
            terms = ca.LeafTerms(serial=serial, now=self._clock.now(), lifetime_s=settings.leaf_ttl_s)
            leaf = await provider.sign_leaf(current, order, terms)
        self._log.info("ca.leaf.signed", uri=leaf.uri, serial=leaf.serial_number)
        return IssuedLeaf(
            serial_number=leaf.serial_number,
            certificate=leaf.certificate + succession.chain_below(current.root, terms.now),
            service=request.service,
            uri=leaf.uri,
            valid_after=leaf.valid_after,
            valid_before=leaf.valid_before,
            root_id=root_id,
            index=index,
        )

    async def configure(self, provider: str, config: JsonObject, *, force_without_cross_signing: bool = False) -> None:
        """Change the settings. Where they ask for another root, the old one vouches for it, and stays trusted.

        Raises `RequestError` for settings that cannot be, and when the old root cannot vouch for the new one, unless
        that is forced; what a provider raises.
        """
        check_nesting(config, "Config of the CA")
        async with self._changing:
            settings = ca.read_settings(provider, self._with_known_secrets(provider, config))
            before, current = self._configuration(), self._current()
            own = current if before.provider == provider else None
            made = self._made(settings, self._store.ca.cluster_id)
            new = await made.establish(own, self._clock.now())
            wanted = CAConfigurationSet(
                provider=provider,
                config=settings.stored,
                state=new.state,
                force_without_cross_signing=force_without_cross_signing,
                cas=before.modify_index,
            )
            if new is current:
                await self._propose(wanted)
            elif new.root.id == current.root.id:
                await self._put(self._store.ca.cluster_id, new, self._renewed(new), configuration=wanted)
            else:
                await self._succeed(new, settings, wanted, forced=force_without_cross_signing)

    async def tend(self) -> None:
        """What is due by now: roots and intermediates that age are renewed, roots without leaves go.

        To be called every minute or so by the leader. Raises what providers do.
        """
        async with self._changing:
            if not self._store.ca.roots:
                await self._make_first()
            settings, provider, _ = self._in_use()
            current, now = self._current(), self._clock.now()
            await self._remember(settings, now)
            await self._drop_ended(now)
            self._warn(now)
            found = await provider.keep(current, now)
            if found is not current:
                await self._follow(found, settings)
                current = self._current()
            due = succession.root_due_at(current.root, current.life, settings)
            if due is not None and now >= due:
                await self._succeed(await provider.renew_root(current, now), settings, None, forced=True)
            elif current.has_own_intermediate and now >= succession.signer_due_at(current.life):
                new = await provider.renew_intermediate(current, now)
                await self._put(self._store.ca.cluster_id, new, self._renewed(new), configuration=None)
                self._log.info("ca.intermediate.renewed", root=new.root.id)

    async def _follow(self, found: ca.Established, settings: ca.CASettings) -> None:
        """Somebody changed the root or the intermediate where they are kept."""
        wanted = self._settings_with(self._configuration(), found.state)
        if found.root.id == self._current().root.id:
            await self._put(self._store.ca.cluster_id, found, self._renewed(found), configuration=wanted)
            self._log.info("ca.intermediate.renewed", root=found.root.id)
        else:
            await self._succeed(found, settings, wanted, forced=True)

    def _settings_with(self, configuration: CAConfiguration, state: dict[str, str] | None) -> CAConfigurationSet | None:
        """The same settings with another state of the provider; None where that is the same, too."""
        if state == configuration.state:
            return None
        return CAConfigurationSet(
            provider=configuration.provider,
            config=configuration.config,
            state=state,
            force_without_cross_signing=configuration.force_without_cross_signing,
        )

    async def _succeed(
        self, new: ca.Established, settings: ca.CASettings, wanted: CAConfigurationSet | None, *, forced: bool
    ) -> None:
        """Let `new` take over from the active root."""
        table = self._store.ca
        if len(table.roots) >= succession.ROOTS_MAX:
            raise RequestError(
                f"{len(table.roots)} roots are trusted: a further one is taken when the leaves of the oldest have ended"
            )
        _, old_provider, _ = self._in_use()
        current = self._current()
        vouched = await self._vouched(old_provider, current, new.root, settings, forced=forced)
        line = self._succeeded(new, vouched, settings)
        if vouched is None:
            await self._announce(line)
        await self._put(table.cluster_id, new, line, configuration=wanted)
        if wanted is not None and wanted.provider != self._provider_name(current):
            try:
                await old_provider.clean_up(current)
            except LictorError as error:
                self._log.warning("ca.provider.kept", root=current.root.id, reason=str(error))

    async def _vouched(
        self, old: ca.Provider, current: ca.Established, root: CARoot, settings: ca.CASettings, *, forced: bool
    ) -> str | None:
        """The new root, signed by the active one; None where that cannot be, and need not."""
        lifetime_s = succession.cross_signed_s(settings.leaf_ttl_s)
        try:
            serial, _ = await self._next_serial()
            terms = ca.LeafTerms(serial=serial, now=self._clock.now(), lifetime_s=lifetime_s)
            return await old.cross_sign(current, root.root_cert, terms)
        except LictorError as error:
            if not forced:
                raise RequestError(
                    f"the old root cannot vouch for the new one: {error}. ForceWithoutCrossSigning changes it all the "
                    "same; connections may fail until all agents have learnt of the new root"
                ) from error
            self._log.warning("ca.root.not_vouched", root=root.id, reason=str(error))
            return None

    async def _announce(self, line: succession.Line) -> None:
        """Have the root trusted by everybody before it signs, where its leaves bring along nothing older to trust."""
        table, new = self._store.ca, line.roots[-1]
        inactive = succession.inactive(new)
        await self._propose(
            CARootsSet(
                cluster_id=table.cluster_id,
                roots=[*succession.without(table.roots, [new.id]), inactive],
                keys=table.keys(),
                cas=table.roots_index,
                lives=[*table.lives(), line.lives[-1]],
            )
        )
        await self._rest(UNVOUCHED_S)

    async def _put(
        self,
        cluster_id: str,
        established: ca.Established,
        line: succession.Line,
        *,
        configuration: CAConfigurationSet | None,
    ) -> None:
        """Only the active root's key is kept: the others sign nothing more."""
        before = self._store.ca.active_root()
        outcome = await self._propose(
            CARootsSet(
                cluster_id=cluster_id,
                roots=line.roots,
                keys=[] if established.key is None else [established.key],
                cas=self._store.ca.roots_index,
                lives=line.lives,
                configuration=configuration,
            )
        )
        if not outcome.value:
            raise ClusterError("the CA's roots were changed by somebody else at the same time: retry")
        if before is None or before.id != established.root.id:
            root = established.root
            self._log.info("ca.root.activated", root=root.id, name=root.external_trust_domain)

    async def _remember(self, settings: ca.CASettings, now: float) -> None:
        """Lives of roots that were made before lives were remembered."""
        table = self._store.ca
        unknown = [root for root in table.roots if table.life(root.id) is None]
        if unknown:
            until = now + 2 * settings.leaf_ttl_s
            lives = [
                succession.assumed_life(root, until, rotated_out_at=0.0 if root.active else now) for root in unknown
            ]
            await self._replace_roots(table.roots, [*table.lives(), *lives])

    async def _drop_ended(self, now: float) -> None:
        table = self._store.ca
        gone = succession.ended(table.roots, self._lives(), now)
        if gone:
            await self._replace_roots(succession.without(table.roots, gone), table.lives())
            for root_id in gone:
                self._log.info("ca.root.forgotten", root=root_id)

    async def _replace_roots(self, roots: list[CARoot], lives: list[RootLife]) -> None:
        table = self._store.ca
        await self._propose(
            CARootsSet(
                cluster_id=table.cluster_id, roots=list(roots), keys=table.keys(), cas=table.roots_index, lives=lives
            )
        )

    def _warn(self, now: float) -> None:
        """Tell now and then of what is past half of its life: each day of what is not renewed of itself."""
        current = self._current()
        every_s = _DAY_S if current.life.given else _MONTH_S
        for name, begins, ends in succession.aging(current):
            if now >= (begins + ends) / 2 and now >= self._warned.get(name, 0.0) + every_s:
                self._warned = {**self._warned, name: now}
                left_days = round((ends - now) / _DAY_S, 1)
                self._log.warning(
                    "ca.certificate.aged",
                    certificate=name,
                    root=current.root.id,
                    left_days=left_days,
                    renewed_of_itself=not current.life.given,
                )

    def _succeeded(self, new: ca.Established, vouched: str | None, settings: ca.CASettings) -> succession.Line:
        now, ttl_s = self._clock.now(), settings.leaf_ttl_s
        return succession.succeeded(self._store.ca.roots, self._lives(), new, vouched, now=now, leaf_ttl_s=ttl_s)

    def _renewed(self, new: ca.Established) -> succession.Line:
        return succession.renewed(self._store.ca.roots, self._lives(), new, now=self._clock.now())

    def _lives(self) -> dict[str, RootLife]:
        return {life.root_id: life for life in self._store.ca.lives()}

    async def _next_serial(self, root_id: str = "", until: float = 0.0) -> tuple[int, int]:
        """A serial number of ours alone, and the index at which it was taken; for a leaf of a root, it is counted."""
        outcome = await self._propose(CASerialTake(root_id=root_id, until=until))
        assert isinstance(outcome.value, int), "the state answers with the number"
        return outcome.value, outcome.index

    async def _serial(self) -> int:
        return (await self._next_serial())[0]

    def _unique(self) -> str:
        return "".join(_ALPHABET[self._rng.below(len(_ALPHABET))] for _ in range(_UNIQUE_CHARS))

    def _made(self, settings: ca.CASettings, cluster_id: str) -> ca.Provider:
        return ca.provider_of(settings, cluster_id, serials=self._serial, unique=self._unique)

    def _in_use(self) -> tuple[ca.CASettings, ca.Provider, SigningLimits]:
        """What the present settings come to."""
        configuration = self._configuration()
        index = configuration.modify_index
        if self._used is None or self._used[0] != index:
            settings = ca.read_settings(configuration.provider, configuration.config)
            limits = SigningLimits(
                per_second=self._per_second_max if settings.csr_per_second is None else settings.csr_per_second,
                at_once_max=settings.csr_concurrent_max,
            )
            self._used = index, settings, self._made(settings, self._store.ca.cluster_id), limits
        return self._used[1:]

    def _configuration(self) -> CAConfiguration:
        configuration = self._store.ca.configuration
        if configuration is None:
            raise CatchingUpError("the CA has no settings yet: retry in a second")
        return configuration

    def _provider_name(self, current: ca.Established) -> str:
        """Which provider a root is of: only the built-in one's keys are kept here."""
        return ca.VAULT if current.key is None else ca.PROVIDER

    def _current(self) -> ca.Established:
        """The active root as its provider made it."""
        table = self._store.ca
        root = table.active_root()
        if root is None:
            raise CatchingUpError("the CA has no root yet: retry in a second")
        life = table.life(root.id) or succession.assumed_life(root, 0.0)
        state = None if table.configuration is None else table.configuration.state
        return ca.Established(root=root, life=life, key=table.signing_key(root.id), state=state)

    def _with_known_secrets(self, provider: str, config: JsonObject) -> JsonObject:
        """`config` with the token that is known for the same Vault, where it has none: what is read has none."""
        before = self._configuration()
        if provider != ca.VAULT or before.provider != provider:
            return config
        names = {key.replace("_", "").lower(): key for key in config}
        known = before.config
        address = str(config.get(names.get("address", ""), "")).rstrip("/")
        if config.get(names.get("token", "")) or address != str(known.get("Address", "")).rstrip("/"):
            return config
        return {**config, "Token": known.get("Token")}

    def _check_identity(self, identity: ServiceId | AgentId, service: str) -> None:
        domain = trust_domain(self._store.ca.cluster_id)
        if identity.trust_domain != domain:
            raise RequestError(
                f"the CSR is for the trust domain {identity.trust_domain!r}, but this cluster's is {domain!r}"
            )
        if identity.datacenter.lower() != self._store.datacenter.lower():
            raise RequestError(
                f"the CSR is for datacenter {identity.datacenter!r}, but this one is {self._store.datacenter!r}"
            )
        named = identity.service if isinstance(identity, ServiceId) else ""
        if named != service:
            raise PermissionDeniedError(f"the CSR is for service {named!r}, but {service!r} was asked for")
