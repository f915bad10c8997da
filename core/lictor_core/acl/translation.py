"""Rules of the older API in the words of today's: every name becomes a prefix. Pure.

What comes out is laid out as Consul 1.8.7 does it, a block by itself each; comments are left out. Source: Consul's
document `docs/security/acl/acl-migrate-tokens`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Final, cast

from lictor_core.acl.rules import Resource

__all__ = ["translated"]

_TO_PREFIX: Final = frozenset(str(kind) for kind in Resource if kind.is_named and kind is not Resource.INTENTION)
_PLAIN_KEY: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.")


def translated(tree: Mapping[str, object]) -> str:
    """The text of a policy that grants what `tree`, rules in the older words, granted."""
    return "\n\n".join(
        part for key, value in tree.items() for part in _parts(f"{key}_prefix" if key in _TO_PREFIX else key, value, 0)
    )


def _parts(key: str, value: object, depth: int) -> Iterator[str]:
    """One text for each that stands under `key`: a value, or a block for each label."""
    margin = "  " * depth
    if isinstance(value, dict):
        yield from (_block(key, body, depth) for body in _labelled(cast("dict[str, object]", value), depth))
        return
    items = cast("list[object]", value) if isinstance(value, list) else []
    if items and all(isinstance(one, dict) for one in items):
        for one in items:
            yield from _parts(key, one, depth)
    else:
        yield f"{margin}{_key(key)} = {json.dumps(value, ensure_ascii=False)}"


def _labelled(value: dict[str, object], depth: int) -> Iterator[tuple[tuple[str, ...], dict[str, object]]]:
    """The bodies in a block, each with its labels: outermost blocks have one, those inside them none."""
    if depth == 0 and value and all(isinstance(body, dict | list) for body in value.values()):
        for label, body in value.items():
            bodies = cast("list[object]", body if isinstance(body, list) else [body])
            for one in bodies:
                if isinstance(one, dict):
                    yield (label,), cast("dict[str, object]", one)
    else:
        yield (), value


def _block(key: str, labelled: tuple[tuple[str, ...], dict[str, object]], depth: int) -> str:
    labels, body = labelled
    margin = "  " * depth
    head = " ".join((_key(key), *(_quoted(label) for label in labels)))
    inner = "\n\n".join(part for name, value in body.items() for part in _parts(name, value, depth + 1))
    return f"{margin}{head} {{\n{inner}\n{margin}}}" if inner else f"{margin}{head} {{}}"


def _key(key: str) -> str:
    return key if key and _PLAIN_KEY.issuperset(key) else _quoted(key)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
