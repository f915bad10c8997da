"""The CA behind the door: whose leaves it signs, and what a change of settings does."""

from __future__ import annotations

import asyncio
import dataclasses
from pathlib import Path

import pytest
from cryptography import x509

from lictor_core.clock import SeededRng, SystemClock
from lictor_core.errors import OverloadedError, PermissionDeniedError, RequestError
from lictor_core.limits import NESTING_MAX
from lictor_core.queries import CAConfigurationQuery, CARootsQuery
from lictor_core.records import CARoots
from lictor_core.registry import IssuedLeaf, LeafRequest, ReadOptions
from lictor_server import Server, ca
from tests.server.ca.build import csr, default_uri
from tests.server.conftest import SETTINGS, Log
from tests.support.clock import ManualClock

NOW = ReadOptions()


async def trusted(server: Server) -> CARoots:
    return (await server.read(CARootsQuery(), NOW)).value


async def leaf(server: Server, service: str = "web", *, uri: str = "") -> IssuedLeaf:
    domain = (await trusted(server)).trust_domain
    return await server.sign_leaf(LeafRequest(csr=csr(uri or default_uri(service, domain=domain)), service=service))


def issued_by(issued: IssuedLeaf, roots: CARoots) -> str:
    """The id of the root that verifies the leaf."""
    certificate = x509.load_pem_x509_certificate(issued.certificate.encode())
    for root in roots.roots:
        issuer = x509.load_pem_x509_certificate(root.root_cert.encode())
        if issuer.subject == certificate.issuer:
            certificate.verify_directly_issued_by(issuer)
            return root.id
    raise AssertionError("no trusted root issued the leaf")


async def test_leaf_is_signed_by_the_active_root(server: Server) -> None:
    issued, roots = await leaf(server), await trusted(server)
    assert issued_by(issued, roots) == issued.root_id == roots.active_root_id
    assert issued.valid_before - issued.valid_after == 72 * 3600
    assert issued.index > 0


async def test_no_serial_number_is_used_twice(server: Server) -> None:
    numbers = [(await leaf(server)).serial_number for _ in range(5)]
    assert len(set(numbers)) == 5


async def test_leaf_for_another_service_than_asked_is_refused(server: Server) -> None:
    domain = (await trusted(server)).trust_domain
    with pytest.raises(PermissionDeniedError, match="'db'"):
        await leaf(server, "web", uri=default_uri("db", domain=domain))


async def test_agents_leaf_is_not_given_for_a_service(server: Server) -> None:
    domain = (await trusted(server)).trust_domain
    with pytest.raises(PermissionDeniedError):
        await leaf(server, "web", uri=f"spiffe://{domain}/agent/client/dc/dc1/id/n1")
    issued = await leaf(server, "", uri=f"spiffe://{domain}/agent/client/dc/dc1/id/n1")
    assert issued.uri.endswith("/id/n1")


async def test_foreign_trust_domain_and_datacenter_are_refused(server: Server) -> None:
    domain = (await trusted(server)).trust_domain
    with pytest.raises(RequestError, match="trust domain"):
        await leaf(server, uri=default_uri("web", domain="11111111-2222-3333-4444-555555555555.consul"))
    with pytest.raises(RequestError, match="datacenter 'dc2'"):
        await leaf(server, uri=default_uri("web", domain=domain, datacenter="dc2"))


async def test_changed_lifetime_holds_for_the_next_leaf_and_keeps_the_root(server: Server) -> None:
    before = await trusted(server)
    await server.configure_ca("consul", {"LeafCertTTL": "24h"})
    issued = await leaf(server)
    assert issued.valid_before - issued.valid_after == 24 * 3600
    assert await trusted(server) == before
    assert (await server.read(CAConfigurationQuery(), NOW)).value.config == {"LeafCertTTL": "24h"}


async def test_given_key_makes_a_new_root_and_the_old_one_stays_trusted(server: Server) -> None:
    before, old_leaf = await trusted(server), await leaf(server)
    await server.configure_ca("consul", {"PrivateKey": ca.key_pem(ca.new_key("ec", 384))})
    after = await trusted(server)
    assert [root.active for root in after.roots] == [False, True]
    assert after.roots[0].id == before.active_root_id != after.active_root_id
    assert after.roots[1].private_key_bits == 384
    assert issued_by(await leaf(server), after) == after.active_root_id
    assert issued_by(old_leaf, after) == before.active_root_id


