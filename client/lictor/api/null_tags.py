"""Empty lists for `null`, where Consul shows tags as it has them inside: in transactions and queries. Pure."""

from __future__ import annotations

from typing import Final, TypeVar, cast

import msgspec

from lictor.api.errors import UnreadableError
from lictor.api.messages import Response, decoded

__all__ = ["decoded_with_tags"]

T = TypeVar("T")

_TAGS: Final = ("Tags", "ServiceTags")


def decoded_with_tags(response: Response, kind: type[T]) -> T:
    """The `kind` in a response's JSON, in which tags may be `null`. Raises `UnreadableError` when there is none."""
    try:
        return msgspec.convert(_filled(decoded(response, object)), kind)
    except msgspec.ValidationError as error:
        raise UnreadableError(f"the agent's answer cannot be read: {error}") from error


def _filled(value: object) -> object:
    if isinstance(value, dict):
        held = cast("dict[str, object]", value)
        empty: list[object] = []
        return {key: empty if one is None and key in _TAGS else _filled(one) for key, one in held.items()}
    if isinstance(value, list):
        return [_filled(one) for one in cast("list[object]", value)]
    return value
