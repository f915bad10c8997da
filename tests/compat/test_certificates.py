"""PEM blocks are described by all that two authorities must agree on, and by nothing random."""

import datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from tests.support.recorder.certificates import describe_pem

_START = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)


def _leaf(common_name: str, *, hours: int = 72, critical: bool = False) -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    names = x509.SubjectAlternativeName([x509.UniformResourceIdentifier("spiffe://td/svc/web")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(_START)
        .not_valid_after(_START + datetime.timedelta(hours=hours))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=critical)
        .add_extension(names, critical=False)
        .sign(key, hashes.SHA256())
    )
    return certificate.public_bytes(Encoding.PEM).decode()


def test_two_certificates_that_agree_are_described_alike() -> None:
    assert describe_pem(_leaf("web")) == describe_pem(_leaf("web"))


def test_the_description_names_what_matters() -> None:
    assert describe_pem(_leaf("web")) == (
        "<certificate: subject CN=web; issuer CN=web; EC secp256r1; 72 h; CA False, path length None;"
        " names spiffe://td/svc/web>"
    )


def test_lifetime_and_criticality_tell_certificates_apart() -> None:
    assert len({describe_pem(_leaf("web", hours=h, critical=c)) for h in (71, 72) for c in (True, False)}) == 4


def test_random_parts_of_names_are_left_out() -> None:
    text = describe_pem(_leaf("web.svc.default.0123abcd.consul"))
    assert "CN=web.svc.default.<random>.consul" in text


def test_a_private_key_is_described_by_kind_and_encoding_alone() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()
    assert describe_pem(pem) == "<private key: EC secp256r1, EC PRIVATE KEY>"
