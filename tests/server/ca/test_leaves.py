from __future__ import annotations

import datetime
from base64 import encodebytes

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import given
from hypothesis import strategies as st

from lictor_core.errors import RequestError
from lictor_server import ca
from lictor_server.ca.leaves import CSR_BYTES_MAX
from tests.server.ca.build import DOMAIN, NOW, csr, default_uri, root_and_key

HOUR = 3600.0


def pem(request: bytes) -> str:
    return f"-----BEGIN CERTIFICATE REQUEST-----\n{encodebytes(request).decode()}-----END CERTIFICATE REQUEST-----\n"


def signed(request: str, *, serial: int = 8, now: float = NOW, lifetime_s: float = 72 * HOUR) -> ca.SignedLeaf:
    root, key = root_and_key()
    return ca.sign_leaf(
        ca.read_csr(request), issuer_pem=root.root_cert, key=key, serial=serial, now=now, lifetime_s=lifetime_s
    )


def parsed(leaf: ca.SignedLeaf) -> x509.Certificate:
    return x509.load_pem_x509_certificate(leaf.certificate.encode())


def test_leaf_is_shaped_like_consuls() -> None:
    certificate = parsed(signed(csr(default_uri("my-svc.v1"))))
    assert certificate.subject.rfc4514_string() == "CN=mysvcv1.svc.default.abcdef01.consul"
    assert [(type(one.value).__name__, one.critical) for one in certificate.extensions] == [
        ("KeyUsage", True),
        ("ExtendedKeyUsage", False),
        ("BasicConstraints", True),
        ("SubjectKeyIdentifier", False),
        ("AuthorityKeyIdentifier", False),
        ("SubjectAlternativeName", False),
    ]
    usages = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usages) == [ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH]
    usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    assert not usage.key_cert_sign
    assert not certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca


def test_leaf_is_directly_issued_by_the_root() -> None:
    root, _ = root_and_key()
    parsed(signed(csr(default_uri()))).verify_directly_issued_by(
        x509.load_pem_x509_certificate(root.root_cert.encode())
    )


def test_leaf_is_valid_from_a_minute_ago_for_its_lifetime() -> None:
    leaf = signed(csr(default_uri()), lifetime_s=72 * HOUR)
    assert (leaf.valid_after, leaf.valid_before) == (NOW - 60, NOW - 60 + 72 * HOUR)
    assert parsed(leaf).not_valid_before_utc == datetime.datetime.fromtimestamp(NOW - 60, datetime.UTC)


def test_leaf_never_outlives_its_root() -> None:
    root, _ = root_and_key()
    end = x509.load_pem_x509_certificate(root.root_cert.encode()).not_valid_after_utc.timestamp()
    assert signed(csr(default_uri()), now=end - HOUR).valid_before == end
    with pytest.raises(RequestError, match="has expired: set a new root"):
        signed(csr(default_uri()), now=end)


@pytest.mark.parametrize(("serial", "text"), [(8, "08"), (0x1234, "12:34"), (255, "ff")])
def test_serial_number_is_written_in_pairs(serial: int, text: str) -> None:
    leaf = signed(csr(default_uri()), serial=serial)
    assert leaf.serial_number == text
    assert parsed(leaf).serial_number == serial


def test_agent_has_a_leaf_of_its_own_kind() -> None:
    uri = f"spiffe://{DOMAIN}/agent/client/dc/dc1/id/node-1"
    leaf = signed(csr(uri))
    assert leaf.uri == uri
    assert parsed(leaf).subject.rfc4514_string() == "CN=node1.agnt.abcdef01.consul"


@pytest.mark.parametrize(
    "key",
    [
        ec.generate_private_key(ec.SECP256R1()),
        ec.generate_private_key(ec.SECP384R1()),
        rsa.generate_private_key(public_exponent=65537, key_size=2048),
    ],
    ids=["P-256", "P-384", "RSA 2048"],
)
def test_good_keys_are_taken(key: ca.PrivateKey) -> None:
    assert parsed(signed(csr(default_uri(), key=key))).public_key() == key.public_key()


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        (ec.generate_private_key(ec.SECP256K1()), "P-256 or P-384"),
        (ec.generate_private_key(ec.SECP224R1()), "P-256 or P-384"),
        (rsa.generate_private_key(public_exponent=65537, key_size=1024), "1024 bits"),
    ],
    ids=["K-256", "P-224", "RSA 1024"],
)
def test_weak_keys_are_refused(key: ca.PrivateKey, reason: str) -> None:
    with pytest.raises(RequestError, match=reason):
        ca.read_csr(csr(default_uri(), key=key))


