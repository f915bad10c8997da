"""Keys by which agents prove to belong together, and the ring of those that one agent knows. Pure.

A key is 16, 24 or 32 bytes, in base64 wherever people see it. The first of a ring is its *primary*; all of them are
understood. The text of a ring is that of Consul's file `serf/local.keyring`: a JSON list of keys, the primary first.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from hmac import digest
from typing import Final, cast

from lictor_core.errors import RequestError

__all__ = ["KEYS_MAX", "KEY_BYTES", "Ring", "decode_key", "fingerprint", "fingerprints", "key_text", "parse_key"]

KEY_BYTES: Final = (16, 24, 32)
"""How long a key may be."""
KEYS_MAX: Final = 16
"""Keys of one ring: each of them is tried for each connection. A rotation needs two."""
_FINGERPRINT_BYTES: Final = 8


@dataclass(frozen=True, slots=True)
class Ring:
    """Keys, the primary first; never none, never the same one twice. Its `repr` shows none of them."""

    keys: tuple[bytes, ...] = field(repr=False)

    @property
    def primary(self) -> bytes:
        """The key that is offered first."""
        return self.keys[0]

    def installed(self, key: bytes) -> Ring:
        """With one more key, last; the same ring when it is there already. Raises `RequestError` at `KEYS_MAX`."""
        if key in self.keys:
            return self
        if len(self.keys) >= KEYS_MAX:
            raise RequestError(f"the ring has {KEYS_MAX} keys already: remove one that is not used any more")
        return Ring((*self.keys, key))

    def used(self, key: bytes) -> Ring:
        """With this key as the primary. Raises `RequestError` for one that is not in the ring."""
        if key not in self.keys:
            raise RequestError("Requested key is not in the keyring: install it first")
        return Ring((key, *(one for one in self.keys if one != key)))

    def removed(self, key: bytes) -> Ring:
        """Without this key; the same ring when it is not there. Raises `RequestError` for the primary."""
        if key == self.primary:
            raise RequestError("Removing the primary key is not allowed: use another one first")
        return Ring(tuple(one for one in self.keys if one != key))

    def text(self) -> str:
        """As it stands in a file. It holds secrets."""
        return json.dumps([key_text(key) for key in self.keys])

    @classmethod
    def parse(cls, text: str) -> Ring:
        """The ring that stands in a file. Raises `RequestError` for anything else, which names no key."""
        try:
            found: object = json.loads(text)
        except (ValueError, RecursionError):
            raise RequestError("it is no JSON list of keys") from None
        if not isinstance(found, list) or not found:
            raise RequestError("it is no JSON list of keys, or an empty one")
        keys: dict[bytes, None] = {}
        for number, one in enumerate(cast("list[object]", found), 1):
            if not isinstance(one, str):
                raise RequestError(f"its entry {number} is no text")
            try:
                keys[parse_key(one)] = None
            except RequestError as error:
                raise RequestError(f"its entry {number}: {error}") from None
        if len(keys) > KEYS_MAX:
            raise RequestError(f"it has {len(keys)} keys; at most {KEYS_MAX} are taken")
        return cls(tuple(keys))


def decode_key(text: str) -> bytes:
    """What `text` is in base64, whether it is a key or not. Raises as `parse_key`."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise RequestError("a key must be in base64, as `lictor keygen` makes them") from None


def parse_key(text: str) -> bytes:
    """The key that `text` is in base64. Raises `RequestError`, whose message does not repeat the text."""
    key = decode_key(text)
    if len(key) not in KEY_BYTES:
        raise RequestError(f"key size must be 16, 24 or 32 bytes, not {len(key)}")
    return key


def key_text(key: bytes) -> str:
    """A key as people see it: a secret."""
    return base64.b64encode(key).decode("ascii")


def fingerprint(key: bytes) -> str:
    """A name for a key that does not tell it: 16 hexadecimal digits."""
    return digest(key, b"Lictor: name of a key", "sha256")[:_FINGERPRINT_BYTES].hex()


def fingerprints(keys: Iterable[bytes]) -> tuple[str, ...]:
    """Those of several keys, in their order."""
    return tuple(fingerprint(key) for key in keys)
