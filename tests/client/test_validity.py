"""What both clients say of a certificate that has ended: whose, and when."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lictor.api.blocking import Client
from lictor.api.calls import status
from lictor.api.errors import ApiError
from lictor.api.settings import Settings, parse_address
from lictor.api.validity import dated_reason
from lictor_core.clock import SystemClock
from lictor_server.tls_certificates import CertificateKind, Pair, Wish, make_authority, make_certificate
from tests.client.fake_agent import Reply, fake_agent
from tests.client.senders import told

DAY_S = 86_400
NOW = SystemClock().now()
EXPIRED = 10


def _date(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M")


def _pair(directory: Path, authority: Pair, name: str, *, days: int, begins: float) -> ssl.SSLContext:
    wish = Wish(kind=CertificateKind.CLI, datacenter="dc1", domain="consul", days=days, addresses=("127.0.0.1",))
    made = make_certificate(wish, authority=authority.certificate, authority_key=authority.key, serial=2, now=begins)
    (directory / "ca.pem").write_text(authority.certificate)
    (directory / f"{name}.pem").write_text(made.certificate)
    (directory / f"{name}.key").write_text(made.key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(directory / f"{name}.pem", directory / f"{name}.key")
    return context


def test_of_an_agent_whose_certificate_has_expired_it_is_told_whose_and_when(tmp_path: Path) -> None:
    authority = make_authority(days=10, serial=1, now=NOW - 5 * DAY_S)
    context = _pair(tmp_path, authority, "agent", days=1, begins=NOW - 3 * DAY_S)
    with fake_agent(lambda _: Reply(), tls=context) as fake:
        for text in told(Settings(endpoint=parse_address(fake.address), ca_file=str(tmp_path / "ca.pem"))):
            assert "its certificate has expired: that of CN=" in text
            assert f"ended at {_date(NOW - 2 * DAY_S)}" in text
            assert "give that agent a new one" in text


def test_a_client_whose_own_certificate_has_expired_is_told_its_file_and_when(tmp_path: Path) -> None:
    authority = make_authority(days=10, serial=1, now=NOW - 5 * DAY_S)
    _pair(tmp_path, authority, "own", days=1, begins=NOW - 3 * DAY_S)
    context = _pair(tmp_path, authority, "agent", days=2, begins=NOW - 60)
    context.load_verify_locations(tmp_path / "ca.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    own = str(tmp_path / "own.pem")
    with fake_agent(lambda _: Reply(), tls=context) as fake:
        settings = Settings(
            endpoint=parse_address(fake.address),
            ca_file=str(tmp_path / "ca.pem"),
            client_cert=own,
            client_key=str(tmp_path / "own.key"),
        )
        with Client(settings) as client, pytest.raises(ApiError) as caught:
            client.send(status.leader())
    told = f"this client's certificate has expired: {own} ended at {_date(NOW - 2 * DAY_S)}"
    assert told in str(caught.value)
    assert "-client-cert" in str(caught.value)


def test_where_no_certificate_is_shown_again_it_is_told_without_a_date() -> None:
    error = ssl.SSLCertVerificationError(1, "refused")
    error.verify_code, error.verify_message = EXPIRED, "certificate has expired"
    told = dated_reason(Settings(endpoint=parse_address("https://127.0.0.1:1")), error)
    assert told == "certificate has expired: it needs a new one, or a clock is wrong"
