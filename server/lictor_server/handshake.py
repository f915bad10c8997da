"""The keyed handshake: how two ends of a new connection prove to each other that they know a common key. Pure.

Who dials speaks first; each line is one message, and `|` joins bytes:

    dialer     PREAMBLE | nonce_d
    acceptor   0x01 | nonce_a                        or a refusal
    dialer     count | proof_d(key) for each key of its ring, the primary first
    acceptor   0x01 | proof_a(the key that matched)  or a refusal

A proof is HMAC-SHA256, keyed with a key of the ring, over a label, the role, the datacenter and both nonces (ISO/IEC
9798-4, mutual authentication with a check function). So no key crosses the wire, a proof is of no use on another
connection, in the other direction or in another datacenter, and the acceptor shows nothing to who has no key. What
follows on the connection is neither encrypted nor protected by this: that is what TLS is for.
"""

from __future__ import annotations

from hmac import compare_digest, digest
from typing import Final

from lictor_core.errors import PeerError
from lictor_core.keyring import KEYS_MAX, Ring

__all__ = [
    "ACCEPTOR",
    "DIALER",
    "NONCE_BYTES",
    "PREAMBLE",
    "PROOF_BYTES",
    "REASON_BYTES_MAX",
    "accepted",
    "greeting",
    "is_greeting",
    "matching",
    "offered",
    "proof",
    "proves",
    "refusal",
    "refusal_length",
]

PREAMBLE: Final = b"Key of Lictor 1\n"
"""The first bytes; the first of them tells this from RPC (0x00), Raft (`L`) and TLS (0x16)."""
NONCE_BYTES: Final = 32
PROOF_BYTES: Final = 32
REASON_BYTES_MAX: Final = 400
"""A refusal is 0x00, its length in two bytes, and a sentence of so many bytes at most."""
DIALER: Final = b"dialer"
ACCEPTOR: Final = b"acceptor"
_LABEL: Final = b"Lictor keyed handshake 1"


def proof(key: bytes, role: bytes, datacenter: str, nonces: tuple[bytes, bytes]) -> bytes:
    """What proves `key`; `nonces` are the dialer's and the acceptor's. Every part has its length before it."""
    parts = (_LABEL, role, datacenter.lower().encode(errors="replace"), *nonces)
    return digest(key, b"".join(len(part).to_bytes(2, "big") + part for part in parts), "sha256")


def greeting(nonce: bytes) -> bytes:
    """What a dialer says first."""
    return PREAMBLE + nonce


def is_greeting(data: bytes) -> bool:
    """Whether `data` begins the handshake of this version."""
    return data.startswith(PREAMBLE)


def offered(ring: Ring, datacenter: str, nonces: tuple[bytes, bytes]) -> bytes:
    """The dialer's proofs of all its keys."""
    return bytes([len(ring.keys)]) + b"".join(proof(key, DIALER, datacenter, nonces) for key in ring.keys)


def matching(ring: Ring, proofs: bytes, datacenter: str, nonces: tuple[bytes, bytes]) -> bytes | None:
    """The first key of `ring` that one of the dialer's `proofs`, without their count, proves; None for none.

    All are compared with all, each in constant time: how long it takes tells nothing of which matched.
    """
    given = [proofs[start : start + PROOF_BYTES] for start in range(0, len(proofs), PROOF_BYTES)][:KEYS_MAX]
    found: bytes | None = None
    for key in reversed(ring.keys):
        expected = proof(key, DIALER, datacenter, nonces)
        hits = sum(compare_digest(expected, one) for one in given)
        found = key if hits else found
    return found


def proves(ring: Ring, answer: bytes, datacenter: str, nonces: tuple[bytes, bytes]) -> bool:
    """Whether the acceptor's proof is one of a key of `ring`."""
    return sum(compare_digest(proof(key, ACCEPTOR, datacenter, nonces), answer) for key in ring.keys) > 0


def accepted(rest: bytes) -> bytes:
    """The acceptor goes on with `rest`: its nonce, or its proof."""
    return b"\x01" + rest


def refusal(reason: str) -> bytes:
    """The acceptor says no."""
    sentence = reason.encode(errors="replace")[:REASON_BYTES_MAX]
    return b"\x00" + len(sentence).to_bytes(2, "big") + sentence


def refusal_length(head: bytes) -> int:
    """How long a refusal's sentence is. Raises `PeerError` when it is longer than any."""
    length = int.from_bytes(head, "big")
    if length > REASON_BYTES_MAX:
        raise PeerError(f"a refusal of {length} bytes, at most {REASON_BYTES_MAX} are taken")
    return length
