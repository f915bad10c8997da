"""Keys of the KV store: any bytes, held as text that is always whole Unicode.

Most keys are UTF-8, and are held as the text they are. A byte that is no part of UTF-8 is held as one of the last 128
code points, which are for private use; and since such a code point may be meant as itself, its own bytes are held so as
well. So every key has one form, no two have the same, and it goes through logs, snapshots and JSON as other text does.
Keys are in the order of their bytes, but for those bytes, which come last.
"""

from __future__ import annotations

import re
from typing import Final

__all__ = ["bytes_of", "key_of", "key_of_text", "shown"]

_FIRST: Final = 0x10FF80
"""Stands for the byte 0x80."""
_HELD: Final = re.compile("[\U0010ff80-\U0010ffff]")
_LONE: Final = re.compile("[\udc80-\udcff]")
_FROM_LONE: Final = {0xDC80 + byte: _FIRST + byte for byte in range(128)}
_TO_LONE: Final = {held: lone for lone, held in _FROM_LONE.items()}
_REPLACEMENT: Final = "\ufffd"


def key_of(data: bytes) -> str:
    """The key that these bytes name."""
    text = data.decode(errors="surrogateescape")
    return text if text.isascii() else key_of_text(text).translate(_FROM_LONE)


def key_of_text(text: str) -> str:
    """The key that this text names."""
    if text.isascii():
        return text
    return _HELD.sub(lambda found: "".join(chr(_FIRST - 0x80 + byte) for byte in found[0].encode()), text)


def bytes_of(key: str) -> bytes:
    """The bytes of a key."""
    return key.encode() if key.isascii() else key.translate(_TO_LONE).encode(errors="surrogateescape")


def shown(key: str) -> str:
    """A key as text for people and JSON, with U+FFFD for each byte that is no part of UTF-8, as Go shows it."""
    if key.isascii() or _HELD.search(key) is None:
        return key
    return _LONE.sub(_REPLACEMENT, bytes_of(key).decode(errors="surrogateescape"))
