"""What Vault answers is looked at before it is believed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from lictor_core.errors import PeerError
from lictor_server import ca
from tests.server.ca.build import CLUSTER, DOMAIN, NOW, csr, default_uri
from tests.support.clock import ManualClock
from tests.support.vault import TOKEN, FakeVault, vault_running


def provider_at(vault: FakeVault, **more: object) -> ca.Provider:
    async def serial() -> int:
        raise AssertionError("Vault numbers its certificates itself")

    config: dict[str, object] = {
        "Address": vault.address,
        "Token": TOKEN,
        "RootPKIPath": "r",
        "IntermediatePKIPath": "i",
    }
    return ca.provider_of(ca.read_settings("vault", {**config, **more}), CLUSTER, serials=serial, unique=lambda: "u")


def terms(lifetime_s: float = 3600.0) -> ca.LeafTerms:
    return ca.LeafTerms(serial=1, now=NOW, lifetime_s=lifetime_s)


def order(service: str = "web") -> ca.LeafOrder:
    return ca.read_csr(csr(default_uri(service)))


def no_certificate(_answer: dict[str, Any]) -> dict[str, Any]:
    return {"certificate": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"}


def nothing(_answer: dict[str, Any]) -> dict[str, Any]:
    return {}


@pytest.mark.parametrize("lie", [no_certificate, nothing])
@pytest.mark.parametrize("path", ["root/sign-intermediate", "intermediate/generate/internal"])
async def test_answer_without_a_certificate_is_no_answer(
    lie: Callable[[dict[str, Any]], dict[str, Any]], path: str
) -> None:
    async with vault_running(ManualClock()) as vault:
        vault.lies[path] = lie
        with pytest.raises(PeerError, match="without a"):
            await provider_at(vault).establish(None, NOW)


async def test_leaf_on_another_key_is_refused() -> None:
    async with vault_running(ManualClock()) as vault:
        provider = provider_at(vault)
        current = await provider.establish(None, NOW)
        other = (await provider.sign_leaf(current, order(), terms())).certificate
        vault.lies["sign/leaf-cert"] = lambda _answer: {"certificate": other}
        with pytest.raises(PeerError, match="another certificate"):
            await provider.sign_leaf(current, order(), terms())


async def test_leaf_for_another_service_is_refused() -> None:
    async with vault_running(ManualClock()) as vault:
        provider = provider_at(vault)
        current = await provider.establish(None, NOW)
        key = ca.new_key()
        wanted, other = (ca.read_csr(csr(default_uri(name), key=key)) for name in ("web", "db"))
        wrong = (await provider.sign_leaf(current, other, terms())).certificate
        vault.lies["sign/leaf-cert"] = lambda _answer: {"certificate": wrong}
        with pytest.raises(PeerError, match="another certificate"):
            await provider.sign_leaf(current, wanted, terms())


async def test_root_that_is_vouched_for_must_be_the_one_that_was_given() -> None:
    async with vault_running(ManualClock()) as vault:
        provider = provider_at(vault)
        current = await provider.establish(None, NOW)
        one, other = (
            ca.make_root(ca.new_key(), cluster_id=CLUSTER, serial=5, unique=name, now=NOW).root_cert
            for name in ("a", "b")
        )
        vouched = await provider.cross_sign(current, one, terms())
        vault.lies["root/sign-self-issued"] = lambda _answer: {"certificate": vouched}
        assert await provider.cross_sign(current, one, terms()) == vouched
        with pytest.raises(PeerError, match="another certificate than the new root"):
            await provider.cross_sign(current, other, terms())


async def test_leaf_never_outlives_the_intermediate() -> None:
    async with vault_running(ManualClock()) as vault:
        provider = provider_at(vault, IntermediateCertTTL="100h", LeafCertTTL="100h")
        current = await provider.establish(None, NOW)
        vault.clock.advance(40 * 3600)  # type: ignore[attr-defined]  # a clock of the test
        later = ca.LeafTerms(serial=1, now=vault.clock.now(), lifetime_s=100 * 3600.0)
        leaf = await provider.sign_leaf(current, order(), later)
        assert leaf.valid_before == pytest.approx(current.life.signer_ends, abs=60)


@pytest.mark.parametrize("kind", [("ec", 384), ("rsa", 2048)])
async def test_kind_of_key_is_that_of_the_settings(kind: tuple[str, int]) -> None:
    async with vault_running(ManualClock()) as vault:
        provider = provider_at(vault, PrivateKeyType=kind[0], PrivateKeyBits=kind[1])
        current = await provider.establish(None, NOW)
        assert (current.root.private_key_type, current.root.private_key_bits) == kind


async def test_authority_below_the_root_is_signed() -> None:
    from lictor_server.ca.intermediates import intermediate_request
    from tests.support.chains import parsed

    async with vault_running(ManualClock()) as vault:
        provider = provider_at(vault)
        current = await provider.establish(None, NOW)
        request = intermediate_request(ca.new_key(), common_name="sec", trust_domain=DOMAIN)
        signed = parsed(await provider.sign_intermediate(current, request, terms()))[0]
        signed.verify_directly_issued_by(parsed(current.root.root_cert)[0])
