"""Why a connection failed: what the two clients say of servers that a test runs."""

import http.client
import select
import socket
import socketserver
import ssl
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lictor.api.blocking import Client
from lictor.api.calls import status
from lictor.api.errors import ApiError
from lictor.api.reasons import connection_reason
from lictor.api.settings import Settings, parse_address
from lictor_core.clock import SystemClock
from lictor_server.tls_certificates import CertificateKind, Pair, Wish, make_authority, make_certificate
from tests.client.fake_agent import Reply, fake_agent
from tests.client.senders import told

NOW = SystemClock().now()
AUTHORITY = make_authority(days=10, serial=1, now=NOW - 5 * 86_400)


def pair(directory: Path, *, days: int = 10, ago_s: float = 60, addresses: tuple[str, ...] = ()) -> ssl.SSLContext:
    """A server's context, and the CA in `ca.pem`."""
    wish = Wish(kind=CertificateKind.CLI, datacenter="dc1", domain="consul", days=days, addresses=addresses)
    made: Pair = make_certificate(
        wish, authority=AUTHORITY.certificate, authority_key=AUTHORITY.key, serial=2, now=NOW - ago_s
    )
    (directory / "ca.pem").write_text(AUTHORITY.certificate)
    (directory / "pair.pem").write_text(made.certificate + made.key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(directory / "pair.pem")
    return context


def test_who_is_not_trusted_says_which_flag_helps(tmp_path: Path) -> None:
    with fake_agent(lambda _: Reply(), tls=pair(tmp_path, addresses=("127.0.0.1",))) as fake:
        for text in told(Settings(endpoint=parse_address(fake.address))):
            assert "its certificate is not trusted" in text
            assert "-ca-file" in text
            assert "is it running" not in text


def test_who_has_another_name_says_which_flag_helps(tmp_path: Path) -> None:
    with fake_agent(lambda _: Reply(), tls=pair(tmp_path)) as fake:
        for text in told(Settings(endpoint=parse_address(fake.address), ca_file=str(tmp_path / "ca.pem"))):
            assert "its certificate is for another name: give that name with -tls-server-name" in text


def test_who_has_expired_says_so(tmp_path: Path) -> None:
    context = pair(tmp_path, days=1, ago_s=2 * 86_400, addresses=("127.0.0.1",))
    with fake_agent(lambda _: Reply(), tls=context) as fake:
        for text in told(Settings(endpoint=parse_address(fake.address), ca_file=str(tmp_path / "ca.pem"))):
            assert "its certificate has expired: that of CN=" in text


def test_who_speaks_no_tls_says_so() -> None:
    with fake_agent(lambda _: Reply()) as fake:
        address = fake.address.replace("http://", "https://")
        for text in told(Settings(endpoint=parse_address(address))):
            assert "it does not speak TLS: use http:// there" in text


def test_who_wants_a_certificate_says_which_flags_help(tmp_path: Path) -> None:
    context = pair(tmp_path, addresses=("127.0.0.1",))
    context.load_verify_locations(tmp_path / "ca.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    with (
        fake_agent(lambda _: Reply(), tls=context) as fake,
        Client(Settings(endpoint=parse_address(fake.address), ca_file=str(tmp_path / "ca.pem"))) as client,
        pytest.raises(ApiError, match="name one of its CA with -client-cert and -client-key"),
    ):
        client.send(status.leader())


def test_an_alert_that_came_before_the_request_was_written_is_still_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = pair(tmp_path, addresses=("127.0.0.1",))
    context.load_verify_locations(tmp_path / "ca.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    write = http.client.HTTPConnection.request

    def write_late(connection: http.client.HTTPConnection, *args: Any, **kwargs: Any) -> None:
        poll = select.poll()
        poll.register(connection.sock, select.POLLHUP | select.POLLRDHUP)
        assert poll.poll(10_000)
        write(connection, *args, **kwargs)

    monkeypatch.setattr(http.client.HTTPConnection, "request", write_late)
    with fake_agent(lambda _: Reply(), tls=context) as fake:
        settings = Settings(endpoint=parse_address(fake.address), ca_file=str(tmp_path / "ca.pem"))
        with Client(settings) as client, pytest.raises(ApiError, match="misses one: name one of its CA"):
            client.send(status.leader())


@pytest.mark.parametrize("said", [b"", b"\x15\x03\x01\x00\x02\x02\x16"], ids=["nothing", "an alert of TLS"])
def test_who_wants_tls_is_told_to_the_one_that_does_not_use_it(said: bytes) -> None:
    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.recv(65_536)
            self.request.sendall(said)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            endpoint = parse_address(f"127.0.0.1:{server.server_address[1]}")
            with Client(Settings(endpoint=endpoint)) as client, pytest.raises(ApiError) as caught:
                client.send(status.leader())
        finally:
            server.shutdown()
            thread.join()
    assert "if it speaks TLS, write https:// in front of the address" in str(caught.value)


def test_who_already_speaks_tls_is_not_told_to() -> None:
    reason = connection_reason(http.client.RemoteDisconnected(""), secure=True)
    assert "https://" not in reason
    assert "name one with -client-cert and -client-key" in reason


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: socket.gaierror(-2, "Name or service not known"), "no such host"),
        (lambda: ConnectionRefusedError(111, "x"), "connection refused"),
        (lambda: OSError("odd"), "odd"),
        (lambda: http.client.IncompleteRead(b""), "IncompleteRead(0 bytes read)"),
        (ValueError, "ValueError"),
    ],
)
def test_other_failures_are_told_in_the_words_of_the_machine(make: Callable[[], Exception], reason: str) -> None:
    assert connection_reason(make()) == reason
