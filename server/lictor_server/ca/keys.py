"""Keys of the CA and of leaves: which kinds are good enough, their PEM form, and their ids."""

from __future__ import annotations

import hashlib
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from lictor_core.errors import RequestError

__all__ = [
    "KEY_BITS",
    "RSA_BITS_MAX",
    "RSA_BITS_MIN",
    "UNREADABLE",
    "PrivateKey",
    "check_public_key",
    "colon_hex",
    "key_id",
    "key_kind",
    "key_pem",
    "load_key",
    "new_key",
    "signing_key_id",
]

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey

RSA_BITS_MIN: Final = 2048
RSA_BITS_MAX: Final = 8192
"""Larger keys cost the server seconds to verify, which anyone who may ask for a leaf could use against it."""
UNREADABLE: Final = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)
"""What reading a certificate, a request for one or a key raises for bytes that are none: they have no common base."""
KEY_BITS: Final = {"ec": (256, 384), "rsa": (2048, 4096)}
"""The kinds of key that we make, with their sizes, the default first."""
_CURVES: Final = ("secp256r1", "secp384r1")


def new_key(kind: str = "ec", bits: int = 256) -> PrivateKey:
    """A new key of a kind and size of `KEY_BITS`, from the machine's chance; ECDSA P-256 is Consul's default."""
    assert bits in KEY_BITS[kind], f"checked by whoever read the settings: {kind} of {bits} bits"
    if kind == "rsa":
        return rsa.generate_private_key(public_exponent=65537, key_size=bits)
    return ec.generate_private_key(ec.SECP256R1() if bits == 256 else ec.SECP384R1())


def load_key(pem: str, *, is_ours: bool = False) -> PrivateKey:
    """The private key in `pem`. Raises `RequestError`, which never quotes it.

    That the numbers of a key of RSA belong together is proven each time, in a quarter of a second for a large one,
    unless it `is_ours`: made here, or proven before.
    """
    try:
        key = load_pem_private_key(pem.encode(), password=None, unsafe_skip_rsa_key_validation=is_ours)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise RequestError("PrivateKey is not an unencrypted private key in PEM") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
        raise RequestError("PrivateKey must be an ECDSA or RSA key")
    check_public_key(key.public_key(), "PrivateKey")
    return key


def key_pem(key: PrivateKey) -> str:
    """The key in PEM, unencrypted, in the form that Consul writes (SEC 1 or PKCS #1)."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()


def check_public_key(key: object, what: str) -> None:
    """Refuse a public key that is too weak, too large, or of a kind that the mesh does not use."""
    if isinstance(key, ec.EllipticCurvePublicKey):
        if key.curve.name not in _CURVES:
            raise RequestError(f"{what} uses the curve {key.curve.name}: use P-256 or P-384")
    elif isinstance(key, rsa.RSAPublicKey):
        if not RSA_BITS_MIN <= key.key_size <= RSA_BITS_MAX:
            raise RequestError(f"{what} is RSA of {key.key_size} bits: use {RSA_BITS_MIN} to {RSA_BITS_MAX}")
    else:
        raise RequestError(f"{what} must be an ECDSA or RSA key")


def key_id(key: ec.EllipticCurvePublicKey | rsa.RSAPublicKey) -> bytes:
    """SHA-256 of the public key's SubjectPublicKeyInfo: Consul's key identifier, in certificates and answers."""
    return hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).digest()


def signing_key_id(key: PrivateKey) -> str:
    """The id of a root's key as answers show it: `SigningKeyID`."""
    return colon_hex(key_id(key.public_key()))


def key_kind(key: ec.EllipticCurvePublicKey | rsa.RSAPublicKey) -> tuple[str, int]:
    """Consul's name for the kind of key, and its size in bits."""
    return ("rsa" if isinstance(key, rsa.RSAPublicKey) else "ec"), key.key_size


def colon_hex(data: bytes) -> str:
    """Bytes as lower-case hexadecimal pairs with colons between, as Consul writes ids and serial numbers."""
    return data.hex(":")
