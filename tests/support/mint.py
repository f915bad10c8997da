"""A CA at work over a store of its own, by a clock that a test moves: no log, no sockets, years in seconds."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from lictor_core.authority import RootLife
from lictor_core.clock import SeededRng
from lictor_core.commands import Command, Outcome
from lictor_core.records import CARoot, JsonObject
from lictor_core.registry import IssuedLeaf, LeafRequest
from lictor_server.endpoints.authority import Authority
from lictor_server.state import Store, apply
from tests.server.ca.build import csr, default_uri
from tests.server.conftest import made_log
from tests.support.chains import chains
from tests.support.clock import ManualClock

__all__ = ["DAY_S", "Mint"]

DAY_S = 86_400.0


class Mint:
    """An authority and what it keeps. `rested_s` are the pauses that it made."""

    def __init__(
        self,
        config: JsonObject | None = None,
        *,
        provider: str = "consul",
        csr_per_second_max: float = 0.0,
        clock: ManualClock | None = None,
    ) -> None:
        self.store = Store("dc1")
        self.clock = clock or ManualClock()
        self.log = made_log()
        self.before: Callable[[Command], Awaitable[None]] | None = None
        """What happens before a command is carried out."""
        self.rested_s: list[float] = []
        self.trusted_at_rest: list[set[str]] = []
        self.authority = Authority(
            self.store,
            self.propose,
            clock=self.clock,
            rng=SeededRng(7),
            log=self.log.logger,
            provider=provider,
            config=config or {},
            csr_per_second_max=csr_per_second_max,
            domains=("consul",),
            rest=self._rest,
        )

    async def propose(self, command: Command) -> Outcome:
        if self.before is not None:
            await self.before(command)
        return apply(self.store, self.store.index + 1, command)[0]

    async def _rest(self, seconds: float) -> None:
        self.rested_s.append(seconds)
        self.trusted_at_rest.append({root.id for root in self.roots()})
        self.clock.advance(seconds)

    def roots(self) -> list[CARoot]:
        """All trusted roots, the active one last."""
        return self.store.ca.trusted().roots

    def active(self) -> CARoot:
        """The root that signs."""
        root = self.store.ca.active_root()
        assert root is not None
        return root

    def life(self, root_id: str = "") -> RootLife:
        """What is remembered of a root, the active one by default."""
        life = self.store.ca.life(root_id or self.active().id)
        assert life is not None
        return life

    def bundle(self) -> list[str]:
        """What a proxy trusts that knows all roots."""
        return [root.root_cert for root in self.roots()]

    async def leaf(self, service: str = "web") -> IssuedLeaf:
        """A new leaf."""
        domain = self.store.ca.trusted().trust_domain
        return await self.authority.sign(LeafRequest(csr=csr(default_uri(service, domain=domain)), service=service))

    def accepts(self, presented: str, bundle: list[str] | None = None) -> bool:
        """Whether a proxy that trusts `bundle`, by default all roots, takes this certificate now."""
        return chains(presented, self.bundle() if bundle is None else bundle, self.clock.now())

    async def pass_days(self, days: float, *, step_days: float = 0.5) -> None:
        """Let time pass, while the leader looks now and then."""
        end = self.clock.now() + days * DAY_S
        while self.clock.now() < end:
            self.clock.advance(min(step_days * DAY_S, end - self.clock.now()))
            await self.authority.tend()
