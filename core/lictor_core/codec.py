"""Bytes for values: msgpack for the log, snapshots and frames; JSON for people.

`decode(encode(x)) == x` for every command, query and record. Decoding checks types and raises one error,
`RequestError`, whatever the bytes are.
"""

from __future__ import annotations

from typing import Final, TypeVar, cast

import msgpack
import msgspec

from lictor_core.commands import Command
from lictor_core.errors import RequestError

__all__ = ["decode_command", "encode_command", "from_json", "pack", "to_json", "unpack"]

T = TypeVar("T")

_PLAIN: Final = (bytes,)


def pack(value: object) -> bytes:
    """msgpack of any record, command or plain value."""
    return msgpack.packb(msgspec.to_builtins(value, builtin_types=_PLAIN), use_bin_type=True)


def unpack(data: bytes, kind: type[T]) -> T:
    """The `kind` in `data`. Raises `RequestError` when the bytes are no msgpack or not of that kind."""
    try:
        plain = msgpack.unpackb(data, raw=False, strict_map_key=False)
        return msgspec.convert(plain, kind, builtin_types=_PLAIN)
    except (ValueError, TypeError, RecursionError, msgpack.UnpackException) as error:
        raise RequestError(f"not a {kind!r} in msgpack: {error}") from error


def encode_command(command: Command) -> bytes:
    """A command for the log."""
    return pack(command)


def decode_command(data: bytes) -> Command:
    """The command in a log entry."""
    return unpack(data, cast(type[Command], Command))


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
