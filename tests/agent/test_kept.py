"""Reads of what is kept here, of a registry that the test plays."""

from __future__ import annotations

from typing import cast

import pytest

from lictor_agent.kept import read_kept
from lictor_core.commands import ReadMode
from lictor_core.errors import CatchingUpError
from lictor_core.queries import CARootsQuery
from lictor_core.registry import ReadOptions, Registry

OPTIONS = ReadOptions(mode=ReadMode.DEFAULT, min_index=7, wait_s=2.0)


class Asked:
    """Remembers how it was asked; a server that has just started knows nothing that may be stale."""

    def __init__(self, *, caught_up: bool) -> None:
        self.caught_up = caught_up
        self.options: list[ReadOptions] = []

    async def read(self, query: object, options: ReadOptions) -> str:
        self.options.append(options)
        if options.mode is ReadMode.STALE and not self.caught_up:
            raise CatchingUpError("not yet")
        return "answer"


@pytest.mark.parametrize(
    ("caught_up", "modes"), [(True, [ReadMode.STALE]), (False, [ReadMode.STALE, ReadMode.DEFAULT])]
)
async def test_what_is_kept_needs_no_leader_but_after_a_start(caught_up: bool, modes: list[ReadMode]) -> None:
    asked = Asked(caught_up=caught_up)
    assert str(await read_kept(cast(Registry, asked), CARootsQuery(), OPTIONS)) == "answer"
    assert [one.mode for one in asked.options] == modes
    assert {(one.min_index, one.wait_s) for one in asked.options} == {(7, 2.0)}
