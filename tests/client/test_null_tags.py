"""Tags that are `null`."""

import pytest

from lictor.api.errors import UnreadableError
from lictor.api.messages import Response
from lictor.api.null_tags import decoded_with_tags
from lictor_core.records import Record


class Held(Record, frozen=True, kw_only=True):
    tags: list[str]


class Holder(Record, frozen=True, kw_only=True):
    rows: list[Held]


def response(body: bytes) -> Response:
    return Response(status=200, headers={}, body=body)


def test_null_for_tags_is_an_empty_list() -> None:
    found = decoded_with_tags(response(b'{"Rows": [{"Tags": null}, {"Tags": ["a"]}]}'), Holder)
    assert [row.tags for row in found.rows] == [[], ["a"]]


@pytest.mark.parametrize("body", [b'{"Rows": null}', b'{"Rows": [{"Tags": 1}]}', b"{", b""])
def test_other_nonsense_is_told(body: bytes) -> None:
    with pytest.raises(UnreadableError, match="cannot be read"):
        decoded_with_tags(response(body), Holder)
