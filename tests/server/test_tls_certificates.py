"""A CA of the operator's own and what it signs, as other programs see it."""

import datetime
import subprocess
from collections.abc import Sequence
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from lictor_core.errors import RequestError
from lictor_server.tls_certificates import DAYS_MAX, CertificateKind, Pair, Wish, make_authority, make_certificate

NOW = 1_900_000_000.5
DAY_S = 86_400


def wish(
    kind: CertificateKind = CertificateKind.SERVER,
    *,
    datacenter: str = "dc1",
    domain: str = "consul",
    days: int = 365,
    node: str = "",
    names: Sequence[str] = (),
    addresses: Sequence[str] = (),
) -> Wish:
    return Wish(
        kind=kind, datacenter=datacenter, domain=domain, days=days, node=node, names=names, addresses=addresses
    )  # fmt: skip


def signed(authority: Pair, wanted: Wish, now: float = NOW) -> Pair:
    return make_certificate(
        wanted, authority=authority.certificate, authority_key=authority.key, serial=7, now=now
    )  # fmt: skip


def read(pair: Pair) -> x509.Certificate:
    return x509.load_pem_x509_certificate(pair.certificate.encode())


def names(pair: Pair) -> tuple[list[str], list[str]]:
    found = read(pair).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return found.get_values_for_type(x509.DNSName), [str(one) for one in found.get_values_for_type(x509.IPAddress)]


@pytest.fixture(scope="module")
def authority() -> Pair:
    return make_authority(days=1825, serial=5, now=NOW)


def test_a_ca_signs_certificates_and_itself(authority: Pair) -> None:
    certificate = read(authority)
    certificate.verify_directly_issued_by(certificate)
    assert certificate.serial_number == 5
    constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
    assert (constraints.critical, constraints.value.ca) == (True, True)
    usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    assert (usage.key_cert_sign, usage.crl_sign, usage.digital_signature, usage.key_encipherment) == (
        True, True, True, False,
    )  # fmt: skip
    assert certificate.not_valid_before_utc.timestamp() == int(NOW)
    assert authority.ends_at == int(NOW) + 1825 * DAY_S == authority.authority_ends_at
    assert authority.key.startswith("-----BEGIN EC PRIVATE KEY-----\n")


@pytest.mark.parametrize(
    ("kind", "dns", "addresses", "uses"),
    [
        (
            CertificateKind.SERVER,
            ["a.example", "n1.server.eu.corp", "server.eu.corp", "localhost"],
            ["192.0.2.1", "::1", "127.0.0.1"],
            [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH],
        ),
        (
            CertificateKind.CLIENT,
            ["a.example", "n1.client.eu.corp", "client.eu.corp", "localhost"],
            ["192.0.2.1", "::1", "127.0.0.1"],
            [ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH],
        ),
        (
            CertificateKind.CLI,
            ["a.example", "n1.cli.eu.corp", "cli.eu.corp", "localhost"],
            ["192.0.2.1", "::1"],
            [],
        ),
    ],
)
def test_a_certificate_names_whom_it_is_for(
    authority: Pair, kind: CertificateKind, dns: list[str], addresses: list[str], uses: list[x509.ObjectIdentifier]
) -> None:
    made = signed(
        authority,
        wish(kind, datacenter="eu", domain="corp", node="n1", names=["a.example"], addresses=["192.0.2.1", "::1"]),
    )
    certificate = read(made)
    certificate.verify_directly_issued_by(read(authority))
    (common_name,) = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    assert common_name.value == f"{kind.value}.eu.corp"
    assert names(made) == (dns, addresses)
    found = [one.value for one in certificate.extensions if isinstance(one.value, x509.ExtendedKeyUsage)]
    assert [list(one) for one in found] == ([uses] if uses else [])


def test_a_name_given_twice_is_there_once(authority: Pair) -> None:
    made = signed(authority, wish(names=["localhost", "x"], addresses=["127.0.0.1"]))
    assert names(made) == (["localhost", "x", "server.dc1.consul"], ["127.0.0.1"])


def test_a_ca_with_constraints_signs_for_nobody_else() -> None:
    tight = make_authority(days=10, serial=1, now=NOW, permitted=["example.com", "corp", "localhost"])
    found = read(tight).extensions.get_extension_for_class(x509.NameConstraints)
    assert found.critical
    assert [one.value for one in found.value.permitted_subtrees or ()] == ["example.com", "corp", "localhost"]
    assert "x.EXAMPLE.com" in names(signed(tight, wish(domain="corp", days=3, names=["x.EXAMPLE.com"])))[0]
    for name in ("example.org", "badexample.com", "corp.example.org"):
        with pytest.raises(
            RequestError, match=f"may not sign for {name}: it was made for example.com, corp, localhost"
        ):
            signed(tight, wish(domain="corp", days=3, names=[name]))
    with pytest.raises(RequestError, match=r"may not sign for server\.dc1\.consul"):
        signed(tight, wish(days=3))


