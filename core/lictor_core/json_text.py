"""JSON for people, apart from the codec: a command line that starts anew each time needs no more of it than this."""

from __future__ import annotations

from typing import Final, TypeVar

import msgspec

from lictor_core.errors import RequestError

__all__ = ["from_json", "to_json"]

T = TypeVar("T")

_JSON_ENCODER: Final = msgspec.json.Encoder(order=None)


def to_json(value: object, *, pretty: bool = False) -> bytes:
    """JSON of a record or plain value; `pretty` indents by four spaces, as Consul's `?pretty`."""
    encoded = _JSON_ENCODER.encode(value)
    return msgspec.json.format(encoded, indent=4) if pretty else encoded


def from_json(data: bytes | str, kind: type[T]) -> T:
    """The `kind` in JSON `data`. Raises `RequestError` with the place that is wrong."""
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise RequestError(f"invalid JSON: {error}") from error
