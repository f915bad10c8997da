"""Durations in Go's form, against Go's own examples and the law that what is written is read back."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lictor_core.durations import duration_max_s, format_duration, parse_duration
from lictor_core.errors import RequestError

# text -> nanoseconds, from the examples in the Go documentation of time.ParseDuration and Duration.String
GO_FORMS = {
    "0": 0,
    "5s": 5 * 10**9,
    "30s": 30 * 10**9,
    "1478s": 1478 * 10**9,
    "-5s": -5 * 10**9,
    "+5s": 5 * 10**9,
    "-0": 0,
    "5.0s": 5 * 10**9,
    "5.6s": 56 * 10**8,
    "5.s": 5 * 10**9,
    ".5s": 5 * 10**8,
    "1.004s": 1004 * 10**6,
    "100.00100s": 100001 * 10**6,
    "10ns": 10,
    "11us": 11_000,
    "12µs": 12_000,
    "12μs": 12_000,
    "13ms": 13 * 10**6,
    "14s": 14 * 10**9,
    "15m": 15 * 60 * 10**9,
    "16h": 16 * 3600 * 10**9,
    "3h30m": 12_600 * 10**9,
    "10.5s4m": 250_500 * 10**6,
    "-2m3.4s": -123_400 * 10**6,
    "1h2m3s4ms5us6ns": 3_723_004_005_006,
    "39h9m14.425s": 140_954_425 * 10**6,
    "52763797000ns": 52_763_797_000,
}
REFUSED = [
    "",
    " 1s",
    "3",
    "-",
    "s",
    ".",
    "-.",
    ".s",
    "+.s",
    "1x",
    "1.2.3s",
    "10 s",
    "s10",
    "１s",
    "1h,2m",
    "1" * 100 + "s",
]
WRITTEN = {0.0: "0s", 1e-9: "1ns", 1.1e-6: "1.1µs", 2.2e-3: "2.2ms", 3.3: "3.3s", 245.0: "4m5s", 245.001: "4m5.001s",
           18_367.001: "5h6m7.001s", 3600.0: "1h0m0s", 60.0: "1m0s", -1.5: "-1.5s", 72 * 3600: "72h0m0s"}  # fmt: skip


@pytest.mark.parametrize(("text", "nanoseconds"), GO_FORMS.items())
def test_go_forms_are_read(text: str, nanoseconds: int) -> None:
    assert parse_duration(text) == nanoseconds / 1e9


@pytest.mark.parametrize("text", REFUSED)
def test_other_texts_are_refused_with_an_example(text: str) -> None:
    with pytest.raises(RequestError, match="10s"):
        parse_duration(text)


@pytest.mark.parametrize(("seconds", "text"), WRITTEN.items())
def test_durations_are_written_as_go_writes_them(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


@given(st.integers(min_value=-(2**50), max_value=2**50))  # within this a float of seconds tells nanoseconds apart
def test_what_is_written_is_read_back(nanoseconds: int) -> None:
    seconds = nanoseconds / 1e9
    assert round(parse_duration(format_duration(seconds)) * 1e9) == nanoseconds


@given(st.text(max_size=80))
def test_any_text_is_a_duration_or_one_error(text: str) -> None:
    with contextlib.suppress(RequestError):
        assert abs(parse_duration(text)) <= duration_max_s


def test_numbers_are_nanoseconds() -> None:
    assert parse_duration(1_500_000_000) == 1.5
    assert parse_duration(1.5e9) == 1.5


@pytest.mark.parametrize("value", [2**63, -(2**64), float("nan"), float("inf"), "9223372036854775808ns", "300000000h"])
def test_durations_over_64_bits_are_refused(value: str | int | float) -> None:
    with pytest.raises(RequestError, match="out of range"):
        parse_duration(value)
