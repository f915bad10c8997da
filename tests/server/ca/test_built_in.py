from __future__ import annotations

import asyncio
import itertools
import subprocess
from pathlib import Path

import pytest

from lictor_core.errors import RequestError
from lictor_core.records import JsonObject
from lictor_server import ca
from lictor_server.ca import built_in as module
from lictor_server.ca.intermediates import intermediate_request, sign_intermediate
from lictor_server.ca.roots import chain_of
from tests.server.ca.build import CLUSTER, DOMAIN, NOW, csr, default_uri
from tests.support.chains import chains, parsed

DAY = 86_400.0
BY_INTERMEDIATE: JsonObject = {"SignByIntermediate": True}


def built_in(config: JsonObject | None = None) -> ca.Provider:
    numbers = itertools.count(1)

    async def serial() -> int:
        return next(numbers)

    return ca.provider_of(
        ca.read_settings("consul", config or {}), CLUSTER, serials=serial, unique=lambda: f"u{next(numbers)}"
    )


async def signed(provider: ca.Provider, current: ca.Established, *, now: float = NOW) -> str:
    terms = ca.LeafTerms(serial=99, now=now, lifetime_s=3 * DAY)
    leaf = await provider.sign_leaf(current, ca.read_csr(csr(default_uri())), terms)
    return leaf.certificate + "".join(current.root.intermediate_certs or ())


def given(*, chain: bool) -> tuple[JsonObject, str]:
    """Settings with a root of the operator's own, with its key or with that of an intermediate; and the root."""
    root_key, key = ca.new_key(), ca.new_key()
    root = ca.make_root(root_key, cluster_id=CLUSTER, serial=1, unique="own", now=NOW)
    if not chain:
        return {"PrivateKey": ca.key_pem(root_key), "RootCert": root.root_cert}, root.root_cert
    request = intermediate_request(key, common_name="sec", trust_domain=DOMAIN)
    between = sign_intermediate(
        request, issuer_pem=root.root_cert, key=root_key, trust_domain=DOMAIN, serial=2, now=NOW, lifetime_s=365 * DAY
    )
    return {"PrivateKey": ca.key_pem(key), "RootCert": between + root.root_cert}, root.root_cert


@pytest.mark.parametrize("kind", [("ec", 256), ("ec", 384), ("rsa", 2048)])
@pytest.mark.parametrize("by_intermediate", [False, True])
async def test_leaves_chain_to_the_root_whatever_the_key(kind: tuple[str, int], by_intermediate: bool) -> None:
    config: JsonObject = {
        "PrivateKeyType": kind[0],
        "PrivateKeyBits": kind[1],
        "SignByIntermediate": by_intermediate,
    }
    provider = built_in(config)
    current = await provider.establish(None, NOW)
    assert (current.root.private_key_type, current.root.private_key_bits) == kind
    assert current.has_own_intermediate == by_intermediate
    assert chains(await signed(provider, current), [current.root.root_cert], NOW)


async def test_same_settings_ask_for_the_same_root() -> None:
    for config in ({}, BY_INTERMEDIATE, given(chain=False)[0], given(chain=True)[0]):
        provider = built_in(config)
        current = await provider.establish(None, NOW)
        assert await provider.establish(current, NOW) is current


async def test_given_intermediate_signs_and_the_root_behind_it_is_trusted() -> None:
    config, root_pem = given(chain=True)
    provider = built_in(config)
    current = await provider.establish(None, NOW)
    assert current.root.root_cert == root_pem
    assert current.life.given
    assert chains(await signed(provider, current), [root_pem], NOW)


async def test_chain_without_its_root_is_refused() -> None:
    config, _ = given(chain=True)
    between = str(config["RootCert"]).partition("-----END CERTIFICATE-----\n")
    with pytest.raises(RequestError, match="does not end in a root"):
        await built_in({**config, "RootCert": between[0] + between[1]}).establish(None, NOW)


async def test_old_root_vouches_for_a_new_one() -> None:
    old_provider, new_provider = built_in(), built_in({"PrivateKeyBits": 384})
    old, new = await old_provider.establish(None, NOW), await new_provider.establish(None, NOW)
    terms = ca.LeafTerms(serial=50, now=NOW, lifetime_s=7 * DAY)
    vouched = await old_provider.cross_sign(old, new.root.root_cert, terms)
    leaf = await signed(new_provider, new)
    assert chains(leaf + vouched, [old.root.root_cert], NOW)
    assert not chains(leaf + vouched, [old.root.root_cert], NOW + 8 * DAY)


