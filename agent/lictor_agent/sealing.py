"""Rings of keys, sealed for those who know one of them: AES-GCM, for whose keys 16, 24 and 32 bytes are made."""

from __future__ import annotations

from typing import Final

from lictor_core.clock import Rng
from lictor_core.errors import RequestError
from lictor_core.keyring import Ring, fingerprint

__all__ = ["opened", "sealed"]

_NONCE_BYTES: Final = 12
_LABEL: Final = b"Lictor ring of keys 1\n"


def sealed(ring: Ring, datacenter: str, rng: Rng) -> dict[str, bytes]:
    """The ring once for each of its keys, by the key's fingerprint. `rng` must be one that nobody can foresee."""
    # Imported here: few agents have keys, and this costs memory.
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    boxes: dict[str, bytes] = {}
    for key in ring.keys:
        nonce = rng.bits(8 * _NONCE_BYTES).to_bytes(_NONCE_BYTES, "big")
        name = fingerprint(key)
        boxes[name] = nonce + AESGCM(key).encrypt(nonce, ring.text().encode(), _about(name, datacenter))
    return boxes


def opened(boxes: dict[str, bytes], known: Ring, datacenter: str) -> Ring | None:
    """The ring in `boxes`, with any key of `known`; None when none of them fits, or what is inside is no ring."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    for key in known.keys:
        name = fingerprint(key)
        box = boxes.get(name, b"")
        if len(box) <= _NONCE_BYTES:
            continue
        try:
            text = AESGCM(key).decrypt(box[:_NONCE_BYTES], box[_NONCE_BYTES:], _about(name, datacenter))
            return Ring.parse(text.decode())
        except (InvalidTag, ValueError, RequestError):
            continue
    return None


def _about(name: str, datacenter: str) -> bytes:
    """What a box is good for: opened anywhere else, it is none."""
    return _LABEL + f"{datacenter.lower()}\n{name}".encode()
