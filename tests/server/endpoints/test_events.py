"""What an event must be before it may enter the log."""

from __future__ import annotations

import msgspec
import pytest

from lictor_core.errors import RequestError
from lictor_core.limits import EVENT_BYTES_MAX
from lictor_server.endpoints.events import checked_event
from tests.server.build import event

A = "aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa"


def test_time_and_version_are_not_the_callers_business_and_an_empty_payload_is_none() -> None:
    kept = checked_event(msgspec.structs.replace(event(A, payload=b""), l_time=9, version=7))
    assert (kept.l_time, kept.version, kept.payload) == (0, 1, None)


def test_an_event_of_the_largest_size_is_taken_and_a_larger_one_refused() -> None:
    sizes = [size for size in range(EVENT_BYTES_MAX) if fits(size)]
    assert sizes == list(range(len(sizes)))
    assert 400 < len(sizes) < EVENT_BYTES_MAX


def fits(size: int) -> bool:
    try:
        checked_event(event(A, payload=b"x" * size))
    except RequestError:
        return False
    return True


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (event("x"), "no UUID"),
        (event(A, ""), "Missing name"),
        (event(A, tag="t"), "Cannot provide tag filter without service filter"),
        (event(A, node="x" * 600), "at most 512"),
    ],
)
def test_what_is_no_event_is_refused(broken: object, reason: str) -> None:
    with pytest.raises(RequestError, match=reason):
        checked_event(msgspec.convert(msgspec.to_builtins(broken), type(event(A))))