async def test_intermediate_that_is_renewed_is_another_one_of_the_same_root() -> None:
    provider = built_in(BY_INTERMEDIATE)
    current = await provider.establish(None, NOW)
    later = NOW + 200 * DAY
    renewed = await provider.renew_intermediate(current, later)
    assert renewed.root.id == current.root.id
    assert renewed.life.signer_ends - later == pytest.approx(365 * DAY, abs=120)
    assert renewed.root.intermediate_certs != current.root.intermediate_certs
    assert chains(await signed(provider, renewed, now=later), [current.root.root_cert], later)


async def test_settings_decide_who_signs_under_the_same_root() -> None:
    plain, between = built_in(), built_in(BY_INTERMEDIATE)
    first = await plain.establish(None, NOW)
    second = await between.establish(first, NOW)
    third = await plain.establish(second, NOW)
    assert first.root.id == second.root.id == third.root.id
    assert [one.has_own_intermediate for one in (first, second, third)] == [False, True, False]
    for provider, current in ((plain, first), (between, second), (plain, third)):
        assert chains(await signed(provider, current), [first.root.root_cert], NOW)


async def test_authority_below_the_root_is_signed_for_leaves_alone() -> None:
    provider = built_in()
    current = await provider.establish(None, NOW)
    key = ca.new_key()
    request = intermediate_request(key, common_name="sec", trust_domain=DOMAIN)
    terms = ca.LeafTerms(serial=51, now=NOW, lifetime_s=DAY)
    pem = await provider.sign_intermediate(current, request, terms)
    order = ca.read_csr(csr(default_uri()))
    leaf = ca.sign_leaf(order, issuer_pem=pem, key=key, serial=52, now=NOW, lifetime_s=3600)
    assert chains(leaf.certificate + pem, [current.root.root_cert], NOW)


async def test_life_of_a_root_may_be_set() -> None:
    provider = built_in({"RootCertTTL": "17520h"})
    current = await provider.establish(None, NOW)
    assert current.root.not_after == "2028-01-01T00:00:00Z"


def openssl_says(folder: Path, leaf: str, helpers: str, trusted: str, at: float) -> bool:
    for name, text in (("leaf", leaf), ("helpers", helpers), ("root", trusted)):
        (folder / f"{name}.pem").write_text(text)
    command = ["openssl", "verify", "-x509_strict", "-attime", str(int(at)), "-CAfile", str(folder / "root.pem")]
    command += ["-untrusted", str(folder / "helpers.pem")] if helpers else []
    ran = subprocess.run([*command, str(folder / "leaf.pem")], capture_output=True, timeout=20)
    return ran.returncode == 0


@pytest.mark.needs("openssl")
async def test_openssl_agrees_on_what_chains(tmp_path: Path) -> None:
    old_provider, new_provider = built_in(), built_in(BY_INTERMEDIATE)
    old, new = await old_provider.establish(None, NOW), await new_provider.establish(None, NOW)
    vouched = await old_provider.cross_sign(
        old, new.root.root_cert, ca.LeafTerms(serial=50, now=NOW, lifetime_s=7 * DAY)
    )
    presented = await signed(new_provider, new)
    leaf = chain_of(parsed(presented)[:1])
    verdicts: list[bool] = []
    for trusted in (old.root.root_cert, new.root.root_cert):
        for helpers in ("", presented, presented + vouched):
            for at in (NOW, NOW + 2 * DAY, NOW + 8 * DAY):
                verdicts.append(chains(leaf + helpers, [trusted], at))
                assert openssl_says(tmp_path, leaf, helpers, trusted, at) == verdicts[-1], (len(helpers), at)
    assert set(verdicts) == {True, False}


async def test_key_is_read_once_however_many_leaves_are_asked_for_together(monkeypatch: pytest.MonkeyPatch) -> None:
    provider = built_in()
    current = await provider.establish(None, NOW)
    read: list[str] = []

    def load_key(pem: str, *, is_ours: bool) -> ca.PrivateKey:
        read.append(pem)
        return ca.load_key(pem, is_ours=is_ours)

    monkeypatch.setattr(module, "load_key", load_key)
    await asyncio.gather(*(signed(provider, current) for _ in range(5)))
    assert len(read) == 1
