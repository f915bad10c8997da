from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat

from lictor_core.errors import RequestError
from lictor_server import ca


@pytest.mark.parametrize(("kind", "bits"), [("ec", 256), ("ec", 384), ("rsa", 2048)])
def test_a_key_survives_its_pem(kind: str, bits: int) -> None:
    key = ca.new_key(kind, bits)
    assert ca.load_key(ca.key_pem(key)).private_numbers() == key.private_numbers()


def test_ec_keys_are_written_as_consul_writes_them() -> None:
    assert ca.key_pem(ca.new_key()).startswith("-----BEGIN EC PRIVATE KEY-----\n")


@pytest.mark.parametrize(
    "pem",
    [
        "nonsense",
        ed25519.Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
        ec.generate_private_key(ec.SECP256R1())
        .private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"word"))
        .decode(),
    ],
    ids=["nonsense", "Ed25519", "encrypted"],
)
def test_other_keys_are_refused_and_not_quoted(pem: str) -> None:
    with pytest.raises(RequestError) as raised:
        ca.load_key(pem)
    assert pem.splitlines()[0] not in str(raised.value)
