"""What the CA's duties share: the state's table, the settings in use, and the commands that change both.

What is shared changes by one command each time: the roots, their keys, and the settings that go with them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from structlog.typing import FilteringBoundLogger

from lictor_core.authority import RootLife
from lictor_core.clock import Clock, Rng
from lictor_core.commands import CAConfigurationSet, CARootsSet, CASerialTake, Command, Outcome
from lictor_core.errors import CatchingUpError, ClusterError
from lictor_core.records import CAConfiguration, CARoot
from lictor_server import ca
from lictor_server.ca import succession
from lictor_server.endpoints.signing_limits import SigningLimits
from lictor_server.state import Store

__all__ = ["CABooks"]

_UNIQUE_CHARS: Final = 8
_ALPHABET: Final = "0123456789abcdefghijklmnopqrstuvwxyz"


class CABooks:
    """The CA as this server's state has it. The built-in one's keys live in the store and leave it only to sign."""

    def __init__(
        self,
        store: Store,
        propose: Callable[[Command], Awaitable[Outcome]],
        *,
        clock: Clock,
        rng: Rng,
        log: FilteringBoundLogger,
        csr_per_second_max: float,
    ) -> None:
        self.store = store
        self.propose = propose
        self.clock = clock
        self.log = log
        self._rng = rng
        self._per_second_max = csr_per_second_max
        self._used: tuple[int, ca.CASettings, ca.Provider, SigningLimits] | None = None
        """What the settings of an index come to."""

    def configuration(self) -> CAConfiguration:
        """The settings. Raises `CatchingUpError` while there are none."""
        configuration = self.store.ca.configuration
        if configuration is None:
            raise CatchingUpError("the CA has no settings yet: retry in a second")
        return configuration

    def current(self) -> ca.Established:
        """The active root as its provider made it. Raises `CatchingUpError` while there is none."""
        table = self.store.ca
        root = table.active_root()
        if root is None:
            raise CatchingUpError("the CA has no root yet: retry in a second")
        life = table.life(root.id) or succession.assumed_life(root, 0.0)
        state = None if table.configuration is None else table.configuration.state
        return ca.Established(root=root, life=life, key=table.signing_key(root.id), state=state)

    def in_use(self) -> tuple[ca.CASettings, ca.Provider, SigningLimits]:
        """What the present settings come to."""
        configuration = self.configuration()
        index = configuration.modify_index
        if self._used is None or self._used[0] != index:
            settings = ca.read_settings(configuration.provider, configuration.config)
            limits = SigningLimits(
                per_second=self._per_second_max if settings.csr_per_second is None else settings.csr_per_second,
                at_once_max=settings.csr_concurrent_max,
            )
            self._used = index, settings, self.made(settings, self.store.ca.cluster_id), limits
        return self._used[1:]

    def made(self, settings: ca.CASettings, cluster_id: str) -> ca.Provider:
        """The provider of other settings than those in use."""
        return ca.provider_of(settings, cluster_id, serials=self._serial, unique=self._unique)

    def settings_with(self, configuration: CAConfiguration, state: dict[str, str] | None) -> CAConfigurationSet | None:
        """The same settings with another state of the provider; None where that is the same, too."""
        if state == configuration.state:
            return None
        return CAConfigurationSet(
            provider=configuration.provider,
            config=configuration.config,
            state=state,
            force_without_cross_signing=configuration.force_without_cross_signing,
        )

    def lives(self) -> dict[str, RootLife]:
        """What is remembered of roots, by their ids."""
        return {life.root_id: life for life in self.store.ca.lives()}

    def succeeded(self, new: ca.Established, vouched: str | None, settings: ca.CASettings) -> succession.Line:
        """All roots, once `new` signs and the one before it vouches for it by `vouched`."""
        now, ttl_s = self.clock.now(), settings.leaf_ttl_s
        return succession.succeeded(self.store.ca.roots, self.lives(), new, vouched, now=now, leaf_ttl_s=ttl_s)

    def renewed(self, new: ca.Established) -> succession.Line:
        """All roots, once the active one signs by another certificate."""
        return succession.renewed(self.store.ca.roots, self.lives(), new, now=self.clock.now())

    async def put(
        self,
        cluster_id: str,
        established: ca.Established,
        line: succession.Line,
        *,
        configuration: CAConfigurationSet | None,
    ) -> None:
        """Have the line of roots in force. Only the active root's key is kept: the others sign nothing more."""
        before = self.store.ca.active_root()
        outcome = await self.propose(
            CARootsSet(
                cluster_id=cluster_id,
                roots=line.roots,
                keys=[] if established.key is None else [established.key],
                cas=self.store.ca.roots_index,
                lives=line.lives,
                configuration=configuration,
            )
        )
        if not outcome.value:
            raise ClusterError("the CA's roots were changed by somebody else at the same time: retry")
        if before is None or before.id != established.root.id:
            root = established.root
            self.log.info("ca.root.activated", root=root.id, name=root.external_trust_domain)

    async def replace_roots(self, roots: list[CARoot], lives: list[RootLife]) -> None:
        table = self.store.ca
        await self.propose(
            CARootsSet(
                cluster_id=table.cluster_id, roots=list(roots), keys=table.keys(), cas=table.roots_index, lives=lives
            )
        )

    async def next_serial(self, root_id: str = "", until: float = 0.0) -> tuple[int, int]:
        """A serial number of ours alone, and the index at which it was taken; for a leaf of a root, it is counted."""
        outcome = await self.propose(CASerialTake(root_id=root_id, until=until))
        assert isinstance(outcome.value, int), "the state answers with the number"
        return outcome.value, outcome.index

    async def _serial(self) -> int:
        return (await self.next_serial())[0]

    def _unique(self) -> str:
        return "".join(_ALPHABET[self._rng.below(len(_ALPHABET))] for _ in range(_UNIQUE_CHARS))
