"""HTTPS: what the files must be, who is taken, what happens at its bounds, and how certificates are replaced."""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from lictor_agent.http import HttpSettings, TcpAddress, https
from lictor_agent.http.hot import HotConnection
from lictor_agent.http.https import HttpsListener, SecureDoor, tls_context
from lictor_agent.http.roster import Roster
from lictor_agent.http.settings import HttpsSettings
from lictor_agent.http.talkers import Talkers
from lictor_core.clock import SystemClock
from lictor_core.errors import ConfigurationError
from lictor_server import PemPair
from tests.agent.harness import quiet_log
from tests.agent.http.live import Live, live_agent
from tests.server.certificates import Authority, Pair
from tests.support.conditions import eventually

_LEADER = b"GET /v1/status/leader HTTP/1.1\r\nHost: x\r\n\r\n"
_KEY = b"GET /v1/kv/k?raw HTTP/1.1\r\nHost: x\r\n\r\n"
_WAIT_S = 10.0


def _settings(authority: Authority, pair: Pair, **changes: object) -> HttpsSettings:
    plain = HttpsSettings(ca_file=authority.ca_file, cert_file=pair.cert_file, key_file=pair.key_file)
    return replace(plain, **changes)  # type: ignore[arg-type]  # a test names fields that exist


@asynccontextmanager
async def _live(https: HttpsSettings, **changes: object) -> AsyncGenerator[Live]:
    settings = replace(HttpSettings(), https=https, **changes)  # type: ignore[arg-type]  # as above
    async with live_agent(settings, [TcpAddress("127.0.0.1", 0, is_secure=True)]) as live:
        yield live


def _client(authority: Authority, pair: Pair | None = None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=authority.ca_file)
    if pair is not None:
        context.load_cert_chain(pair.cert_file, pair.key_file)
    return context


Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def _dial(live: Live, context: ssl.SSLContext) -> Streams:
    async with asyncio.timeout(_WAIT_S):
        return await asyncio.open_connection("127.0.0.1", live.port, ssl=context, server_hostname="localhost")


async def _ask(streams: Streams, request: bytes = _LEADER) -> bytes:
    """The answer to one request, which is short enough to come at once."""
    reader, writer = streams
    writer.write(request)
    async with asyncio.timeout(_WAIT_S):
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(int(line.split()[1]) for line in head.splitlines() if line.startswith(b"Content-Length"))
        return head + await reader.readexactly(length)


async def _is_refused(live: Live, context: ssl.SSLContext) -> bool:
    """With TLS 1.3 a client believes that it is connected before the server has looked at its certificate."""
    try:
        streams = await _dial(live, context)
    except OSError:
        return True
    try:
        await _ask(streams)
    except (OSError, asyncio.IncompleteReadError):
        return True
    finally:
        await _end(streams)
    return False


async def _end(*several: Streams) -> None:
    for _, writer in several:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


