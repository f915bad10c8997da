"""Tags that nobody gave."""

from __future__ import annotations

import pytest

from lictor_agent.http.null_tags import with_null_tags
from lictor_core.codec import to_json
from tests.server.build import check, service


@pytest.mark.parametrize("shown", [with_null_tags(service("web")), with_null_tags(check("c"))])
def test_no_tags_are_null(shown: object) -> None:
    assert b'Tags":null' in to_json(shown)


def test_tags_are_shown_as_they_are() -> None:
    web = service("web", tags=["a"])
    assert with_null_tags(web) is web
