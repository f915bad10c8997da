"""A node's metadata as TXT records. Pure."""

from __future__ import annotations

import functools
from typing import Final

from lictor_core.records import Node
from lictor_dns.answer import Record, RecordType, Text
from lictor_dns.names import Labels

__all__ = ["metadata_texts", "text_records"]

_STRING_BYTES_MAX: Final = 255  # RFC 1035, section 3.3.14
_TEXTS_MAX: Final = 4096
"""Pairs of metadata whose text is remembered: many nodes say the same."""
_RAW_PREFIX: Final = "rfc1035-"


def text_records(node: Node, owner: Labels, ttl: int) -> list[Record]:
    """The metadata of `node` as TXT records of `owner`."""
    return [Record(owner, RecordType.TXT, ttl, text) for text in metadata_texts(node)]


def metadata_texts(node: Node) -> list[Text]:
    """A node's metadata as TXT: `key=value` (RFC 1464), or the value alone where the key starts with `rfc1035-`."""
    return [_metadata_text(key, value) for key, value in sorted((node.meta or {}).items())]


@functools.lru_cache(_TEXTS_MAX)
def _metadata_text(key: str, value: str) -> Text:
    raw = key.lower().startswith(_RAW_PREFIX)
    text = value if raw else f"{_quoted_key(key)}={value.replace('`', '``')}"
    octets = text.encode("utf-8", "surrogateescape")
    pieces = tuple(octets[at : at + _STRING_BYTES_MAX] for at in range(0, len(octets), _STRING_BYTES_MAX))
    return Text(pieces or (b"",))


def _quoted_key(key: str) -> str:
    # RFC 1464: a grave accent quotes itself and the equals sign.
    return key.replace("`", "``").replace("=", "`=")
