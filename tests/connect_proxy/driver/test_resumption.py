"""Sessions are resumed, and nobody is let in by one whom today's roots and intentions would not let in."""

import asyncio
import ssl

import msgspec
import pytest

from lictor_connect_proxy.driver import driver as driver_module
from lictor_connect_proxy.driver.driver import ProxyDriver
from lictor_connect_proxy.driver.handshake import TlsEnd, handshake
from lictor_connect_proxy.driver.sockets import dial
from tests.connect_proxy.authority import Authority
from tests.connect_proxy.build import policy, rule
from tests.connect_proxy.live import (
    BANNER,
    Application,
    Events,
    connected,
    public_port,
    public_snapshot,
    running,
    upstream_snapshot,
)
from tests.support.conditions import eventually

AUTHORITY = Authority()


def _resumed(driver: ProxyDriver) -> int:
    """Handshakes that went on with a session, under the server context of now."""
    assert driver.contexts is not None
    return driver.contexts.server.session_stats()["hits"]


async def _greeted(port: int) -> bytes:
    async with connected(port) as (reader, _):
        return await asyncio.wait_for(reader.read(100), 30)


async def _dialed(port: int, context: ssl.SSLContext, session: ssl.SSLSession | None = None) -> TlsEnd:
    sock = await dial("127.0.0.1", port, 5)
    return await handshake(sock, context, server_name="db", timeout_s=5, resumes=session)


async def _received(end: TlsEnd) -> bytes:
    """The first bytes of the application; empty when the connection ends without."""
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(30):
        while True:
            try:
                return end.session.read(100)
            except ssl.SSLWantReadError:
                try:
                    data = await loop.sock_recv(end.sock, 65536)
                except ConnectionResetError:
                    return b""
                if not data:
                    return b""
                end.incoming.write(data)
            except ssl.SSLZeroReturnError:
                return b""


async def _session(port: int, context: ssl.SSLContext) -> ssl.SSLSession:
    """A session that the server gave a ticket for."""
    end = await _dialed(port, context)
    assert await _received(end) == BANNER
    session = end.session.session
    assert session is not None
    assert session.has_ticket
    end.sock.close()
    return session


async def test_every_connection_to_an_instance_but_the_first_is_resumed() -> None:
    application = Application()
    db = public_snapshot(AUTHORITY, application)
    web = upstream_snapshot(AUTHORITY, public_port(db))
    async with application.running(), running(db) as server, running(web):
        for _ in range(4):
            assert await _greeted(web.upstreams[0].bind_port) == BANNER
        assert _resumed(server) == 3


async def test_a_session_from_before_a_change_of_roots_lets_nobody_in() -> None:
    application = Application()
    snapshot = public_snapshot(AUTHORITY, application)
    web = AUTHORITY.client(AUTHORITY.leaf("web"))
    successor = Authority("successor")
    async with application.running(), running(snapshot) as driver:
        session = await _session(public_port(snapshot), web)
        # Its own leaf stays of the old root, so that the client goes on to believe it.
        driver.apply(msgspec.structs.replace(snapshot, roots=successor.roots()))
        end = await _dialed(public_port(snapshot), web, session)
        with pytest.raises(ssl.SSLError, match=r"UNKNOWN_CA|unknown ca"):
            await _received(end)
        end.sock.close()
        assert _resumed(driver) == 0


async def test_a_resumed_session_is_judged_by_the_intentions_of_now() -> None:
    application = Application()
    events = Events()
    snapshot = public_snapshot(AUTHORITY, application)
    web = AUTHORITY.client(AUTHORITY.leaf("web"))
    async with application.running(), running(snapshot, events) as driver:
        session = await _session(public_port(snapshot), web)
        driver.apply(msgspec.structs.replace(snapshot, policy=policy(rule("web", "deny"))))
        end = await _dialed(public_port(snapshot), web, session)
        assert end.session.session_reused
        assert await _received(end) == b""
        end.sock.close()
        await eventually(lambda: bool(events.named("proxy.connection.denied")), what="the denial is told")
        assert application.accepted == 1


async def test_sessions_end_with_their_contexts_when_these_have_become_old(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driver_module, "SESSION_S_MAX", 0.05)
    application = Application()
    snapshot = public_snapshot(AUTHORITY, application)
    web = AUTHORITY.client(AUTHORITY.leaf("web"))
    events = Events()
    async with application.running(), running(snapshot, events) as driver:
        session = await _session(public_port(snapshot), web)
        first = driver.contexts
        await eventually(lambda: driver.contexts is not first, what="new contexts are made")
        end = await _dialed(public_port(snapshot), web, session)
        assert not end.session.session_reused
        assert await _received(end) == BANNER
        end.sock.close()
    assert len(events.named("proxy.certificates.loaded")) == 1


async def test_an_instance_with_another_leaf_is_reached_by_a_whole_handshake() -> None:
    application = Application()
    db = public_snapshot(AUTHORITY, application)
    web = upstream_snapshot(AUTHORITY, public_port(db))
    async with application.running(), running(db) as server, running(web) as client:
        assert await _greeted(web.upstreams[0].bind_port) == BANNER
        server.apply(msgspec.structs.replace(db, leaf=AUTHORITY.leaf("db")))
        for _ in range(3):
            assert await _greeted(web.upstreams[0].bind_port) == BANNER
        assert _resumed(server) == 1
        client.apply(msgspec.structs.replace(web, leaf=AUTHORITY.leaf("web")))
        assert await _greeted(web.upstreams[0].bind_port) == BANNER
        assert _resumed(server) == 1