def test_keys_of_other_kinds_are_refused() -> None:
    names = x509.SubjectAlternativeName([x509.UniformResourceIdentifier(default_uri())])
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).add_extension(names, critical=False)
    request = builder.sign(ed25519.Ed25519PrivateKey.generate(), None).public_bytes(Encoding.PEM).decode()
    with pytest.raises(RequestError, match="ECDSA or RSA"):
        ca.read_csr(request)


@pytest.mark.parametrize(
    "request_pem",
    [
        csr(),
        csr(dns=("web.example",)),
        csr(default_uri("web"), default_uri("db")),
    ],
    ids=["no name", "a DNS name", "two ids"],
)
def test_anything_but_one_spiffe_id_is_refused(request_pem: str) -> None:
    with pytest.raises(RequestError, match="exactly one SPIFFE id"):
        ca.read_csr(request_pem)


@pytest.mark.parametrize("uri", [f"spiffe://{DOMAIN}", "https://example/", f"spiffe://{DOMAIN}/ns/default/dc/dc1"])
def test_ids_that_are_no_service_or_agent_are_refused(uri: str) -> None:
    with pytest.raises(RequestError):
        ca.read_csr(csr(uri))


def test_request_with_a_foreign_signature_is_refused() -> None:
    one, other = (csr(default_uri()) for _ in range(2))
    body = x509.load_pem_x509_csr(one.encode())
    raw = bytearray(body.public_bytes(Encoding.DER))
    signature = x509.load_pem_x509_csr(other.encode()).signature
    raw[-4:] = signature[-4:]
    with pytest.raises(RequestError, match="signature"):
        ca.read_csr(pem(bytes(raw)))


def test_a_request_of_an_unknown_version_is_refused() -> None:
    body = bytearray(x509.load_pem_x509_csr(csr(default_uri()).encode()).public_bytes(Encoding.DER))
    version = body.index(b"\x02\x01\x00")
    body[version + 2] = 41
    with pytest.raises(RequestError, match="is not a certificate signing request"):
        ca.read_csr(pem(bytes(body)))


def test_request_over_the_bound_is_refused() -> None:
    with pytest.raises(RequestError, match="at most"):
        ca.read_csr("x" * (CSR_BYTES_MAX + 1))


@given(st.text(max_size=200))
def test_any_text_is_refused_with_one_error(text: str) -> None:
    with pytest.raises(RequestError):
        ca.read_csr(f"-----BEGIN CERTIFICATE REQUEST-----\n{text}\n-----END CERTIFICATE REQUEST-----\n")


def test_dns_names_stand_beside_the_id() -> None:
    order = ca.read_csr(csr(default_uri("edge"), dns=("API.example", "*.ingress.consul", "api.example")))
    assert order.dns_names == ("api.example", "*.ingress.consul")
    root, key = root_and_key()
    leaf = ca.sign_leaf(order, issuer_pem=root.root_cert, key=key, serial=9, now=NOW, lifetime_s=3600)
    certificate = x509.load_pem_x509_certificate(leaf.certificate.encode())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["api.example", "*.ingress.consul"]
    assert names.get_values_for_type(x509.UniformResourceIdentifier) == [default_uri("edge")]


def test_addresses_stand_beside_the_id() -> None:
    uri = f"spiffe://{DOMAIN}/agent/client/dc/dc1/id/n1"
    order = ca.read_csr(csr(uri, dns=("localhost",), addresses=("127.0.0.1", "::1", "127.0.0.1")))
    assert (order.identity.uri(), order.dns_names, order.addresses) == (uri, ("localhost",), ("127.0.0.1", "::1"))
    root, key = root_and_key()
    leaf = ca.sign_leaf(order, issuer_pem=root.root_cert, key=key, serial=9, now=NOW, lifetime_s=3600)
    certificate = x509.load_pem_x509_certificate(leaf.certificate.encode())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [str(one) for one in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1", "::1"]
