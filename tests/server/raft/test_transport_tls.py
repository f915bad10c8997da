"""Links between servers that prove themselves, and those that do not."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

import pytest

from lictor_core.clock import SeededRng
from lictor_core.errors import PeerError, UnreachableError
from lictor_server import RpcPool, Tls, TlsSettings, load_tls
from lictor_server.raft.dialed import LINK_BYTES_MAX
from lictor_server.raft.framing import MESSAGE_BYTES_MAX
from lictor_server.raft.hello import greeting_bytes
from lictor_server.raft.wire import Message
from lictor_server.rpc import RpcListener
from lictor_server.tls import PLAIN
from tests.server.certificates import Authority, Pair
from tests.server.conftest import made_log
from tests.server.raft.links import Echo, called, hello_to, running, uuid_of
from tests.support.conditions import eventually

HEARTBEAT: Message = {"type": "heard", "term": 3, "seq": 7}


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"))


def tls_of(authority: Authority, pair: Pair, *, incoming: bool = True, hostname: bool = True) -> Tls:
    settings = TlsSettings(
        ca_file=authority.ca_file,
        cert_file=pair.cert_file,
        key_file=pair.key_file,
        verify_incoming_rpc=incoming,
        verify_outgoing=True,
        verify_server_hostname=hostname,
    )
    return load_tls(settings, now=time.time())  # noqa: TID251 OpenSSL asks the machine, too


async def test_servers_that_prove_their_role_talk(authority: Authority) -> None:
    tls = tls_of(authority, authority.server())
    async with running(1, tls=tls) as one, running(2, tls=tls) as two:
        one.peers(two)
        two.peers(one)
        await one.until_connected(two)
        await two.until_connected(one)
        command = bytes(MESSAGE_BYTES_MAX // 2)
        assert one.links.send(two.id, HEARTBEAT)
        assert one.links.send(two.id, {"entries": ((command, 8, 3),)})
        await eventually(lambda: len(two.heard) == 2, what="both messages")
        assert two.heard == [(one.id, HEARTBEAT), (one.id, {"entries": [[command, 8, 3]]})]


async def test_what_is_not_read_is_bounded_under_tls_too(authority: Authority) -> None:
    tls = tls_of(authority, authority.server())
    async with running(1, tls=tls) as one, running(2, tls=tls) as two:
        one.peers(two)
        await one.until_connected(two)
        (caller,) = two.links._callers  # pyright: ignore[reportPrivateUsage]
        assert caller._transport is not None  # pyright: ignore[reportPrivateUsage]
        caller._transport.pause_reading()  # pyright: ignore[reportPrivateUsage]
        sent, message = 0, Message(entries=((bytes(100_000), 8, 3),))
        for _ in range(20):
            while one.links.send(two.id, message):
                sent += 1
            await asyncio.sleep(0.02)
        assert LINK_BYTES_MAX * 0.9 <= sent * 100_000 <= LINK_BYTES_MAX + 16 * 1024 * 1024
        caller._transport.resume_reading()  # pyright: ignore[reportPrivateUsage]
        await eventually(lambda: len(two.heard) == sent, what="every message", within_s=10)


async def test_the_certificate_of_a_client_opens_no_link(authority: Authority) -> None:
    server = tls_of(authority, authority.server())
    client = tls_of(authority, authority.client(), hostname=False)
    async with running(1, tls=client) as one, running(2, tls=server) as two:
        one.peers(two)
        await eventually(lambda: two.log.named("raft.link.refused") != [], what="the refusal")
        refused = two.log.named("raft.link.refused")[0]
        assert (refused["code"], refused["reason"]) == (
            "certificate",
            "its certificate is none of a server: it does not name server.dc1.consul",
        )
        await eventually(lambda: one.log.named("raft.dial.failed") != [], what="the news at the other end")
        assert "none of a server" in one.log.named("raft.dial.failed")[0]["reason"]


async def test_who_listens_must_prove_the_role_when_it_is_asked_for(authority: Authority) -> None:
    server = tls_of(authority, authority.server())
    client = tls_of(authority, authority.client())
    async with running(1, tls=server) as one, running(2, tls=client) as two:
        one.peers(two)
        await eventually(lambda: one.log.named("raft.dial.failed") != [], what="the failure")
        assert "cannot be trusted: Hostname mismatch" in one.log.named("raft.dial.failed")[0]["reason"]


async def test_a_certificate_made_out_to_a_node_is_good_for_that_node_alone(authority: Authority) -> None:
    named = tls_of(authority, authority.server("one", node_id=uuid_of(1)))
    unnamed = tls_of(authority, authority.server())
    async with running(1, tls=named) as one, running(2, tls=named) as two, running(3, tls=unnamed) as three:
        three.peers(one, two)
        await three.until_connected(one)
        await eventually(lambda: three.log.named("raft.dial.failed") != [], what="a refusal by the dialer")
        assert "is one of node " + uuid_of(1) in three.log.named("raft.dial.failed")[0]["reason"]
        two.peers(three)
        await eventually(lambda: three.log.named("raft.link.refused") != [], what="a refusal by the acceptor")
        assert three.log.named("raft.link.refused")[0]["code"] == "certificate"
        assert three.links.connected == frozenset({uuid_of(1)})


async def test_a_plain_link_is_refused_where_certificates_are_demanded(authority: Authority) -> None:
    async with running(1) as one, running(2, tls=tls_of(authority, authority.server())) as two:
        one.peers(two)
        await eventually(lambda: one.log.named("raft.dial.failed") != [], what="the failure")
        assert "takes TLS only (verify_incoming)" in one.log.named("raft.dial.failed")[0]["reason"]
        assert "takes TLS only" in two.log.named("rpc.connection.refused")[0]["reason"]


async def test_plain_and_secured_links_are_taken_where_none_are_demanded(authority: Authority) -> None:
    lenient = tls_of(authority, authority.server(), incoming=False)
    strict = tls_of(authority, authority.server())
    async with running(1) as plain, running(2, tls=strict) as secured, running(3, tls=lenient) as end:
        plain.peers(end)
        secured.peers(end)
        await plain.until_connected(end)
        await secured.until_connected(end)
        raw = await called(end, greeting_bytes(hello_to(end)))
        assert (await raw.answer()).code == ""
        raw.close()


async def test_a_link_that_wants_tls_from_a_plain_server_fails_with_a_reason(authority: Authority) -> None:
    async with running(1, tls=tls_of(authority, authority.server())) as one, running(2) as two:
        one.peers(two)
        await eventually(lambda: one.log.named("raft.dial.failed") != [], what="the failure")
        (event,) = two.log.named("rpc.connection.broken")[:1]
        assert "lacks cert_file and key_file" in event["reason"]


async def test_raft_without_its_protocol_name_is_rpc_and_ends_there(authority: Authority) -> None:
    tls = tls_of(authority, authority.server())
    async with running(1, tls=tls) as end:
        assert tls.dialing_rpc is not None
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", end.listener.port, ssl=tls.dialing_rpc, server_hostname=tls.server_name
        )
        writer.write(greeting_bytes(hello_to(end)))
        assert await reader.read() == b""
        writer.transport.abort()
        assert end.log.named("rpc.connection.broken") != []
        assert end.callers == []


# RPC.


async def test_calls_run_over_tls_beside_links(authority: Authority) -> None:
    tls = tls_of(authority, authority.server())
    pool = RpcPool(rng=SeededRng(1), tls=tls)
    agents = RpcPool(rng=SeededRng(2), tls=tls_of(authority, authority.client()))
    async with running(1, tls=tls) as one, running(2, tls=tls) as two:
        one.peers(two)
        await one.until_connected(two)
        payload = bytes(1024 * 1024)
        assert await pool.call(two.address, "echo", payload, timeout_s=5) == payload
        assert await agents.call(two.address, "echo", b"x", timeout_s=5) == b"x"
        await pool.stop()
        await agents.stop()


async def test_a_plain_call_is_refused_definitely_where_certificates_are_demanded(authority: Authority) -> None:
    pool = RpcPool(rng=SeededRng(1))
    async with running(1, tls=tls_of(authority, authority.server())) as end:
        with pytest.raises(UnreachableError, match="takes TLS only"):
            await pool.call(end.address, "echo", b"x", timeout_s=5)
        assert end.methods.calls == []
        await pool.stop()


async def test_a_call_without_a_certificate_fails_where_one_is_demanded(authority: Authority) -> None:
    nobody = load_tls(TlsSettings(ca_file=authority.ca_file, verify_outgoing=True), now=0.0)
    pool = RpcPool(rng=SeededRng(1), tls=nobody)
    async with running(1, tls=tls_of(authority, authority.server())) as end:
        with pytest.raises(PeerError, match="does the server trust the certificate"):
            await pool.call(end.address, "echo", b"x", timeout_s=5)
        assert end.methods.calls == []
        await eventually(lambda: end.log.named("rpc.connection.broken") != [], what="the event")
        await pool.stop()


async def test_a_server_of_another_ca_is_not_called(
    authority: Authority, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = Authority(tmp_path_factory.mktemp("other"), "other")
    pool = RpcPool(rng=SeededRng(1), tls=tls_of(other, other.server()))
    async with running(1, tls=tls_of(authority, authority.server())) as end:
        with pytest.raises(UnreachableError, match="cannot be trusted"):
            await pool.call(end.address, "echo", b"x", timeout_s=5)
        await pool.stop()


async def test_a_handshake_that_stands_still_is_given_up(authority: Authority) -> None:
    log = made_log()
    listener = RpcListener(
        Echo(),
        address="127.0.0.1",
        port=0,
        connections_max=8,
        in_flight_max=8,
        log=log.logger,
        tls=tls_of(authority, authority.server()),
        handshake_max_s=0.2,
    )
    await listener.start()
    reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
    writer.write(b"\x16\x03\x01")
    async with asyncio.timeout(30):
        assert await reader.read() == b""
    await eventually(lambda: log.named("rpc.connection.broken") != [], what="the event")
    writer.close()
    await listener.stop()


async def test_a_listener_outside_loopback_that_demands_nothing_is_told(authority: Authority) -> None:
    strict = tls_of(authority, authority.server())
    for tls, told in ((PLAIN, 1), (replace(strict, incoming_required=False), 1), (strict, 0)):
        log = made_log()
        listener = RpcListener(
            Echo(), address="0.0.0.0", port=0, connections_max=1, in_flight_max=1, log=log.logger, tls=tls
        )
        await listener.start()
        await listener.stop()
        assert len(log.named("rpc.listener.exposed")) == told
