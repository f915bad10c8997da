"""Settings that nobody looked at before: read leniently, refused by name."""

import pytest

from lictor_connect_proxy.feed.opaque import Opaque, UnusableAnswerError


def opaque(value: object) -> Opaque:
    return Opaque({"key": value}, "config")


@pytest.mark.parametrize(("value", "read"), [("a", "a"), (8, "8"), (1.5, "1.5"), (None, "")])
def test_texts_may_be_written_as_numbers(value: object, read: str) -> None:
    assert opaque(value).text("key") == read


@pytest.mark.parametrize(("value", "read"), [(7, 7), ("7", 7), (7.0, 7), (None, None), ("", None), (0, 0), (True, 1)])
def test_numbers_may_be_written_as_texts(value: object, read: int | None) -> None:
    assert opaque(value).whole("key") == read


@pytest.mark.parametrize("value", ["x", "nan", 1e400, -1, 1.5, 2**31, [], {}])
def test_what_is_no_whole_number_is_refused_by_name(value: object) -> None:
    with pytest.raises(UnusableAnswerError, match=r"config\.key is .* whole number|config\.key is .* a number"):
        opaque(value).whole("key")


@pytest.mark.parametrize(("value", "read"), [(250, 0.25), ("250", 0.25), (0, None), (None, None)])
def test_no_milliseconds_are_none(value: object, read: float | None) -> None:
    assert opaque(value).milliseconds("key") == read


@pytest.mark.parametrize(("value", "read"), [("1m", 60.0), (2_000_000_000, 2.0), ("", None), ("0s", None)])
def test_durations_are_texts_or_nanoseconds(value: object, read: float | None) -> None:
    assert opaque(value).duration("key") == read


@pytest.mark.parametrize("value", ["soon", "-1s", [], -5])
def test_what_is_no_duration_is_refused_by_name(value: object) -> None:
    with pytest.raises(UnusableAnswerError, match=r"config\.key"):
        opaque(value).duration("key")


def test_a_mapping_within_is_told_with_its_place() -> None:
    with pytest.raises(UnusableAnswerError, match=r"config\.key\.inside is 'x'"):
        opaque({"inside": "x"}).inner("key").whole("inside")
    assert opaque(None).inner("key").values == {}
