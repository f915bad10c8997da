"""Opaque keys may hold anything."""

import pytest

from lictor_connect_proxy.xds.builders.settings import integer, mapping, milliseconds, parsed, text


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (5, 5),
        (5.9, 5),
        ("7", 7),
        (0, 0),
        (-1, None),
        (True, None),
        ("x", None),
        (None, None),
        ([1], None),
        ("-1", None),
    ],
)
def test_a_number_may_be_written_as_text(value: object, number: int | None) -> None:
    assert integer({"key": value}, "key") == number


def test_what_is_of_another_type_is_not_given() -> None:
    config: dict[str, object] = {"key": 5}
    assert text(config, "key") == ""
    assert mapping(config, "key") == {}
    assert milliseconds(config, "key") == 0.005
    assert milliseconds(config, "other") is None


@pytest.mark.parametrize("written", ["", "{", "[1]", "null", "[" * 100_000])
def test_text_that_is_no_object_is_an_empty_one(written: str) -> None:
    assert parsed(written) == {}


def test_an_object_is_read() -> None:
    assert parsed('{"limits": {"max_connections": 3}}') == {"limits": {"max_connections": 3}}
