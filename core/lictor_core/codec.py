"""Bytes for values: msgpack for the log, snapshots and frames; JSON for people.

`decode(encode(x)) == x` for every command, query and record. Decoding checks types and raises one error,
`RequestError`, whatever the bytes are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, TypeVar, cast

import msgspec

from lictor_core.commands import Command, Proposal
from lictor_core.errors import RequestError
from lictor_core.json_text import from_json, to_json
from lictor_core.limits import NESTING_MAX
from lictor_core.version import LICTOR

__all__ = [
    "check_nesting",
    "decode_command",
    "decode_proposal",
    "encode_command",
    "encode_proposal",
    "from_json",
    "pack",
    "pack_given",
    "to_json",
    "unpack",
]

T = TypeVar("T")

_ENCODER: Final = msgspec.msgpack.Encoder()
_COMMANDS: Final = msgspec.msgpack.Decoder(cast(type[Command], Command))
_PROPOSALS: Final = msgspec.msgpack.Decoder(Proposal)
_BARE_COMMAND_MASK: Final = 0xF0
_BARE_COMMAND_HEAD: Final = 0x80
"""msgpack's mark of a small map, which a command is; a proposal is an array."""
_UNKNOWN: Final = f"that Lictor {LICTOR} knows (a newer version's?)"


def pack(value: object) -> bytes:
    """msgpack of any record, command or plain value."""
    return _ENCODER.encode(value)


def pack_given(value: object) -> bytes:
    """msgpack of what somebody gave us. Raises `RequestError` when it holds what no server could keep or show.

    That is text that is no Unicode (a lone surrogate), a number beyond 64 bits, or mappings too deep.
    """
    try:
        return pack(value)
    except (UnicodeEncodeError, OverflowError, RecursionError) as error:
        raise RequestError(f"it holds a value that cannot be stored: {error}") from error


def check_nesting(value: object, what: str) -> None:
    """Raise `RequestError`, naming `what`, when mappings and lists in `value` nest deeper than `NESTING_MAX`."""
    level = [value] if _holds(value) else []
    for _ in range(NESTING_MAX):
        level = [inner for outer in level for inner in _held_by(outer) if _holds(inner)]
        if not level:
            return
    raise RequestError(f"{what} nests more than {NESTING_MAX} mappings and lists in one another: flatten the value")


def _holds(value: object) -> bool:
    return isinstance(value, (dict, list, tuple))


def _held_by(outer: object) -> Iterator[object]:
    """The values in a mapping or a list, and the keys, which in msgpack can be lists."""
    if isinstance(outer, dict):
        held = cast("dict[object, object]", outer)
        yield from held
        yield from held.values()
    else:
        yield from cast("list[object]", outer)


def unpacker(kind: type[T]) -> Callable[[bytes], T]:
    """`unpack` for many values of one kind: their types are looked into once."""
    decode = msgspec.msgpack.Decoder(kind).decode

    def one(data: bytes) -> T:
        try:
            return decode(data)
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
            raise RequestError(f"not a {kind!r} in msgpack: {error}") from error

    return one


def unpack(data: bytes, kind: type[T]) -> T:
    """The `kind` in `data`. Raises `RequestError` when the bytes are no msgpack or not of that kind."""
    try:
        return msgspec.msgpack.decode(data, type=kind)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise RequestError(f"not a {kind!r} in msgpack: {error}") from error


def encode_command(command: Command) -> bytes:
    """A command for the log. Raises `RequestError` when it holds what cannot be stored."""
    return pack_given(command)


def decode_command(data: bytes) -> Command:
    """The command in a log entry. Raises `RequestError` for anything else."""
    try:
        return _COMMANDS.decode(data)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise RequestError(f"not a command {_UNKNOWN}: {error}") from error


def encode_proposal(proposal: Proposal) -> bytes:
    """A proposal for the log. Raises `RequestError` when its command holds what cannot be stored."""
    return pack_given(proposal)


def decode_proposal(data: bytes) -> Proposal:
    """The proposal in a log entry; a bare command was proposed once. Raises `RequestError` for anything else."""
    if data and data[0] & _BARE_COMMAND_MASK == _BARE_COMMAND_HEAD:
        return Proposal(b"", 0, False, decode_command(data))
    try:
        return _PROPOSALS.decode(data)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise RequestError(f"not a command {_UNKNOWN}: {error}") from error
