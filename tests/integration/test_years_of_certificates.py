"""Years of a mesh in seconds: leaves, intermediates and roots come and go, and no proxy refuses another meanwhile.

The CA, the keeper of leaves and the clockwork of renewals are the real ones; a clock that the test moves drives them.
Proxies learn of roots one step late, so each rotation meets proxies that know the old root alone.
"""

from __future__ import annotations

import dataclasses
from typing import TypeVar

import pytest

from lictor_agent.certs import LeafKeeper
from lictor_agent.kept import KeptReading
from lictor_core.clock import SeededRng
from lictor_core.queries import CARootsQuery, Query
from lictor_core.records import CARoots, JsonObject
from lictor_core.registry import IssuedLeaf, LeafRequest, Reading, ReadOptions
from lictor_server import ca
from tests.agent.harness import quiet_log
from tests.support.chains import chain_text, parsed
from tests.support.mint import DAY_S, Mint

T = TypeVar("T")
SERVICES = ("web", "db", "api", "cache")


class Site:
    """What agents ask of the servers: roots, and leaves."""

    def __init__(self, mint: Mint) -> None:
        self._mint = mint

    async def read(self, query: Query[T], _options: ReadOptions) -> KeptReading[CARoots]:
        assert isinstance(query, CARootsQuery)
        return KeptReading(Reading(value=self._mint.store.ca.trusted(), index=1, stamp=1), 0.0, None)

    async def sign_leaf(self, request: LeafRequest) -> IssuedLeaf:
        return await self._mint.authority.sign(request)


@dataclasses.dataclass
class Proxy:
    """One proxy: what it presents, and whom it trusts."""

    service: str
    keeper: LeafKeeper
    presents: str = ""
    trusts: list[str] = dataclasses.field(default_factory=list[str])


class World:
    """A mesh. `vouched` False takes from leaves what older roots vouch by: the world must then break."""

    def __init__(self, config: JsonObject, *, seed: int = 1, vouched: bool = True) -> None:
        self.mint = Mint(config)
        self.vouched = vouched
        self.refused: list[str] = []
        self.judged = 0
        log, _ = quiet_log()
        site = Site(self.mint)
        self.proxies = [
            Proxy(
                name,
                LeafKeeper(site, "dc1", self.mint.clock, SeededRng(seed + number), log, kept=site),  # type: ignore[arg-type]  # all it uses
            )
            for number, name in enumerate(SERVICES)
        ]

    async def begin(self) -> None:
        await self.mint.authority.initialise()
        await self.take_leaves()
        self.learn_roots()
        self.judge("at first")

    async def live(self, days: float, *, step_days: float) -> None:
        """Let time pass. Every order in which news reaches proxies is judged."""
        for step in range(round(days / step_days)):
            self.mint.clock.advance(step_days * DAY_S)
            await self.take_leaves()
            self.judge(f"step {step}: leaves are renewed")
            await self.mint.authority.tend()
            await self.take_leaves()
            self.judge(f"step {step}: leaves of a new root, old bundles")
            self.learn_roots()
            self.judge(f"step {step}: all is known")

    async def take_leaves(self) -> None:
        """Each agent hears of the active root, renews what is due, and hands the leaf to its proxy."""
        for proxy in self.proxies:
            proxy.keeper.root_changed(self.mint.active().id, 0.0)
            await proxy.keeper.renew_due()
            leaf = (await proxy.keeper.leaf(proxy.service, 0, 0)).certificate
            proxy.presents = leaf if self.vouched else chain_text(parsed(leaf)[:1])

    def learn_roots(self) -> None:
        """Every proxy is told of the roots of this moment."""
        for proxy in self.proxies:
            proxy.trusts = self.mint.bundle()

    def judge(self, when: str) -> None:
        """Every proxy shows its leaf to every other."""
        for one in self.proxies:
            for other in self.proxies:
                self.judged += 1
                if not self.mint.accepts(one.presents, other.trusts):
                    self.refused.append(f"{when}: {other.service} refused {one.service}")


@pytest.mark.parametrize("seed", [1, 2])
async def test_in_a_year_of_rotations_no_proxy_refuses_another(seed: int) -> None:
    world = World({"RotateRoot": True, "RotationPeriod": "2160h"}, seed=seed)
    await world.begin()
    await world.live(365, step_days=1)
    assert world.refused == []
    assert world.mint.store.ca.last_serial > 4 * 365 / 2
    assert len(world.mint.log.named("ca.root.activated")) == 5  # the first, and four more
    assert len(world.mint.roots()) <= 2


async def test_in_ten_years_of_roots_and_intermediates_no_proxy_refuses_another() -> None:
    config: JsonObject = {
        "SignByIntermediate": True,
        "IntermediateCertTTL": "8760h",
        "RootCertTTL": "17520h",
        "LeafCertTTL": "720h",
    }
    world = World(config)
    await world.begin()
    await world.live(3650, step_days=10)
    assert world.refused == []
    assert len(world.mint.log.named("ca.root.activated")) >= 6
    assert len(world.mint.log.named("ca.intermediate.renewed")) >= 10


async def test_operators_changes_at_any_time_leave_no_proxy_refused() -> None:
    world = World({})
    await world.begin()
    changes: list[JsonObject] = [
        {"PrivateKeyType": "ec", "PrivateKeyBits": 384},
        {"SignByIntermediate": True, "LeafCertTTL": "240h"},
        {"PrivateKeyType": "rsa", "PrivateKeyBits": 2048, "LeafCertTTL": "24h"},
        {"PrivateKey": ca.key_pem(ca.new_key())},
    ]
    for change in changes:
        await world.mint.authority.configure("consul", change)
        await world.take_leaves()
        world.judge("changed: old bundles")
        world.learn_roots()
        world.judge("changed: new bundles")
        await world.live(11, step_days=0.5)
    assert world.refused == []
    assert len(world.mint.roots()) <= 2


async def test_without_what_older_roots_vouch_by_proxies_are_refused() -> None:
    world = World({"RotateRoot": True, "RotationPeriod": "240h"}, vouched=False)
    await world.begin()
    await world.live(15, step_days=1)
    assert any("old bundles" in one for one in world.refused)


async def test_without_the_leaders_duties_proxies_are_refused() -> None:
    world = World({"SignByIntermediate": True, "IntermediateCertTTL": "240h"})
    await world.begin()

    async def idle() -> None:
        """The leader does nothing."""

    world.mint.authority.tend = idle
    with pytest.raises(Exception, match="has expired"):
        await world.live(20, step_days=0.5)
