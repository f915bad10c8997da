"""UUIDs in a path."""

from __future__ import annotations

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from lictor_agent.http.uuids import first_bad_digit, uuid_flaw


@given(st.uuids())
def test_every_uuid_can_be_one(value: UUID) -> None:
    assert uuid_flaw(str(value)) is None
    assert uuid_flaw(str(value).upper()) is None


@given(st.text())
def test_other_texts_are_told_why_not(text: str) -> None:
    try:
        UUID(text)
    except ValueError:
        assert uuid_flaw(text) is not None


def test_the_first_wrong_digit_is_named() -> None:
    assert first_bad_digit("0az1") == "encoding/hex: invalid byte: U+007A 'z'"
    assert uuid_flaw("-" * 36) == "UUID must have four dashes"
