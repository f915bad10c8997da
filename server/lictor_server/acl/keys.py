"""Names of keys as far as they are seen. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from lictor_core.acl.authorizer import Authorizer
from lictor_core.acl.rules import Resource

__all__ = ["names_left"]


def names_left(judge: Authorizer, keys: Iterable[str], prefix: str, separator: str) -> list[str]:
    """The `keys` under `prefix` that may be read, in order; with a separator each up to and including its next one,
    once: a folder is there for who sees something in it."""
    found: dict[str, None] = {}
    for key in keys:
        if judge.allows(Resource.KEY, key):
            end = key.find(separator, len(prefix)) if separator else -1
            found[key if end < 0 else key[: end + len(separator)]] = None
    return list(found)
