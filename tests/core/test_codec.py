"""Bytes and back again: nothing is lost, and any other bytes give one error."""

import contextlib
import typing
from typing import cast

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lictor_core import records
from lictor_core.codec import (
    check_nesting,
    decode_command,
    encode_command,
    from_json,
    pack,
    pack_given,
    to_json,
    unpack,
)
from lictor_core.commands import Command, CommandBase, KVSet, NoOp, Outcome
from lictor_core.errors import RequestError
from lictor_core.limits import NESTING_MAX
from lictor_core.queries import AnyQuery, Query
from lictor_core.records import KVEntry, Node, Record
from lictor_core.registry import IssuedLeaf, LeafRequest, ReadOptions
from tests.support.strategies import values_of

COMMANDS: tuple[type[CommandBase], ...] = typing.get_args(Command)
QUERIES: tuple[type[Query[object]], ...] = typing.get_args(AnyQuery)
RECORDS = [
    kind
    for name in records.__all__
    if isinstance(kind := getattr(records, name), type) and issubclass(kind, Record) and kind is not Record
]
OTHERS: list[type[msgspec.Struct]] = [Outcome, ReadOptions, LeafRequest, IssuedLeaf]


@pytest.mark.parametrize("kind", COMMANDS, ids=lambda kind: kind.__name__)
@settings(max_examples=12, deadline=None)
@given(data=st.data())
def test_a_command_survives_the_log(kind: type[CommandBase], data: st.DataObject) -> None:
    command = data.draw(values_of(kind))
    assert decode_command(encode_command(cast(Command, command))) == command


@pytest.mark.parametrize("kind", [*QUERIES, *RECORDS, *OTHERS], ids=lambda kind: kind.__name__)
@settings(max_examples=12, deadline=None)
@given(data=st.data())
def test_a_value_survives_msgpack(kind: type[msgspec.Struct], data: st.DataObject) -> None:
    value = data.draw(values_of(kind))
    assert unpack(pack(value), kind) == value


@pytest.mark.parametrize("kind", RECORDS, ids=lambda kind: kind.__name__)
@settings(max_examples=12, deadline=None)
@given(data=st.data())
def test_a_record_survives_json(kind: type[Record], data: st.DataObject) -> None:
    value = data.draw(values_of(kind))
    assert from_json(to_json(value), kind) == value
    assert from_json(to_json(value, pretty=True), kind) == value


@settings(deadline=None)
@given(data=st.binary(max_size=200))
def test_any_bytes_are_a_command_or_one_error(data: bytes) -> None:
    try:
        command = decode_command(data)
    except RequestError:
        return
    assert isinstance(command, COMMANDS)


@settings(deadline=None)
@given(data=st.binary(max_size=200) | st.text(max_size=100).map(str.encode))
def test_any_bytes_are_json_of_a_record_or_one_error(data: bytes) -> None:
    with contextlib.suppress(RequestError):
        assert isinstance(from_json(data, KVEntry), KVEntry)


def test_a_command_says_its_name_on_the_wire() -> None:
    assert msgspec.msgpack.decode(encode_command(NoOp())) == {"type": "NoOp"}


def test_a_command_with_an_unknown_field_is_refused() -> None:
    data = msgspec.msgpack.encode({"type": "KVSet", "key": "a", "value": b"", "ttl": 5})
    with pytest.raises(RequestError):
        decode_command(data)


def test_deeply_nested_bytes_are_refused() -> None:
    with pytest.raises(RequestError):
        decode_command(b"\x91" * 100_000 + b"\xc0")
    with pytest.raises(RequestError):
        from_json(b"[" * 100_000, list)


def test_a_value_is_bytes_in_the_log_and_base64_in_json() -> None:
    assert b"\x00\xff" in encode_command(KVSet(key="a", value=b"\x00\xff"))
    entry = KVEntry(lock_index=0, key="a", flags=0, value=b"\x00\xff", create_index=1, modify_index=1)
    assert b'"Value":"AP8="' in to_json(entry)


def test_empty_and_absent_stay_different_in_json() -> None:
    node = Node(
        id="", node="a", address="", datacenter="", tagged_addresses=None, meta={}, create_index=1, modify_index=1
    )
    assert b'"TaggedAddresses":null' in to_json(node)
    assert b'"Meta":{}' in to_json(node)
    assert b"Session" not in to_json(
        KVEntry(lock_index=0, key="a", flags=0, value=None, create_index=1, modify_index=1)
    )


def test_pretty_json_is_indented_by_four_spaces() -> None:
    assert to_json({"a": [1]}, pretty=True) == b'{\n    "a": [\n        1\n    ]\n}'


@pytest.mark.parametrize("value", ["\ud800", {"a": 10**400}, -(2**63) - 1], ids=["half a character", "huge", "low"])
def test_what_cannot_be_stored_is_the_givers_mistake(value: object) -> None:
    with pytest.raises(RequestError, match="cannot be stored"):
        pack_given(value)
    assert pack_given("a") == pack("a")


@pytest.mark.parametrize("innermost", [1, {}, [], "text", None])
def test_values_may_nest_up_to_a_bound_wherever_they_are_looked_at(innermost: object) -> None:
    own = int(isinstance(innermost, dict | list))
    as_deep_as_may_be = innermost
    for level in range(NESTING_MAX - own):
        as_deep_as_may_be = [0, as_deep_as_may_be] if level % 2 else {"a": as_deep_as_may_be, "b": "text"}
    check_nesting(as_deep_as_may_be, "it")
    for deeper in ([as_deep_as_may_be], {"x": as_deep_as_may_be}):
        with pytest.raises(RequestError, match="it nests more than 64"):
            check_nesting(deeper, "it")
