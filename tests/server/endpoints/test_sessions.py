"""What a session must be before it may enter the log."""

from __future__ import annotations

import msgspec
import pytest

from lictor_core.errors import RequestError
from lictor_server.endpoints.sessions import CHECKS_MAX, check_session_id, checked_session, session_ttl_s
from tests.server.build import session

A = "aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa"


def test_ids_are_kept_in_small_letters_and_without_indexes() -> None:
    kept = checked_session(msgspec.structs.replace(session(A.upper()), create_index=7), ttl_min_s=10)
    assert (kept.id, kept.create_index) == (A, 0)


@pytest.mark.parametrize(("ttl", "seconds"), [("", 0), ("0s", 0), ("10s", 10), ("1m30s", 90), ("24h", 86_400)])
def test_a_ttl_is_a_duration_within_the_bounds_or_none(ttl: str, seconds: float) -> None:
    assert session_ttl_s(checked_session(session(A, ttl=ttl), ttl_min_s=10)) == seconds


@pytest.mark.parametrize(
    ("ttl", "reason"),
    [
        ("9.9s", "Invalid Session TTL '9900000000', must be between [10s=24h0m0s]"),
        ("86401s", "Invalid Session TTL '86401000000000', must be between [10s=24h0m0s]"),
        ("-5s", "Invalid Session TTL '-5000000000', must be between [10s=24h0m0s]"),
        ("foo", "Session TTL 'foo' invalid: time: invalid duration \"foo\""),
    ],
)
def test_another_ttl_is_refused_in_the_words_of_consul(ttl: str, reason: str) -> None:
    with pytest.raises(RequestError) as refused:
        checked_session(session(A, ttl=ttl), ttl_min_s=10)
    assert str(refused.value) == reason


def test_what_is_no_session_is_refused() -> None:
    for broken in (
        session("no-uuid"),
        session(A, node=""),
        session(A, name="x" * 1000),
        session(A, checks=["c"] * (CHECKS_MAX + 1)),
        msgspec.structs.replace(session(A), lock_delay_ns=2**64),
    ):
        with pytest.raises(RequestError):
            checked_session(broken, ttl_min_s=10)
    with pytest.raises(RequestError):
        check_session_id("x")
