"""Whether a certificate chains to a trusted root at a moment, as a proxy with the clock of a test would say.

Searches all paths like RFC 5280 section 6.1, for what the mesh uses: names, signatures, times, constraints of CAs. A
test compares it with `openssl verify`.
"""

from __future__ import annotations

from collections.abc import Sequence

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import Encoding

__all__ = ["chain_text", "chains", "parsed"]

_DEPTH_MAX = 8


def parsed(pem: str) -> list[x509.Certificate]:
    """All certificates in a text."""
    return x509.load_pem_x509_certificates(pem.encode())


def chains(presented: str, trusted: Sequence[str], at: float) -> bool:
    """Whether the first certificate of `presented`, with the help of the others, chains to one of `trusted`.

    All are PEM; `at` is in seconds since 1970.
    """
    leaf, *helpers = parsed(presented)
    roots = [root for pem in trusted for root in parsed(pem)]
    return _valid(leaf, at) and _reaches(leaf, helpers, roots, at, below=0)


def _reaches(
    certificate: x509.Certificate,
    helpers: Sequence[x509.Certificate],
    roots: Sequence[x509.Certificate],
    at: float,
    below: int,
) -> bool:
    if any(_issued(certificate, root, at, below) for root in roots):
        return True
    return below < _DEPTH_MAX and any(
        _issued(certificate, helper, at, below) and _reaches(helper, helpers, roots, at, below + 1)
        for helper in helpers
        if helper != certificate
    )


def _issued(certificate: x509.Certificate, issuer: x509.Certificate, at: float, below: int) -> bool:
    if certificate.issuer != issuer.subject or not _valid(issuer, at):
        return False
    constraints = issuer.extensions.get_extension_for_class(x509.BasicConstraints).value
    if not constraints.ca or (constraints.path_length is not None and below > constraints.path_length):
        return False
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _valid(certificate: x509.Certificate, at: float) -> bool:
    return certificate.not_valid_before_utc.timestamp() <= at <= certificate.not_valid_after_utc.timestamp()


def chain_text(certificates: Sequence[x509.Certificate]) -> str:
    """The certificates in PEM, one after the other."""
    return "".join(one.public_bytes(Encoding.PEM).decode() for one in certificates)
