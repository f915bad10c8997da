"""The bounds of metadata of nodes and services. Source: Consul's document `docs/agent/options`, `node_meta`."""

from __future__ import annotations

import re
from typing import Final

from lictor_core.errors import RequestError
from lictor_core.limits import META_KEY_CHARS_MAX, META_PAIRS_MAX, META_VALUE_CHARS_MAX

__all__ = ["check_metadata"]

_KEY: Final = re.compile(r"[a-zA-Z0-9_-]+")


def check_metadata(meta: dict[str, str] | None, of: str, *, any_key: bool = False) -> None:
    """Raise `RequestError` when there are too many pairs, or one is too long or has a key of other characters.

    With `any_key` keys have any characters: those of nodes have that register without an agent, as in Consul.
    """
    if not meta:
        return
    if len(meta) > META_PAIRS_MAX:
        raise RequestError(f"Meta of {of} has {len(meta)} pairs; at most {META_PAIRS_MAX} are taken")
    for key, value in meta.items():
        if len(key) > META_KEY_CHARS_MAX or not (any_key or _KEY.fullmatch(key)):
            raise RequestError(
                f"Meta of {of} has the key {key[:META_KEY_CHARS_MAX]!r}: use letters, digits, '-' and '_', "
                f"1 to {META_KEY_CHARS_MAX} of them"
            )
        if len(value) > META_VALUE_CHARS_MAX:
            raise RequestError(
                f"Meta of {of} has {len(value)} characters under {key!r}; at most {META_VALUE_CHARS_MAX} are taken"
            )
