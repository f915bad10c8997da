"""Times of tokens."""

from __future__ import annotations

import pytest

from lictor_core.acl.times import ends_at, seconds_of
from lictor_core.errors import AclRefusedError
from lictor_server.endpoints.writes import timestamp


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1970-01-01T00:00:01Z", 1.0),
        ("1970-01-01T00:00:01.25Z", 1.25),
        ("1970-01-01T00:00:01.123456789Z", 1.123456789),
        ("1970-01-01t01:00:01+01:00", 1.0),
    ],
)
def test_rfc_3339_is_read(text: str, seconds: float) -> None:
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["", "x", "1970-01-01", "1970-02-31T00:00:00Z", "1970-01-01T00:00:00", "9" * 1000])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(AclRefusedError, match="is no time"):
        seconds_of(text)


def test_what_is_written_is_read_again() -> None:
    assert seconds_of(timestamp(1_700_000_000.25)) == 1_700_000_000.25


def test_without_a_time_there_is_no_end() -> None:
    assert ends_at("") is None