async def test_a_connection_is_kept_and_takes_requests_one_behind_the_other(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    async with _live(_settings(authority, authority.server())) as live:
        streams = await _dial(live, _client(authority))
        put = b"PUT /v1/kv/k HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nv"
        assert (await _ask(streams, put)).endswith(b"true")
        streams[1].write(_KEY + _LEADER)
        assert (await _ask(streams, _KEY)).endswith(b"\r\n\r\nv")
        assert b'"127.0.0.1:' in await _ask(streams, b"")
        assert (await _ask(streams, b"")).endswith(b"\r\n\r\nv")
        await _end(streams)


async def test_answers_that_are_kept_go_over_tls_by_the_same_path(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    async with _live(_settings(authority, authority.server())) as live:
        streams = await _dial(live, _client(authority))
        for _ in range(3):
            assert (await _ask(streams, b"GET /v1/catalog/nodes HTTP/1.1\r\nHost: x\r\n\r\n")).startswith(
                b"HTTP/1.1 200"
            )
        await _end(streams)
        await eventually(lambda: bool(live.events("http.connection.closed")), what="the connection is closed")
        assert live.events("http.connection.closed")[0]["answered_hot"] > 0


async def test_plain_http_is_told_what_this_port_speaks(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    async with _live(_settings(authority, authority.server())) as live:
        reader, writer = await asyncio.open_connection("127.0.0.1", live.port)
        writer.write(_LEADER)
        async with asyncio.timeout(_WAIT_S):
            answer = await reader.read()
        assert answer.startswith(b"HTTP/1.0 400 Bad Request\r\n\r\n")
        assert b"https://" in answer
        await _end((reader, writer))


async def test_a_client_certificate_is_wanted_only_where_that_is_configured(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "one")
    other = Authority(tmp_path / "two", "stranger")
    async with _live(_settings(authority, authority.server())) as live:
        streams = await _dial(live, _client(authority))
        assert (await _ask(streams)).startswith(b"HTTP/1.1 200")
        await _end(streams)
    async with _live(_settings(authority, authority.server(), verify_incoming=True)) as live:
        known = await _dial(live, _client(authority, authority.client()))
        assert (await _ask(known)).startswith(b"HTTP/1.1 200")
        await _end(known)
        for context in (_client(authority), _client(authority, other.client())):
            assert await _is_refused(live, context)
        await eventually(lambda: len(live.events("http.handshake.failed")) == 2, what="the failures are told")
        assert live.http.connections == 0


@pytest.mark.parametrize(
    ("version", "alerts"),
    [
        (ssl.TLSVersion.TLSv1_3, {"TLSV13_ALERT_CERTIFICATE_REQUIRED"}),
        (ssl.TLSVersion.TLSv1_2, {"SSLV3_ALERT_HANDSHAKE_FAILURE"}),
    ],
)
async def test_who_shows_no_certificate_is_told_so_by_tls(
    tmp_path: Path, version: ssl.TLSVersion, alerts: set[str]
) -> None:
    authority = Authority(tmp_path)
    context = _client(authority)
    context.maximum_version = version
    async with _live(_settings(authority, authority.server(), verify_incoming=True)) as live:

        def ask() -> None:
            with (
                socket.create_connection(("127.0.0.1", live.port), timeout=_WAIT_S) as dialed,
                context.wrap_socket(dialed, server_hostname="localhost") as secured,
            ):
                secured.sendall(_LEADER)
                secured.recv(1)

        with pytest.raises(ssl.SSLError) as caught:
            await asyncio.to_thread(ask)
        assert caught.value.reason in alerts
        await eventually(lambda: len(live.events("http.handshake.failed")) == 1, what="the failure is told")


async def test_certificates_are_replaced_without_ending_connections(tmp_path: Path) -> None:
    old, new = Authority(tmp_path / "old", "old"), Authority(tmp_path / "new", "new")
    async with _live(_settings(old, old.server())) as live:
        kept = await _dial(live, _client(old))
        live.http.renewal(_settings(new, new.server()))()
        assert (await _ask(kept)).startswith(b"HTTP/1.1 200")
        fresh = await _dial(live, _client(new))
        assert (await _ask(fresh)).startswith(b"HTTP/1.1 200")
        with pytest.raises(ssl.SSLCertVerificationError):
            await _dial(live, _client(old))
        await _end(kept, fresh)


def _text(path: str) -> str:
    return Path(path).read_text(encoding="ascii")


async def test_while_the_servers_have_given_none_nobody_gets_in_and_then_everybody_does(tmp_path: Path) -> None:
    authority, mesh = Authority(tmp_path / "own"), Authority(tmp_path / "mesh", "mesh")
    awaiting = HttpsSettings(ca_file=authority.ca_file, is_awaited=True, verify_incoming=True)
    async with _live(awaiting) as live:
        assert await _is_refused(live, _client(mesh, mesh.client()))
        pair = mesh.server()
        given = PemPair(_text(pair.cert_file), _text(pair.key_file))
        live.http.renewal(replace(awaiting, pair=given, agent_roots=_text(mesh.ca_file)))()
        for authority_of_caller in (mesh, authority):
            caller = authority_of_caller.client()
            context = _client(mesh)
            context.load_cert_chain(caller.cert_file, caller.key_file)
            streams = await _dial(live, context)
            assert (await _ask(streams)).startswith(b"HTTP/1.1 200")
            await _end(streams)
        assert await _is_refused(live, _client(mesh))


async def test_a_certificate_that_cannot_be_used_leaves_the_one_before_in_use(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    settings = _settings(authority, authority.server())
    async with _live(settings) as live:
        with pytest.raises(ConfigurationError, match="cert_file: /nowhere cannot be read: no such file"):
            live.http.renewal(replace(settings, cert_file="/nowhere"))
        streams = await _dial(live, _client(authority))
        assert (await _ask(streams)).startswith(b"HTTP/1.1 200")
        await _end(streams)


async def test_a_handshake_that_takes_too_long_is_given_up(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    async with _live(_settings(authority, authority.server(), handshake_s_max=0.2)) as live:
        silent = await asyncio.open_connection("127.0.0.1", live.port)
        begun = await asyncio.open_connection("127.0.0.1", live.port)
        begun[1].write(b"\x16\x03\x01")
        for reader, _ in (silent, begun):
            with suppress(ConnectionResetError):
                async with asyncio.timeout(_WAIT_S):
                    assert await reader.read() == b""
        await eventually(lambda: len(live.events("http.handshake.failed")) == 2, what="the failures are told")
        await _end(silent, begun)


async def test_a_handshake_counts_as_a_connection_of_its_client(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    async with _live(_settings(authority, authority.server()), connections_per_client_max=2) as live:
        silent = await asyncio.open_connection("127.0.0.1", live.port)
        secured = await _dial(live, _client(authority))
        assert (await _ask(secured)).startswith(b"HTTP/1.1 200")
        reader, writer = await asyncio.open_connection("127.0.0.1", live.port)
        with suppress(ConnectionResetError):
            async with asyncio.timeout(_WAIT_S):
                assert await reader.read() == b""
        assert [one["reason"][:30] for one in live.events("http.connection.refused")] == [
            "your address has 2 connections"
        ]
        await _end((reader, writer), silent)
        await eventually(
            lambda: bool(live.events("http.handshake.failed")) or live.http.connections == 1, what="the place is free"
        )
        again = await _dial(live, _client(authority))
        assert (await _ask(again)).startswith(b"HTTP/1.1 200")
        await _end(secured, again)
        await eventually(lambda: live.http.connections == 0, what="all are closed")


class _Exhausted(socket.socket):
    """A listening socket of a process that has no descriptor left, the first time."""

    is_exhausted = True

    def accept(self) -> tuple[socket.socket, object]:
        if self.is_exhausted:
            self.is_exhausted = False
            raise OSError(errno.EMFILE, "Too many open files")
        return super().accept()


async def test_a_listener_goes_on_after_the_process_had_no_descriptor_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(https, "_BREATH_S", 0.01)
    authority = Authority(tmp_path)
    log, captured = quiet_log()
    door = SecureDoor(
        tls_context(_settings(authority, authority.server())),
        5.0,
        Roster(HttpSettings(), log, Talkers(SystemClock())),
        log,
    )
    listening = _Exhausted()
    listening.bind(("127.0.0.1", 0))
    listening.listen(1)
    listening.setblocking(False)
    connected = asyncio.Event()

    def connect() -> HotConnection:
        connected.set()
        raise ConnectionRefusedError("nobody is taken here")

    listener = HttpsListener(listening, connect, door)
    _, writer = await asyncio.open_connection(*listening.getsockname())
    writer.write(b"\x16")
    async with asyncio.timeout(_WAIT_S):
        await connected.wait()
    assert [entry["event"] for entry in captured.entries][:1] == ["http.listener.exhausted"]
    listener.close()
    writer.close()


async def test_tls_1_1_is_not_spoken(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    context = tls_context(_settings(authority, authority.server(), min_version="tls10"))
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    newest = tls_context(_settings(authority, authority.server(), min_version="tls13"))
    assert newest.minimum_version is ssl.TLSVersion.TLSv1_3


async def test_only_the_cipher_suites_that_are_named_are_spoken(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    named = "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"
    async with _live(_settings(authority, authority.server(), cipher_suites=named)) as live:
        client = _client(authority)
        client.maximum_version = ssl.TLSVersion.TLSv1_2
        streams = await _dial(live, client)
        assert streams[1].get_extra_info("cipher")[0] == "ECDHE-ECDSA-AES256-GCM-SHA384"
        await _end(streams)
        client.set_ciphers("ECDHE-ECDSA-AES128-GCM-SHA256")
        with pytest.raises(OSError):
            await _dial(live, client)


def test_the_server_chooses_the_cipher_only_where_that_is_configured(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    pair = authority.server()
    for wanted in (True, False):
        context = tls_context(_settings(authority, pair, prefers_server_ciphers=wanted))
        assert bool(context.options & ssl.OP_CIPHER_SERVER_PREFERENCE) is wanted


def test_all_files_of_a_ca_path_are_trusted(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    roots = tmp_path / "roots"
    for name in ("one", "two"):
        Authority(roots, name)
    for path in roots.glob("*-key.pem"):
        path.unlink()
    settings = _settings(authority, authority.server(), ca_file="", ca_path=str(roots), verify_incoming=True)
    assert len(tls_context(settings).get_ca_certs()) == 2


def test_what_cannot_be_used_is_named_with_its_setting_and_the_reason(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    pair, other = authority.server(), authority.client()
    locked = authority.issue("locked", ["x"], password=b"secret")
    garbage = tmp_path / "garbage.pem"
    garbage.write_text("nothing", encoding="ascii")
    (tmp_path / "empty").mkdir()
    wrong: dict[str, dict[str, object]] = {
        "ports.https: needs cert_file and key_file": {"cert_file": ""},
        "cert_file: /nowhere cannot be read: no such file": {"cert_file": "/nowhere"},
        "key_file: /nowhere cannot be read: no such file": {"key_file": "/nowhere"},
        "key values mismatch": {"key_file": other.key_file},
        "the private key is encrypted": {"cert_file": locked.cert_file, "key_file": locked.key_file},
        f"cert_file: {garbage} with key_file": {"cert_file": str(garbage)},
        f"ca_file: {garbage} holds no certificate": {"ca_file": str(garbage), "verify_incoming": True},
        "ca_file: /nowhere cannot be read": {"ca_file": "/nowhere", "verify_incoming": True},
        "verify_incoming: needs ca_file or ca_path": {"ca_file": "", "verify_incoming": True},
        "ca_path: 0 files in": {"ca_file": "", "ca_path": str(tmp_path / "empty"), "verify_incoming": True},
        "ca_path: /nowhere cannot be read": {"ca_file": "", "ca_path": "/nowhere", "verify_incoming": True},
        "tls_cipher_suites: 'TLS_RSA_WITH_RC4_128_SHA' is not taken": {"cipher_suites": "TLS_RSA_WITH_RC4_128_SHA"},
    }
    for text, changes in wrong.items():
        with pytest.raises(ConfigurationError) as caught:
            tls_context(_settings(authority, pair, **changes))
        assert text in str(caught.value)