@pytest.mark.parametrize("days", [0, -1, DAYS_MAX + 1])
def test_a_time_that_nobody_can_use_is_refused(authority: Pair, days: int) -> None:
    with pytest.raises(RequestError, match=f"days must be 1 to {DAYS_MAX}, not {days}"):
        make_authority(days=days, serial=1, now=NOW)
    with pytest.raises(RequestError, match="days must be 1"):
        signed(authority, wish(days=days))


@pytest.mark.parametrize(
    ("wanted", "reason"),
    [
        (wish(names=["a b"]), "'a b' is no DNS name"),
        (wish(names=["ä.example"]), "is no DNS name"),
        (wish(names=[""]), "'' is no DNS name"),
        (wish(addresses=["300.1.1.1"]), "'300.1.1.1' is no IP address"),
        (wish(domain="x" * 64), "64 characters"),
    ],
    ids=str,
)
def test_a_wish_that_no_certificate_can_express_is_refused(authority: Pair, wanted: Wish, reason: str) -> None:
    with pytest.raises(RequestError, match=reason):
        signed(authority, wanted)


def test_a_ca_that_cannot_sign_is_refused(authority: Pair) -> None:
    other = make_authority(days=1, serial=1, now=NOW)
    leaf = signed(authority, wish())
    cases = [
        ("x", authority.key, NOW, "no certificate in PEM"),
        (authority.certificate, "x", NOW, "the CA's key file is not an unencrypted private key"),
        (authority.certificate, other.key, NOW, "not the key of the CA's certificate"),
        (leaf.certificate, leaf.key, NOW, "its basic constraints say so"),
        (other.certificate, other.key, NOW + DAY_S, "the CA is not valid now"),
        (other.certificate, other.key, NOW - DAY_S, "the CA is not valid now"),
    ]
    for certificate, key, now, reason in cases:
        with pytest.raises(RequestError, match=reason):
            make_certificate(wish(), authority=certificate, authority_key=key, serial=1, now=now)


def test_a_ca_that_names_no_key_is_taken_as_others_make_them() -> None:
    key = ec.generate_private_key(ec.SECP384R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "bare")])
    begin = datetime.datetime.fromtimestamp(NOW, datetime.UTC)
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    bare = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(begin)
        .not_valid_after(begin + datetime.timedelta(days=2))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA384())
    )
    made = make_certificate(
        wish(),
        authority=bare.public_bytes(Encoding.PEM).decode(),
        authority_key=key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
        serial=2,
        now=NOW,
    )
    read(made).verify_directly_issued_by(bare)
    assert made.ends_at > made.authority_ends_at


@pytest.mark.needs("openssl")
@pytest.mark.parametrize("permitted", [[], ["consul", "localhost"]], ids=["any name", "some names"])
def test_openssl_verifies_what_is_signed(permitted: list[str], tmp_path: Path) -> None:
    authority = make_authority(days=10, serial=1, now=NOW, permitted=permitted)
    (tmp_path / "ca.pem").write_text(authority.certificate)
    for kind, purpose in ((CertificateKind.SERVER, "sslserver"), (CertificateKind.CLIENT, "sslclient"),
                          (CertificateKind.CLI, "sslclient")):  # fmt: skip
        made = signed(authority, wish(kind, days=3))
        (tmp_path / "leaf.pem").write_text(made.certificate)
        words = ["openssl", "verify", "-x509_strict", "-attime", str(int(NOW) + 60), "-purpose", purpose, "-CAfile",
                 "ca.pem", "leaf.pem"]  # fmt: skip
        done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=30)
        assert (done.returncode, done.stdout) == (0, "leaf.pem: OK\n"), done.stderr


def test_addresses_are_of_both_kinds(authority: Pair) -> None:
    assert ip_address(names(signed(authority, wish(addresses=["2001:db8::1"])))[1][0]).version == 6


def test_a_ca_has_the_name_and_is_for_the_cluster_that_was_wished() -> None:
    cluster = "1B6B4E3A-0000-4000-8000-000000000001"
    made = make_authority(days=10, serial=1, now=NOW, common_name="Ours", cluster_id=cluster)
    certificate = x509.load_pem_x509_certificate(made.certificate.encode())
    assert certificate.subject.rfc4514_string() == "CN=Ours"
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.UniformResourceIdentifier) == [f"spiffe://{cluster.lower()}.consul"]
    with pytest.raises(RequestError, match="'x' is no cluster id"):
        make_authority(days=10, serial=1, now=NOW, cluster_id="x")
