"""The CA's duties: make a root at the first leadership, sign leaves, change settings."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

import msgspec
from structlog.typing import FilteringBoundLogger

from lictor_core.clock import Clock, Rng
from lictor_core.codec import check_nesting
from lictor_core.commands import CAConfigurationSet, CAKeyMaterial, CARootsSet, CASerialTake, Command, Outcome
from lictor_core.errors import CatchingUpError, ClusterError, OverloadedError, PermissionDeniedError, RequestError
from lictor_core.names import AgentId, ServiceId, trust_domain
from lictor_core.records import CARoot, JsonObject
from lictor_core.registry import IssuedLeaf, LeafRequest
from lictor_server import ca
from lictor_server.endpoints.rate import Rate
from lictor_server.state import Store

__all__ = ["Authority"]

_UNIQUE_CHARS: Final = 8
_ALPHABET: Final = "0123456789abcdefghijklmnopqrstuvwxyz"


class Authority:
    """The built-in CA of this datacenter. Its keys live in the store and leave it only to sign."""

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
    ) -> None:
        self._store = store
        self._propose = propose
        self._clock = clock
        self._rng = rng
        self._log = log
        self._provider = provider
        self._config = config
        self._rate = Rate(csr_per_second_max)

    async def initialise(self) -> None:
        """Make settings and a first root, unless there are some: called by the leader before any request."""
        table = self._store.ca
        if table.configuration is None:
            settings = ca.read_settings(self._provider, self._config)
            shown: JsonObject = {**ca.DEFAULT_CONFIG, **settings.shown}
            await self._propose(CAConfigurationSet(provider=self._provider, config=shown, cas=0))
        if not table.roots:
            settings = ca.read_settings(self._provider, self._config)
            cluster_id = settings.cluster_id or self._rng.uuid4()
            key = ca.load_key(settings.private_key) if settings.private_key else ca.new_key(*settings.key_kind)
            root = await self._root_of(settings, key, cluster_id)
            await self._put_roots(cluster_id, [root], root, ca.key_pem(key))

    async def sign(self, request: LeafRequest) -> IssuedLeaf:
        """Sign a leaf with the active root.

        Raises `RequestError` for a request that is not in order, `PermissionDeniedError` for an identity that is not
        the asked one, `OverloadedError` when too many were asked for.
        """
        order = ca.read_csr(request.csr)
        self._check_identity(order.identity, request.service)
        if not self._rate.take(self._clock.monotonic()):
            raise OverloadedError("too many certificates were asked for in this second: retry in a second")
        root = self._active_root()
        serial, index = await self._next_serial()
        key = self._store.ca.signing_key(root.id)
        if key is None:
            raise CatchingUpError("the CA's root changed while a leaf was being signed: ask again")
        leaf = ca.sign_leaf(
            order,
            root_pem=root.root_cert,
            key=ca.load_key(key.private_key),
            serial=serial,
            now=self._clock.now(),
            lifetime_s=self._settings().leaf_ttl_s,
        )
        self._log.info("ca.leaf.signed", uri=leaf.uri, serial=leaf.serial_number)
        return IssuedLeaf(
            serial_number=leaf.serial_number,
            certificate=leaf.certificate,
            service=request.service,
            uri=leaf.uri,
            valid_after=leaf.valid_after,
            valid_before=leaf.valid_before,
            root_id=root.id,
            index=index,
        )

    async def configure(self, provider: str, config: JsonObject) -> None:
        """Change the settings; a key other than the active root's makes a new root, the old ones stay trusted."""
        check_nesting(config, "Config of the CA")
        settings = ca.read_settings(provider, config)
        await self._follow(settings)
        current = self._store.ca.configuration
        await self._propose(
            CAConfigurationSet(
                provider=provider,
                config=settings.shown,
                cas=None if current is None else current.modify_index,
            )
        )

    async def _follow(self, settings: ca.CASettings) -> None:
        """Make or adopt the root that `settings` ask for, unless it is the active one."""
        table = self._store.ca
        active = self._active_root()
        if settings.private_key:
            key = ca.load_key(settings.private_key)
            if not settings.root_certificate and active.signing_key_id == ca.signing_key_id(key):
                return
        elif settings.says_key_kind and settings.key_kind != (active.private_key_type, active.private_key_bits):
            key = ca.new_key(*settings.key_kind)
        else:
            return
        root = await self._root_of(settings, key, table.cluster_id)
        if root.id == active.id:
            return
        old = [msgspec.structs.replace(one, active=False) for one in table.roots if one.id != root.id]
        await self._put_roots(table.cluster_id, [*old, root], root, ca.key_pem(key))

    async def _root_of(self, settings: ca.CASettings, key: ca.PrivateKey, cluster_id: str) -> CARoot:
        """The root on `key`: the given one, or one that we make."""
        now = self._clock.now()
        if settings.root_certificate:
            return ca.adopt_root(settings.root_certificate, key, cluster_id=cluster_id, now=now)
        serial, _ = await self._next_serial()
        unique = "".join(_ALPHABET[self._rng.below(len(_ALPHABET))] for _ in range(_UNIQUE_CHARS))
        return ca.make_root(key, cluster_id=cluster_id, serial=serial, unique=unique, now=now)

    async def _next_serial(self) -> tuple[int, int]:
        """A serial number of ours alone, and the index at which it was taken."""
        outcome = await self._propose(CASerialTake())
        assert isinstance(outcome.value, int), "the state answers with the number"
        return outcome.value, outcome.index

    async def _put_roots(self, cluster_id: str, roots: list[CARoot], active: CARoot, key: str) -> None:
        """Only the active root's key is kept: the others sign nothing more."""
        outcome = await self._propose(
            CARootsSet(
                cluster_id=cluster_id,
                roots=roots,
                keys=[CAKeyMaterial(root_id=active.id, private_key=key)],
                cas=self._store.ca.roots_index,
            )
        )
        if not outcome.value:
            raise ClusterError("the CA's roots were changed by somebody else at the same time: retry")
        self._log.info("ca.root.activated", root=active.id, name=active.external_trust_domain)

    def _active_root(self) -> CARoot:
        root = self._store.ca.active_root()
        if root is None:
            raise CatchingUpError("the CA has no root yet: retry in a second")
        return root

    def _settings(self) -> ca.CASettings:
        current = self._store.ca.configuration
        return ca.read_settings(ca.PROVIDER, dict(ca.DEFAULT_CONFIG) if current is None else current.config)

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
