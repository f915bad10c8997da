"""The table of errors: complete, and the same on both ends of a wire."""

import pytest

from lictor_core import errors
from lictor_core.errors import TABLE, LictorError, MethodError, PeerError, RequestError, error_from

KINDS = [
    kind for name in errors.__all__ if isinstance(kind := getattr(errors, name), type) and issubclass(kind, LictorError)
]


def test_every_error_is_in_the_table_under_a_code_of_its_own() -> None:
    assert sorted(TABLE) == sorted({kind.code for kind in KINDS})
    assert set(TABLE.values()) == set(KINDS)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_error_has_a_sentence_and_a_status(kind: type[LictorError]) -> None:
    assert kind.__doc__
    assert 400 <= kind.http_status < 600


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind is not MethodError], ids=lambda kind: kind.__name__)
def test_a_code_and_a_message_make_the_error_again(kind: type[LictorError]) -> None:
    error = error_from(kind.code, "the thing, the reason, the next step")
    assert type(error) is kind
    assert str(error) == "the thing, the reason, the next step"


def test_what_callers_did_wrong_surely_changed_nothing() -> None:
    assert all(kind.definite for kind in KINDS if issubclass(kind, RequestError))
    assert not any(
        kind.definite for kind in KINDS if kind.http_status == 500 and kind.code in ("internal", "peer_failed")
    )


def test_an_unknown_code_is_never_taken_for_definite() -> None:
    error = error_from("from_the_future", "x")
    assert type(error) is PeerError
    assert error.definite is False


def test_a_refused_method_names_those_that_work() -> None:
    error = MethodError("PUT", ("GET", "OPTIONS"))
    assert error.allowed == ("GET", "OPTIONS")
    assert type(error_from("method_not_allowed", "x")) is RequestError