async def test_same_key_again_changes_no_root(server: Server) -> None:
    config: dict[str, object] = {"PrivateKey": ca.key_pem(ca.new_key())}
    await server.configure_ca("consul", config)
    before = await trusted(server)
    await server.configure_ca("consul", config)
    assert await trusted(server) == before


async def test_given_root_is_used_as_it_is(server: Server) -> None:
    key = ca.new_key()
    cluster_id = (await trusted(server)).trust_domain.removesuffix(".consul")
    own = ca.make_root(key, cluster_id=cluster_id, serial=77, unique="own", now=SystemClock().now())
    await server.configure_ca("consul", {"PrivateKey": ca.key_pem(key), "RootCert": own.root_cert})
    roots = await trusted(server)
    assert roots.active_root_id == own.id
    assert issued_by(await leaf(server), roots) == own.id


async def test_another_kind_of_key_makes_a_new_root(server: Server) -> None:
    await server.configure_ca("consul", {"PrivateKeyType": "ec", "PrivateKeyBits": 256})
    assert len((await trusted(server)).roots) == 1
    await server.configure_ca("consul", {"PrivateKeyType": "ec", "PrivateKeyBits": 384})
    assert [root.private_key_bits for root in (await trusted(server)).roots] == [256, 384]


async def test_no_private_key_is_shown_or_logged(server: Server, log: Log) -> None:
    pem = ca.key_pem(ca.new_key())
    secret = pem.splitlines()[1]
    await server.configure_ca("consul", {"PrivateKey": pem})
    shown = repr((await server.read(CAConfigurationQuery(), NOW)).value) + repr(await trusted(server))
    assert secret not in shown
    assert secret not in repr(log.entries)
    assert "PRIVATE" not in shown + repr(log.entries)


async def test_too_many_leaves_a_second_are_refused(log: Log) -> None:
    settings = dataclasses.replace(SETTINGS, csr_per_second_max=2.0)
    server = Server(settings, clock=ManualClock(), rng=SeededRng(1), log=log.logger)
    await server.start()
    answers = await asyncio.gather(*(leaf(server) for _ in range(10)), return_exceptions=True)
    refused = [answer for answer in answers if isinstance(answer, OverloadedError)]
    assert len(refused) == 8
    await server.stop()


async def test_first_root_and_settings_follow_the_configuration(log: Log) -> None:
    key = ca.new_key("ec", 384)
    config: dict[str, object] = {"leaf_cert_ttl": "24h", "private_key": ca.key_pem(key)}
    server = Server(
        dataclasses.replace(SETTINGS, ca_config=config), clock=SystemClock(), rng=SeededRng(1), log=log.logger
    )
    await server.start()
    roots, issued = await trusted(server), await leaf(server)
    shown = (await server.read(CAConfigurationQuery(), NOW)).value.config
    await server.stop()
    assert [root.signing_key_id for root in roots.roots] == [ca.signing_key_id(key)]
    assert issued.valid_before - issued.valid_after == 24 * 3600
    assert shown == {"IntermediateCertTTL": "8760h", "LeafCertTTL": "24h", "RotationPeriod": "2160h"}


def test_wrong_settings_of_the_ca_are_told_before_the_start(log: Log) -> None:
    settings = dataclasses.replace(SETTINGS, ca_config={"LeafCertTTL": "1m"})
    with pytest.raises(RequestError, match="LeafCertTTL"):
        Server(settings, clock=SystemClock(), rng=SeededRng(1), log=log.logger)


def test_the_module_that_signs_writes_no_file() -> None:
    text = "".join(path.read_text() for path in Path(ca.__file__).parent.glob("*.py"))
    assert "open(" not in text
    assert "write_text" not in text


async def test_settings_that_a_server_could_fail_to_compare_are_refused(server: Server) -> None:
    deep: dict[str, object] = {}
    for _ in range(NESTING_MAX):
        deep = {"a": deep}
    with pytest.raises(RequestError, match="Config of the CA nests more"):
        await server.configure_ca("consul", deep)
