"""The ring of keys as the servers hand it on: sealed, so that it tells nothing to who does not know one of its keys.

Whoever knows a key opens the box of that key, and has the whole ring. So the log, snapshots and connections without TLS
carry no key in the clear, and servers need not know the keys of those they hand them on to.
"""

from __future__ import annotations

from typing import Final

import msgspec

from lictor_core import topics as on
from lictor_core.errors import RequestError
from lictor_core.keyring import KEYS_MAX
from lictor_core.query import Query
from lictor_core.records import Record
from lictor_core.topics import Topic

__all__ = ["BOX_BYTES_MAX", "KeyTidings", "KeyringQuery", "SealedRing", "check_boxes"]

BOX_BYTES_MAX: Final = 2048
"""One sealed ring: of `KEYS_MAX` keys it has about 800."""
_FINGERPRINT_CHARS_MAX: Final = 64


class SealedRing(Record, frozen=True, kw_only=True):
    """The newest ring. `boxes` maps the fingerprint of each of its keys to the ring, sealed with that key.

    Without boxes nobody has changed the ring yet: each agent has what its configuration began.
    """

    boxes: dict[str, bytes]
    modify_index: int = 0


class KeyringQuery(Query[SealedRing], frozen=True, kw_only=True, tag="Keyring"):
    """The newest ring of keys, sealed; one without boxes where nobody has changed it."""

    def topics(self) -> tuple[Topic, ...]:
        return (on.KEYRING,)


class KeyTidings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which keys an agent knows, by their fingerprints, the primary first; and which ring it took over last.

    `index` is that ring's `modify_index`, 0 before the first. `age_ms` is how long ago that was said.
    """

    node: str
    keys: tuple[str, ...]
    index: int = 0
    age_ms: int = 0


def check_boxes(boxes: dict[str, bytes]) -> None:
    """Raise `RequestError` for what is no sealed ring: too many boxes or too large ones, or none."""
    if not 0 < len(boxes) <= KEYS_MAX:
        raise RequestError(f"a ring comes in {len(boxes)} boxes; 1 to {KEYS_MAX} are taken")
    for name, box in boxes.items():
        if len(name) > _FINGERPRINT_CHARS_MAX or len(box) > BOX_BYTES_MAX:
            raise RequestError(f"a sealed ring has {len(box)} bytes; at most {BOX_BYTES_MAX} are taken")
