"""A certificate that stands in no file."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from lictor_core.errors import ConfigurationError
from lictor_server import PemPair, show_pair
from tests.server.certificates import Authority


def pem(path: str) -> str:
    return Path(path).read_text(encoding="ascii")


def test_a_pair_is_shown_and_its_key_is_not_printed(tmp_path: Path) -> None:
    pair = Authority(tmp_path).server()
    given = PemPair(pem(pair.cert_file), pem(pair.key_file))
    assert "PRIVATE KEY" not in repr(given)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    show_pair(context, given)
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    trusting = ssl.create_default_context(cafile=str(tmp_path / "ca.pem"))
    client = trusting.wrap_bio(down, up, server_hostname="server.dc1.consul")
    server = context.wrap_bio(up, down, server_side=True)
    for end in (client, server, client, server):
        try:
            end.do_handshake()
        except ssl.SSLWantReadError:
            continue
    assert client.getpeercert(binary_form=True) == ssl.PEM_cert_to_DER_cert(given.certificate)


def test_a_key_of_another_certificate_and_a_key_with_a_password_are_refused(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    one, other = authority.server("one"), authority.server("other")
    locked = authority.issue("locked", ["x"], password=b"secret")
    for certificate, key in ((one.cert_file, other.key_file), (locked.cert_file, locked.key_file)):
        with pytest.raises(ConfigurationError, match="the certificate that the servers gave cannot be used"):
            show_pair(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), PemPair(pem(certificate), pem(key)))
