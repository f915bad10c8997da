"""The one map from errors to answers."""

from __future__ import annotations

import pytest

from lictor_agent.http.errors import Refusal, answer_error, refusing_with
from lictor_core.errors import (
    BodyTooLargeError,
    LictorError,
    MethodError,
    NoLeaderError,
    NotFoundError,
    OverloadedError,
    PermissionDeniedError,
    RequestError,
    UnknownDatacenterError,
)

TEXT = ("Content-Type", "text/plain; charset=utf-8")


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (RequestError("x"), 400),
        (NotFoundError("x"), 404),
        (BodyTooLargeError("x"), 413),
        (PermissionDeniedError("x"), 403),
        (NoLeaderError(), 500),
        (UnknownDatacenterError(), 500),
        (Refusal("x", status=500), 500),
    ],
)
def test_each_error_has_its_status_and_its_text(error: LictorError, status: int) -> None:
    answer = answer_error(error)
    assert answer.status == status
    assert answer.body == str(error).encode()
    assert TEXT in answer.headers


def test_a_wrong_method_is_told_the_right_ones() -> None:
    answer = answer_error(MethodError("BREW", ("OPTIONS", "GET")))
    assert (answer.status, answer.body) == (405, b"method BREW not allowed")
    assert ("Allow", "OPTIONS,GET") in answer.headers


def test_overload_says_when_to_try_again() -> None:
    answer = answer_error(OverloadedError("full"))
    assert answer.status == 429
    assert ("Retry-After", "1") in answer.headers


def test_an_empty_refusal_has_no_type() -> None:
    assert answer_error(Refusal("")).headers == ()


def test_a_body_too_large_ends_the_connection() -> None:
    assert answer_error(BodyTooLargeError("x")).closes


def test_a_wrong_request_is_given_another_status() -> None:
    with pytest.raises(Refusal) as caught, refusing_with(500, "Bad request: "):
        raise NotFoundError("gone")
    assert (caught.value.status, str(caught.value)) == (500, "Bad request: gone")


def test_what_is_not_the_callers_fault_keeps_its_status() -> None:
    with pytest.raises(NoLeaderError), refusing_with(400):
        raise NoLeaderError


def test_who_may_not_is_told_so_also_where_a_wrong_request_has_another_status() -> None:
    with pytest.raises(PermissionDeniedError), refusing_with(500):
        raise PermissionDeniedError("Permission denied")
