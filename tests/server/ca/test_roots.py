from __future__ import annotations

import datetime
import subprocess
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from lictor_core.errors import RequestError
from lictor_server import ca
from tests.server.ca.build import CLUSTER, DOMAIN, NOW, csr, default_uri, root_and_key


def test_root_is_shaped_like_consuls() -> None:
    root, _ = root_and_key()
    certificate = x509.load_pem_x509_certificate(root.root_cert.encode())
    assert certificate.subject.rfc4514_string() == "CN=pri-abc12345.consul.ca.abcdef01.consul"
    assert certificate.issuer == certificate.subject
    assert [(type(one.value).__name__, one.critical) for one in certificate.extensions] == [
        ("KeyUsage", True),
        ("BasicConstraints", True),
        ("SubjectKeyIdentifier", False),
        ("AuthorityKeyIdentifier", False),
        ("SubjectAlternativeName", False),
    ]
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.UniformResourceIdentifier) == [f"spiffe://{DOMAIN}"]


def test_record_says_what_the_certificate_says() -> None:
    root, _ = root_and_key()
    certificate = x509.load_pem_x509_certificate(root.root_cert.encode())
    identifier = certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    assert root.id == certificate.fingerprint(hashes.SHA1()).hex(":")
    assert root.signing_key_id == identifier.hex(":")
    assert (root.serial_number, root.private_key_type, root.private_key_bits) == (7, "ec", 256)
    assert (root.not_before, root.not_after) == ("2026-01-01T00:00:00Z", "2036-01-01T00:00:00Z")
    assert root.external_trust_domain == CLUSTER.lower()
    assert root.active


def test_root_made_on_a_leap_day_ends_after_ten_years() -> None:
    leap_day = datetime.datetime(2028, 2, 29, tzinfo=datetime.UTC).timestamp()
    root = ca.make_root(ca.new_key(), cluster_id=CLUSTER, serial=1, unique="x", now=leap_day)
    assert root.not_after == "2038-03-01T00:00:00Z"


@pytest.mark.needs("openssl")
def test_openssl_verifies_the_chain(tmp_path: Path) -> None:
    root, key = root_and_key()
    leaf = ca.sign_leaf(
        ca.read_csr(csr(default_uri())), issuer_pem=root.root_cert, key=key, serial=8, now=NOW, lifetime_s=3600
    )
    (tmp_path / "root.pem").write_text(root.root_cert)
    (tmp_path / "leaf.pem").write_text(leaf.certificate)
    for purpose in ("sslserver", "sslclient"):
        command = ["openssl", "verify", "-x509_strict", "-attime", str(int(NOW)), "-purpose", purpose]
        ran = subprocess.run(
            [*command, "-CAfile", "root.pem", "leaf.pem"], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr


def test_given_root_is_adopted_with_its_key() -> None:
    root, key = root_and_key()
    adopted = ca.adopt_root(root.root_cert, key, cluster_id=CLUSTER, now=NOW)
    assert adopted == root


def test_given_root_with_a_serial_number_of_usual_length_shows_its_lowest_eight_bytes() -> None:
    key = ca.new_key()
    now = datetime.datetime.fromtimestamp(NOW, datetime.UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "somebody's root")])
    serial = 0x7E15_0000_0000_0000_0000_00FF_EEDD_CCBB_AA99_8877
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(serial)
        .not_valid_before(now)
        .not_valid_after(now + datetime.timedelta(days=9))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM).decode()
    adopted = ca.adopt_root(pem, key, cluster_id=CLUSTER, now=NOW)
    assert adopted.serial_number == 0xEEDD_CCBB_AA99_8877


def test_given_root_with_another_key_is_refused() -> None:
    root, _ = root_and_key()
    with pytest.raises(RequestError, match="not the key"):
        ca.adopt_root(root.root_cert, ca.new_key(), cluster_id=CLUSTER, now=NOW)


def test_given_leaf_is_no_root() -> None:
    root, key = root_and_key()
    own = ca.new_key()
    order = ca.read_csr(csr(default_uri(), key=own))
    leaf = ca.sign_leaf(order, issuer_pem=root.root_cert, key=key, serial=8, now=NOW, lifetime_s=3600)
    with pytest.raises(RequestError, match="no CA"):
        ca.adopt_root(leaf.certificate, own, cluster_id=CLUSTER, now=NOW)


def test_expired_root_is_refused() -> None:
    root, key = root_and_key()
    with pytest.raises(RequestError, match="not valid now"):
        ca.adopt_root(root.root_cert, key, cluster_id=CLUSTER, now=NOW + 11 * 366 * 86400)


@pytest.mark.parametrize("pem", ["", "nonsense", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_what_is_no_certificate_is_refused(pem: str) -> None:
    with pytest.raises(RequestError):
        ca.adopt_root(pem, ca.new_key(), cluster_id=CLUSTER, now=NOW)
