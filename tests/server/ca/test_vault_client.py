from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from lictor_core.errors import PeerError, UnreachableError
from lictor_server.ca import vault_client
from lictor_server.ca.settings import VaultSettings
from lictor_server.ca.vault_client import VaultClient
from tests.server.certificates import Authority
from tests.support.clock import ManualClock
from tests.support.ports import free_port
from tests.support.vault import TOKEN, vault_running


def at(address: str, *, token: str = TOKEN, **more: object) -> VaultClient:
    return VaultClient(
        VaultSettings(address=address, token=token, root_path="r", intermediate_path="i", **more)  # type: ignore[arg-type]  # tests name their own fields
    )


async def test_engine_begins_and_ends() -> None:
    async with vault_running(ManualClock()) as vault:
        client = at(vault.address)
        assert not await client.mounted("a/b")
        await client.mount("a/b", 3600)
        assert await client.mounted("a/b")
        assert await client.certificate("a/b") == await client.certificate("nowhere") == ""
        await client.unmount("a/b")
        assert not await client.mounted("a/b")


async def test_vaults_own_reason_is_told_and_never_the_token() -> None:
    async with vault_running(ManualClock()) as vault:
        with pytest.raises(PeerError, match="refused sys/mounts: permission denied"):
            await at(vault.address, token="s.other").mounted("a")
        with pytest.raises(PeerError, match="no handler for route '<hidden>/x'"):
            await at(vault.address).write(f"{TOKEN}/x", {})  # which Vault quotes


async def test_nobody_there_is_told_as_such() -> None:
    with pytest.raises(UnreachableError, match="cannot be reached"):
        await at(f"http://127.0.0.1:{free_port()}").mounted("a")


async def test_silence_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vault_client, "TIMEOUT_S", 0.1)
    async with vault_running(ManualClock()) as vault:
        vault.silent.clear()
        with pytest.raises(PeerError, match="did not answer"):
            await at(vault.address).mounted("a")


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "tls")


def server_side(authority: Authority, *, asks_clients: bool = False) -> ssl.SSLContext:
    pair = authority.server()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.cert_file, pair.key_file)
    if asks_clients:
        context.load_verify_locations(authority.ca_file)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
async def test_vaults_certificate_is_looked_at(authority: Authority) -> None:
    async with vault_running(ManualClock(), tls=server_side(authority)) as vault:
        address = vault.address.replace("127.0.0.1", "localhost")
        assert not await at(address, ca_file=authority.ca_file).mounted("a")
        assert not await at(address, skip_verify=True).mounted("a")
        with pytest.raises(PeerError, match="CERTIFICATE_VERIFY_FAILED"):
            await at(address).mounted("a")


async def test_name_in_vaults_certificate_may_be_another_than_the_addresss(authority: Authority) -> None:
    async with vault_running(ManualClock(), tls=server_side(authority)) as vault:
        known = {"ca_file": authority.ca_file}
        assert not await at(vault.address, server_name="server.dc1.consul", **known).mounted("a")
        with pytest.raises(PeerError, match=r"server\.dc9\.consul"):
            await at(vault.address, server_name="server.dc9.consul", **known).mounted("a")


async def test_client_shows_a_certificate_where_vault_wants_one(authority: Authority) -> None:
    pair = authority.client()
    async with vault_running(ManualClock(), tls=server_side(authority, asks_clients=True)) as vault:
        address = vault.address.replace("127.0.0.1", "localhost")
        known = {"ca_file": authority.ca_file}
        assert not await at(address, cert_file=pair.cert_file, key_file=pair.key_file, **known).mounted("a")
        with pytest.raises(PeerError):
            await at(address, **known).mounted("a")
