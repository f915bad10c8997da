"""A server as a member."""

from __future__ import annotations

import dataclasses

import pytest

from lictor_server.leader.member import server_member
from tests.server.conftest import SETTINGS


@pytest.mark.parametrize(
    ("expect", "bootstraps", "shown"),
    [(1, False, {}), (1, True, {"bootstrap": "1"}), (3, False, {"expect": "3"}), (0, False, {})],
)
def test_a_server_is_shown_with_how_it_was_told_to_found_a_cluster(
    expect: int, bootstraps: bool, shown: dict[str, str]
) -> None:
    settings = dataclasses.replace(SETTINGS, bootstrap_expect=expect, bootstraps=bootstraps)
    tags = server_member(settings, 8300).tags
    assert {name: tags[name] for name in ("bootstrap", "expect") if name in tags} == shown
