"""The agent's own certificate, where the servers give it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography import x509

from lictor_agent import auto_encrypt
from lictor_agent.auto_encrypt import AgentCertificate, CertificateKeeper
from lictor_agent.remote import RemoteSettings
from lictor_config.tree import AutoEncrypt
from lictor_core.clock import Clock, SeededRng, SystemClock
from lictor_core.errors import ClusterError, UnreachableError
from lictor_core.keyring import Ring
from lictor_core.queries import CARootsQuery
from lictor_core.records import CARoots
from lictor_core.registry import Reading, ReadOptions
from lictor_server import UNKEYED, Keyed, PemPair, Server, ServerSettings, TlsSettings
from tests.agent.builders import NODE_ID
from tests.agent.harness import quiet_log
from tests.server.certificates import Authority, strict
from tests.support.clock import ManualClock
from tests.support.conditions import eventually
from tests.support.ports import free_port

WISH = AutoEncrypt(tls=True, dns_san=("Web.example", "localhost"), ip_san=("10.0.0.1", "none"))


@asynccontextmanager
async def giving(authority: Authority, keyed: Keyed = UNKEYED) -> AsyncGenerator[str]:
    """Where a server is that gives certificates."""
    log, captured = quiet_log()
    tls = replace(strict(authority, authority.server()), gives_certificates=True)
    settings = ServerSettings(node_name="s1", node_id=NODE_ID, server_port=0, tls=tls)
    server = Server(settings, clock=SystemClock(), rng=SeededRng(7), log=log, keyed=keyed)
    await server.start()
    try:
        changed = "tls.agent_roots.changed"
        await eventually(lambda: any(one["event"] == changed for one in captured.entries), what="the CA of the mesh")
        yield f"127.0.0.1:{server.server_port}"
    finally:
        await server.stop()


def keeper(
    authority: Authority,
    *places: str,
    datacenter: str = "dc1",
    clock: Clock | None = None,
    keyed: Keyed = UNKEYED,
) -> CertificateKeeper:
    return CertificateKeeper(
        RemoteSettings(node_name="c1", node_id=NODE_ID, datacenter=datacenter, retry_join=places),
        WISH,
        TlsSettings(ca_file=authority.ca_file, verify_server_hostname=True, asks_for_certificate=True),
        keyed=keyed,
        token=lambda: "",
        servers=lambda: (),
        clock=clock or SystemClock(),
        rng=SeededRng(3),
        log=quiet_log()[0],
    )


async def test_the_first_server_that_is_there_gives_it(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    async with giving(authority) as place:
        asked = keeper(authority, f"127.0.0.1:{free_port()}", place)
        told: list[AgentCertificate | None] = []
        asked.at_certificate(lambda: told.append(asked.certificate))
        assert asked.certificate is None
        await asked.first()
        (certificate,) = told
        assert certificate is not None
        leaf = x509.load_pem_x509_certificate(certificate.pair.certificate.encode())
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        assert names.get_values_for_type(x509.DNSName) == ["localhost", "web.example"]
        assert [str(one) for one in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1", "::1", "10.0.0.1"]
        assert certificate.valid_before == leaf.not_valid_after_utc.timestamp()
        assert certificate.verify_server_hostname
        root = x509.load_pem_x509_certificate(certificate.roots.encode())
        leaf.verify_directly_issued_by(root)


async def test_where_there_is_a_key_the_first_question_proves_it(tmp_path: Path) -> None:
    authority, ring = Authority(tmp_path), Ring((b"k" * 32,))
    keyed = Keyed(lambda: ring, datacenter="dc1")
    async with giving(authority, keyed) as place:
        with pytest.raises(ClusterError, match="wants an encrypt key proven first"):
            await keeper(authority, place).obtain()
        asked = keeper(authority, place, keyed=keyed)
        await asked.obtain()
        assert asked.certificate is not None


async def test_nobody_who_gives_one_is_told_with_the_reasons(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    with pytest.raises(ClusterError, match="no server is named"):
        await keeper(authority).obtain()
    async with giving(authority) as place:
        with pytest.raises(ClusterError, match="is a server of datacenter 'dc1'"):
            await keeper(authority, place, datacenter="dc2").obtain()
        with pytest.raises(ClusterError, match="cannot be trusted"):
            await keeper(Authority(tmp_path / "other"), place).obtain()


async def test_who_was_told_to_join_asks_there_and_later_again(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    async with giving(authority) as place:
        asked = keeper(authority)
        with pytest.raises(ClusterError):
            await asked.meet((f"127.0.0.1:{free_port()}",))
        await asked.meet((place,))
        first = asked.certificate
        assert first is not None
        await asked.meet((place,))
        assert asked.certificate is first
        await asked.obtain()
        assert asked.certificate is not first


class Scripted(CertificateKeeper):
    """Gets certificates of an hour, by the clock of the test, but for the attempts that are to fail."""

    failures = 0
    clock: ManualClock
    obtained: list[float]
    """When."""

    async def obtain(self) -> None:
        if self.failures:
            self.failures -= 1
            raise UnreachableError("nobody is there")
        now = self.clock.now()
        self.obtained.append(now)
        self.certificate = AgentCertificate(
            pair=PemPair("", ""), roots="", root_id="root", valid_after=now, valid_before=now + 3600
        )


def scripted(authority: Authority, clock: ManualClock) -> Scripted:
    made = Scripted(
        RemoteSettings(node_name="c1", node_id=NODE_ID, datacenter="dc1"),
        WISH,
        TlsSettings(ca_file=authority.ca_file, asks_for_certificate=True),
        token=lambda: "",
        servers=lambda: (),
        clock=clock,
        rng=SeededRng(3),
        log=quiet_log()[0],
    )
    made.clock = clock
    made.obtained = []
    return made


async def test_it_is_asked_for_until_there_is_one(tmp_path: Path) -> None:
    asked = scripted(Authority(tmp_path), ManualClock())
    asked.failures = 2
    await asked.first()
    assert len(asked.obtained) == 1


@asynccontextmanager
async def kept(asked: Scripted, root_ids: list[str], failing: list[str]) -> AsyncGenerator[None]:
    """The certificate is kept while the block runs, in a time that passes as fast as it is waited for.

    The active root is each of `root_ids` in turn, then the last of them; while `failing` holds anything, nobody tells.
    """

    async def read(query: CARootsQuery, options: ReadOptions) -> Reading[CARoots]:
        await asyncio.sleep(0)
        if failing:
            raise UnreachableError(failing.pop())
        asked.clock.advance(options.wait_s)
        roots = CARoots(
            active_root_id=root_ids.pop(0) if len(root_ids) > 1 else root_ids[0], trust_domain="x.consul", roots=[]
        )
        return Reading(value=roots, index=7, stamp=0)

    await asked.first()
    running = asyncio.create_task(asked.run(read))  # noqa: TID251 ended below
    try:
        yield
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


async def test_it_is_renewed_in_the_middle_of_its_life_also_when_that_fails_at_first(tmp_path: Path) -> None:
    clock = ManualClock()
    asked = scripted(Authority(tmp_path), clock)
    began = clock.now()
    async with kept(asked, [""], []):
        asked.failures = 2
        await eventually(lambda: len(asked.obtained) > 1, what="the renewal")
    assert 1800 <= asked.obtained[1] - began <= 2340 + 120


async def test_it_is_renewed_when_another_root_signs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auto_encrypt, "_ROOT_SPREAD_S_MAX", 0.01)
    clock = ManualClock()
    asked = scripted(Authority(tmp_path), clock)
    began = clock.now()
    async with kept(asked, ["root", "root", "root", "another", "root"], ["for a moment"]):
        await eventually(lambda: len(asked.obtained) > 1, what="the renewal")
    assert asked.obtained[1] == began + 4 * 60
