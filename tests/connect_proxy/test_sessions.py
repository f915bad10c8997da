import asyncio
import socket
import ssl

import pytest

from lictor_connect_proxy import sessions as sessions_module
from lictor_connect_proxy.contexts import tls_contexts
from lictor_connect_proxy.driver.handshake import handshake
from lictor_connect_proxy.sessions import SessionKey, Sessions
from tests.connect_proxy.authority import Authority

AUTHORITY = Authority()
KEY = SessionKey("192.0.2.1", 21000, "db")


async def made_session(*, ticket: bool = True) -> tuple[ssl.SSLContext, ssl.SSLSession]:
    """A session, and the client context that it is of."""
    contexts = tls_contexts(AUTHORITY.leaf("db"), AUTHORITY.roots())
    contexts.server.num_tickets = int(ticket)
    left, right = socket.socketpair()
    with left, right:
        left.setblocking(False)
        right.setblocking(False)
        client, server = await asyncio.gather(
            handshake(left, contexts.client, server_name="db", timeout_s=5),
            handshake(right, contexts.server, server_name=None, timeout_s=5),
        )
        server.session.write(b"x")
        client.incoming.write(left.recv(65536) if ticket else b"")
        client.incoming.write(server.outgoing.read())
        assert client.session.read(1) == b"x"
        session = client.session.session
        assert session is not None
        return contexts.client, session


async def _session(*, ticket: bool = True) -> ssl.SSLSession:
    return (await made_session(ticket=ticket))[1]


async def test_a_session_with_a_ticket_is_offered_to_its_instance_alone() -> None:
    sessions, session = Sessions(), await _session()
    sessions.keep(KEY, session)
    assert sessions.find(KEY) is session
    assert sessions.find(KEY._replace(port=21001)) is None
    assert sessions.find(KEY._replace(server_name="web")) is None
    assert not sessions.wants(KEY)


async def test_a_session_without_a_ticket_is_not_kept() -> None:
    sessions = Sessions()
    sessions.keep(KEY, await _session(ticket=False))
    sessions.keep(KEY, None)
    assert sessions.find(KEY) is None


async def test_an_instance_that_refuses_twice_in_a_row_is_offered_no_more() -> None:
    sessions, session = Sessions(), await _session()
    sessions.keep(KEY, session)
    sessions.refused(KEY)
    assert sessions.find(KEY) is None
    sessions.keep(KEY, session)
    sessions.resumed(KEY)
    sessions.refused(KEY)
    assert sessions.wants(KEY)
    sessions.keep(KEY, session)
    sessions.refused(KEY)
    assert not sessions.wants(KEY)
    sessions.keep(KEY, session)
    assert sessions.find(KEY) is None


async def test_the_oldest_goes_where_there_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions_module, "SESSIONS_MAX", 2)
    sessions, session = Sessions(), await _session()
    for port in (1, 2, 3):
        sessions.keep(KEY._replace(port=port), session)
    assert [sessions.find(KEY._replace(port=port)) is None for port in (1, 2, 3)] == [True, False, False]
    for port in (4, 5, 6):
        sessions.refused(KEY._replace(port=port))
        sessions.refused(KEY._replace(port=port))
    assert [sessions.wants(KEY._replace(port=port)) for port in (4, 5, 6)] == [False, False, True]
