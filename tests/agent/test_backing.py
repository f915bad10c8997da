"""What stands behind an agent: servers over a connection, or one in its own process."""

from __future__ import annotations

import asyncio
import socket
import ssl
from dataclasses import replace
from pathlib import Path

import pytest

from lictor_agent.backing import Backing, RemoteServers
from lictor_agent.embedded import EmbeddedServer
from lictor_config.presets import DEV, PRODUCTION
from lictor_config.tree import Configuration, DoorTls, Join, Ports, Tls
from lictor_core.clock import SystemClock, SystemRng
from lictor_core.errors import ClusterError, ConfigurationError
from lictor_server import Server
from lictor_server.tls import ALPN_RPC
from tests.agent.builders import NODE_ID
from tests.agent.harness import quiet_log, running_server
from tests.server.certificates import Authority
from tests.support.conditions import eventually
from tests.support.ports import free_port

pytestmark = pytest.mark.timeout(30)


def client(*, retry: tuple[str, ...] = (), at_start: tuple[str, ...] = (), tls: Tls | None = None) -> Configuration:
    return replace(
        PRODUCTION,
        node_name="c1",
        bind_addr="127.0.0.1",
        advertise_addr="127.0.0.1",
        join=Join(retry=retry, at_start=at_start),
        tls=tls or Tls(),
    )


def remote(configuration: Configuration) -> RemoteServers:
    return RemoteServers(configuration, NODE_ID, clock=SystemClock(), rng=SystemRng(), log=quiet_log()[0])


def embedded(port: int) -> EmbeddedServer:
    configuration = replace(DEV, node_name="s1", advertise_addr="127.0.0.1", ports=Ports(server=port))
    return EmbeddedServer(configuration, NODE_ID, clock=SystemClock(), rng=SystemRng(), log=quiet_log()[0])


async def test_a_client_agent_is_connected_to_servers_and_says_how_they_were_named() -> None:
    async with running_server() as (server, _, _):
        place = f"127.0.0.1:{server.server_port}"
        backing: Backing = remote(client(retry=(place,)))
        connections: list[None] = []
        backing.at_connection(lambda: connections.append(None))
        await backing.start()
        await eventually(lambda: len(connections) == 1, what="a connection")
        assert (await backing.registry.leader_status()).address == place
        assert (backing.source, backing.describe()) == (None, f"found by {place}")
        await backing.stop()


async def test_a_client_agent_that_names_nobody_waits_and_one_that_names_the_wrong_ones_does_not_start() -> None:
    backing = remote(client())
    await backing.start()
    assert "use -retry-join" in backing.describe()
    await backing.stop()
    wrong = remote(client(at_start=(f"127.0.0.1:{free_port()}",)))
    with pytest.raises(ClusterError):
        await wrong.start()
    await wrong.stop()


async def test_an_address_of_another_machine_is_told_at_the_start() -> None:
    elsewhere = remote(replace(client(), bind_addr="203.0.113.9"))
    with pytest.raises(ConfigurationError, match=r"does not have the address 203\.0\.113\.9; choose one of its own"):
        await elsewhere.start()
    await elsewhere.stop()
    everywhere = remote(replace(client(), bind_addr="0.0.0.0"))
    await everywhere.start()
    await everywhere.stop()


async def test_certificates_that_cannot_be_used_are_told_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="ca_file"):
        remote(client(tls=Tls(internal_rpc=DoorTls(ca_file=str(tmp_path / "none.pem"), verify_outgoing=True))))


async def shown(port: int) -> bytes:
    """The certificate that a server port shows."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols([ALPN_RPC])
    _, writer = await asyncio.wait_for(asyncio.open_connection("127.0.0.1", port, ssl=context), 30)
    peer = writer.get_extra_info("ssl_object")
    writer.close()
    assert isinstance(peer, ssl.SSLObject)
    found = peer.getpeercert(binary_form=True)
    assert found is not None
    return found


async def test_a_server_shows_a_renewed_certificate_after_a_reload(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    pair = authority.server("s1")
    door = DoorTls(ca_file=authority.ca_file, cert_file=pair.cert_file, key_file=pair.key_file)
    tls = Tls(internal_rpc=door)
    configuration = replace(DEV, node_name="s1", advertise_addr="127.0.0.1", ports=Ports(server=0), tls=tls)
    backing = EmbeddedServer(configuration, NODE_ID, clock=SystemClock(), rng=SystemRng(), log=quiet_log()[0])
    await backing.start()
    port = backing.registry.server_port
    before = await shown(port)
    authority.server("s1")
    assert await shown(port) == before
    backing.renewal(configuration)()
    assert await shown(port) != before
    await backing.stop()


async def test_a_client_agent_renews_its_certificate_or_tells_why_not(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    pair = authority.client()
    door = DoorTls(ca_file=authority.ca_file, cert_file=pair.cert_file, key_file=pair.key_file)
    configuration = client(tls=Tls(internal_rpc=door))
    backing: Backing = remote(configuration)
    backing.renewal(configuration)()
    with pytest.raises(ConfigurationError, match="key_file"):
        backing.renewal(client(tls=Tls(internal_rpc=replace(door, key_file=authority.server().key_file))))
    remote(client()).renewal(client())()


async def test_a_server_in_the_process_is_asked_without_a_connection() -> None:
    backing: Backing = embedded(0)
    await backing.start()
    assert isinstance(backing.registry, Server)
    assert backing.source is backing.registry
    assert backing.describe() == f"127.0.0.1:{backing.registry.server_port}"
    await backing.stop()


async def test_a_server_port_that_is_taken_is_told_with_what_to_do() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        backing = embedded(taken.getsockname()[1])
        with pytest.raises(ConfigurationError, match="in use by another program"):
            await backing.start()
        await backing.stop()
