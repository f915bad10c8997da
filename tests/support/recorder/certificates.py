"""PEM blocks as one readable line: everything about a certificate that two authorities must agree on."""

import re

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

# An authority is named by a random word, and names shorten the trust domain to the first eight digits of its UUID.
_RANDOM_NAME = re.compile(r"(\bpri-|\.)(?:(?<=pri-)[0-9a-z]+|[0-9a-f]{8}(?=\.consul))")


def describe_pem(pem: str) -> str:
    """What a PEM block holds, without what is random in it: `<certificate: ...>`, `<private key: ...>` or `<PEM: ...>`.

    The validity is given in whole hours, the names as they stand in the certificate.
    """
    block = pem.encode()
    if "BEGIN CERTIFICATE-----" in pem:
        return _certificate(x509.load_pem_x509_certificate(block))
    if "PRIVATE KEY-----" in pem:
        label = pem.split("-----")[1].removeprefix("BEGIN ")
        return f"<private key: {_key(load_pem_private_key(block, None))}, {label}>"
    return f"<PEM: {pem.split('-----')[1].removeprefix('BEGIN ')}>"


def _certificate(certificate: x509.Certificate) -> str:
    lifetime = certificate.not_valid_after_utc - certificate.not_valid_before_utc
    facts = [
        f"subject {certificate.subject.rfc4514_string()}",
        f"issuer {certificate.issuer.rfc4514_string()}",
        _key(certificate.public_key()),
        f"{round(lifetime.total_seconds() / 3600)} h",
        *(_extension(extension) for extension in certificate.extensions),
    ]
    return _RANDOM_NAME.sub(r"\1<random>", f"<certificate: {'; '.join(facts)}>")


def _extension(extension: x509.Extension[x509.ExtensionType]) -> str:
    value = extension.value
    critical = " (critical)" if extension.critical else ""
    if isinstance(value, x509.BasicConstraints):
        return f"CA {value.ca}, path length {value.path_length}{critical}"
    if isinstance(value, x509.SubjectAlternativeName):
        return f"names {', '.join(str(name.value) for name in value)}{critical}"
    if isinstance(value, x509.ExtendedKeyUsage):
        return f"for {', '.join(sorted(usage.dotted_string for usage in value))}{critical}"
    if isinstance(value, x509.KeyUsage):
        names = (
            "digital_signature",
            "key_encipherment",
            "data_encipherment",
            "key_agreement",
            "key_cert_sign",
            "crl_sign",
        )
        return f"may {', '.join(name for name in names if getattr(value, name))}{critical}"
    return f"{type(value).__name__}{critical}"


def _key(key: object) -> str:
    if isinstance(key, ec.EllipticCurvePublicKey | ec.EllipticCurvePrivateKey):
        return f"EC {key.curve.name}"
    if isinstance(key, rsa.RSAPublicKey | rsa.RSAPrivateKey):
        return f"RSA {key.key_size}"
    return type(key).__name__
