"""Certificates that the harness makes: OpenSSL takes them, until they end."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from lictor_jepsen.certificates import LIFE_S, Certificates
from lictor_jepsen.net import Node

SERVER = Node(1, "n1", "127.0.0.1")
AGENT = Node(1, "a1", "127.0.0.2")
NOW = datetime.now(UTC)  # noqa: TID251 OpenSSL goes by the clock of the world


def _shake(made: Certificates, folder: Path, *, server: Node, client: Node, name: str) -> None:
    """A handshake in memory, where both prove themselves. Raises `ssl.SSLError` of the client, or of the server."""
    contexts = (ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
    for context, node in zip(contexts, (server, client), strict=True):
        settings = made.settings(node, NOW)
        context.load_verify_locations(str(settings["ca_file"]))
        context.load_cert_chain(str(settings["cert_file"]), str(settings["key_file"]))
        context.verify_mode = ssl.CERT_REQUIRED
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        contexts[1].wrap_bio(to_client, to_server, server_hostname=name),
        contexts[0].wrap_bio(to_server, to_client, server_side=True),
    ]
    for _ in range(6):
        for end in ends:
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue


@pytest.fixture
def made(tmp_path: Path) -> Certificates:
    return Certificates(tmp_path, NOW)


def test_a_server_is_known_by_its_name_and_an_agent_by_the_authority(made: Certificates, tmp_path: Path) -> None:
    _shake(made, tmp_path, server=SERVER, client=AGENT, name="server.dc1.consul")


def test_an_agent_does_not_pass_for_a_server(made: Certificates, tmp_path: Path) -> None:
    with pytest.raises(ssl.SSLCertVerificationError, match=r"server\.dc1\.consul"):
        _shake(made, tmp_path, server=AGENT, client=SERVER, name="server.dc1.consul")


@pytest.mark.parametrize("victim", [SERVER, AGENT])
def test_one_that_ended_is_refused_and_its_successor_is_taken(made: Certificates, tmp_path: Path, victim: Node) -> None:
    made.issue(victim, NOW, NOW - timedelta(seconds=1))
    with pytest.raises(ssl.SSLError, match="expired"):
        _shake(made, tmp_path, server=SERVER, client=AGENT, name="server.dc1.consul")
    made.issue(victim, NOW, NOW + timedelta(seconds=LIFE_S))
    _shake(made, tmp_path, server=SERVER, client=AGENT, name="server.dc1.consul")


def test_a_new_certificate_is_for_the_key_that_the_node_has(made: Certificates, tmp_path: Path) -> None:
    made.settings(SERVER, NOW)
    before = x509.load_pem_x509_certificate((tmp_path / "n1.pem").read_bytes())
    made.issue(SERVER, NOW, NOW + timedelta(days=1))
    after = x509.load_pem_x509_certificate((tmp_path / "n1.pem").read_bytes())
    assert before.public_key() == after.public_key()
    assert before.serial_number != after.serial_number
