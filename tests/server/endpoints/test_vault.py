"""The CA in Vault at work: leaves, renewals, and the way to it and back."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest

from lictor_core.errors import CatchingUpError, PeerError, RequestError
from lictor_core.records import JsonObject
from lictor_core.registry import LeafRequest
from lictor_server import ca
from tests.server.ca.build import csr, default_uri
from tests.support.clock import ManualClock
from tests.support.mint import DAY_S, Mint
from tests.support.vault import TOKEN, FakeVault, vault_running


def settings(vault: FakeVault, **more: object) -> JsonObject:
    return {
        "Address": vault.address,
        "Token": TOKEN,
        "RootPKIPath": "connect-root",
        "IntermediatePKIPath": "connect/intermediate",
        **more,
    }


@asynccontextmanager
async def at_vault(**more: object) -> AsyncGenerator[tuple[Mint, FakeVault]]:
    clock = ManualClock()
    async with vault_running(clock) as vault:
        mint = Mint(settings(vault, **more), provider="vault", clock=clock)
        await begin(mint)
        yield mint, vault


@asynccontextmanager
async def beside_vault() -> AsyncGenerator[tuple[Mint, FakeVault]]:
    clock = ManualClock()
    async with vault_running(clock) as vault:
        mint = Mint(clock=clock)
        await mint.authority.initialise()
        yield mint, vault


async def begin(mint: Mint) -> None:
    """What a new leader does, and then what it looks after."""
    await mint.authority.initialise()
    await mint.authority.tend()


async def test_leaves_chain_to_the_root_in_vault_by_its_intermediate() -> None:
    async with at_vault() as (mint, vault):
        issued = await mint.leaf()
        assert mint.accepts(issued.certificate)
        assert issued.certificate.count("BEGIN CERTIFICATE") == 2
        assert (mint.active().name, len(mint.active().intermediate_certs or ())) == ("Vault CA Root Cert", 1)
        assert set(vault.engines) == {"connect-root", "connect/intermediate"}
        assert issued.valid_before - mint.clock.now() == 72 * 3600


async def test_no_key_and_no_token_is_kept_or_shown() -> None:
    async with at_vault() as (mint, _):
        await mint.leaf()
        assert mint.store.ca.keys() == []
        assert "Token" not in mint.store.ca.shown_configuration().config
        assert TOKEN not in repr(mint.log.entries)


async def test_root_that_vault_has_is_used_and_never_written() -> None:
    async with at_vault() as (first, vault):
        vault.asked.clear()
        second = Mint(settings(vault), provider="vault", clock=first.clock)
        await begin(second)
        assert second.active().id == first.active().id
        assert second.active().intermediate_certs == first.active().intermediate_certs
        assert not [one for one in vault.asked if one.startswith("POST connect-root")]


async def test_way_to_vault_and_back_is_vouched_for_at_each_step() -> None:
    async with beside_vault() as (mint, vault):
        bundle = mint.bundle()
        await mint.authority.configure("vault", settings(vault))
        assert mint.accepts((await mint.leaf()).certificate, bundle)
        bundle = [mint.active().root_cert]
        await mint.authority.configure("consul", {})
        assert mint.accepts((await mint.leaf()).certificate, bundle)
        assert "connect/intermediate" not in vault.engines  # which was made for us
        assert "connect-root" in vault.engines
        assert len(mint.roots()) == 3


async def test_leaves_of_vault_are_taken_after_the_way_back() -> None:
    async with at_vault() as (mint, _):
        old = await mint.leaf()
        await mint.authority.configure("consul", {})
        await mint.pass_days(2.9)
        assert mint.accepts(old.certificate)
        await mint.pass_days(1)
        assert len(mint.roots()) == 1


async def test_engine_that_somebody_else_began_is_left_in_place() -> None:
    async with beside_vault() as (mint, vault):
        await mint.authority.configure("vault", settings(vault))
        state = mint.store.ca.shown_configuration().state
        assert state == {"intermediate_mounted": "true"}
        again = Mint(settings(vault), provider="vault", clock=mint.clock)
        await begin(again)
        await again.authority.configure("consul", {})
        assert "connect/intermediate" in vault.engines


async def test_vault_that_cannot_vouch_is_left_by_force_alone() -> None:
    async with at_vault() as (mint, vault):
        vault.no_cross_signing = True
        with pytest.raises(RequestError, match=r"key type mismatch.*ForceWithoutCrossSigning"):
            await mint.authority.configure("consul", {})
        assert mint.store.ca.configuration is not None
        assert mint.store.ca.configuration.provider == "vault"
        await mint.authority.configure("consul", {}, force_without_cross_signing=True)
        assert [mint.active().id in trusted for trusted in mint.trusted_at_rest] == [True]


async def test_intermediate_in_vault_is_renewed_at_half_of_its_life() -> None:
    async with at_vault(IntermediateCertTTL="240h") as (mint, _):
        first = mint.active().intermediate_certs
        leaf = await mint.leaf()
        await mint.pass_days(4.9, step_days=0.1)
        assert mint.active().intermediate_certs == first
        await mint.pass_days(0.2, step_days=0.1)
        assert mint.active().intermediate_certs != first
        assert mint.accepts((await mint.leaf()).certificate)
        mint.clock.jump(leaf.valid_before - mint.clock.now() - 3 * DAY_S)
        assert mint.accepts(leaf.certificate)


async def test_root_that_is_replaced_in_vault_is_followed() -> None:
    async with at_vault() as (mint, vault):
        first = mint.active().id
        old = await mint.leaf()
        del vault.engines["connect-root"]
        other = Mint(settings(vault), provider="vault", clock=mint.clock)
        await begin(other)  # makes another root there, and an intermediate of it
        await mint.authority.tend()
        assert mint.active().id == other.active().id != first
        assert mint.accepts((await mint.leaf()).certificate)
        assert mint.accepts(old.certificate)


async def test_intermediate_that_is_replaced_in_vault_is_followed() -> None:
    async with at_vault() as (mint, vault):
        old = await mint.leaf()
        engine = vault.engines["connect/intermediate"]
        engine.certificate = engine.key = None
        other = Mint(settings(vault), provider="vault", clock=mint.clock)
        await begin(other)
        with pytest.raises(PeerError, match="another intermediate"):
            await mint.leaf()
        await mint.authority.tend()
        assert mint.accepts((await mint.leaf()).certificate)
        assert mint.accepts(old.certificate)


async def test_token_is_renewed_past_half_of_its_life() -> None:
    async with at_vault() as (mint, vault):
        await mint.authority.tend()
        assert vault.renewals == 0
        vault.token_left_s = 1700
        await mint.authority.tend()
        assert vault.renewals == 1


async def test_vault_that_is_away_keeps_nobody_from_leading() -> None:
    clock = ManualClock()
    async with vault_running(clock) as vault:
        vault.sealed = True
        mint = Mint(settings(vault), provider="vault", clock=clock)
        await mint.authority.initialise()
        with pytest.raises(PeerError, match="Vault is sealed"):
            await mint.authority.tend()
        with pytest.raises(CatchingUpError, match="no root yet"):
            await mint.authority.sign(LeafRequest(csr=csr(default_uri()), service="web"))
        vault.sealed = False
        await mint.authority.tend()
        assert mint.accepts((await mint.leaf()).certificate)


async def test_vault_that_never_came_can_be_left() -> None:
    clock = ManualClock()
    async with vault_running(clock) as vault:
        vault.sealed = True
        mint = Mint(settings(vault), provider="vault", clock=clock)
        await mint.authority.initialise()
        await mint.authority.configure("consul", {"LeafCertTTL": "24h"})
        shown = mint.store.ca.shown_configuration()
        assert (shown.provider, shown.config) == ("consul", {"LeafCertTTL": "24h"})
        issued = await mint.leaf()
        assert issued.valid_before - issued.valid_after == 24 * 3600
        await mint.authority.tend()


async def test_old_roots_go_while_vault_is_away() -> None:
    async with beside_vault() as (mint, vault):
        await mint.leaf()
        await mint.authority.configure("vault", settings(vault))
        vault.sealed = True
        mint.clock.advance(4 * DAY_S)
        with pytest.raises(PeerError, match="sealed"):
            await mint.authority.tend()
        assert len(mint.roots()) == 1


async def test_wrong_token_is_refused_and_changes_nothing() -> None:
    async with beside_vault() as (mint, vault):
        before = mint.store.ca.configuration, mint.active()
        with pytest.raises(PeerError, match="permission denied") as caught:
            await mint.authority.configure("vault", settings(vault, Token="s.wrong"))
        assert "s.wrong" not in str(caught.value)
        assert (mint.store.ca.configuration, mint.active()) == before


async def test_settings_that_were_read_can_be_written_back() -> None:
    async with at_vault() as (mint, _):
        shown = dict(mint.store.ca.shown_configuration().config)
        await mint.authority.configure("vault", {**shown, "LeafCertTTL": "24h"})
        issued = await mint.leaf()
        assert issued.valid_before - mint.clock.now() == 24 * 3600
        with pytest.raises(RequestError, match="needs Token"):
            await mint.authority.configure("vault", {**shown, "Address": "http://127.0.0.1:1"})


async def test_year_with_vault_needs_no_one() -> None:
    async with at_vault(IntermediateCertTTL="2160h") as (mint, _):
        for _ in range(36):
            leaf = await mint.leaf()
            await mint.pass_days(10, step_days=2.5)
            mint.clock.jump(-7.5 * DAY_S)
            assert mint.accepts(leaf.certificate)
            mint.clock.jump(7.5 * DAY_S)
        assert len(mint.log.named("ca.intermediate.renewed")) >= 7
        assert len(mint.roots()) == 1


async def test_given_key_is_no_setting_of_vault() -> None:
    async with beside_vault() as (mint, vault):
        with pytest.raises(RequestError, match="'vault' has no setting 'PrivateKey'"):
            await mint.authority.configure("vault", settings(vault, PrivateKey=ca.key_pem(ca.new_key())))
