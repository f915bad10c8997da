"""Statuses mean errors of the table."""

import pytest

from lictor_connect_proxy.feed.asking import answered
from lictor_core.errors import LictorError, NotFoundError, PeerError, PermissionDeniedError


def test_a_200_is_an_answer() -> None:
    assert answered("/x", 200, {"a": "b"}, b"body") == (b"body", {"a": "b"})


@pytest.mark.parametrize(("status", "kind"), [(403, PermissionDeniedError), (404, NotFoundError), (500, PeerError)])
def test_every_other_status_is_an_error_that_says_why(status: int, kind: type[LictorError]) -> None:
    with pytest.raises(kind, match=f"{status} to /x: because"):
        answered("/x", status, {}, b"because")
