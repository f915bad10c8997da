"""Reads of what is kept here, of a registry that the test plays."""

from __future__ import annotations

from typing import cast

import pytest

from lictor_agent.kept import KeptByServer
from lictor_core.commands import ReadMode
from lictor_core.errors import CatchingUpError
from lictor_core.queries import CARootsQuery
from lictor_core.records import CARoots
from lictor_core.registry import Reading, ReadOptions, Registry

READING = Reading(value="answer", index=8, stamp=8)
OPTIONS = ReadOptions(mode=ReadMode.DEFAULT, min_index=7, wait_s=2.0)


class Asked:
    """Remembers how it was asked; a server that has just started knows nothing that may be stale."""

    def __init__(self, *, caught_up: bool) -> None:
        self.caught_up = caught_up
        self.options: list[ReadOptions] = []

    async def read(self, query: object, options: ReadOptions) -> Reading[str]:
        self.options.append(options)
        if options.mode is ReadMode.STALE and not self.caught_up:
            raise CatchingUpError("not yet")
        return READING


@pytest.mark.parametrize(
    ("caught_up", "modes"), [(True, [ReadMode.STALE]), (False, [ReadMode.STALE, ReadMode.DEFAULT])]
)
async def test_what_is_kept_needs_no_leader_but_after_a_start(caught_up: bool, modes: list[ReadMode]) -> None:
    asked = Asked(caught_up=caught_up)
    kept = await KeptByServer(cast(Registry, asked)).read(CARootsQuery(), OPTIONS)
    assert (kept.reading, kept.age_s, kept.is_hit) == (cast("Reading[CARoots]", READING), 0.0, None)
    assert [one.mode for one in asked.options] == modes
    assert {(one.min_index, one.wait_s) for one in asked.options} == {(7, 2.0)}


async def test_an_answer_is_as_old_as_its_server_without_a_leader_is() -> None:
    class Lost(Asked):
        async def read(self, query: object, options: ReadOptions) -> Reading[str]:
            return Reading(value="answer", index=8, stamp=8, last_contact_ms=3500, known_leader=False)

    kept = await KeptByServer(cast(Registry, Lost(caught_up=True))).read(CARootsQuery(), OPTIONS)
    assert kept.age_s == 3.5
    assert KeptByServer(cast(Registry, Lost(caught_up=True))).stamp(CARootsQuery()) is None


@pytest.mark.parametrize(("contact_ms", "age_s"), [(0, 0.0), (2500, 0.0), (5800, 5.8)])
async def test_a_server_that_hears_its_leader_and_was_not_current_for_long_says_so(
    contact_ms: int, age_s: float
) -> None:
    class Stopped(Asked):
        async def read(self, query: object, options: ReadOptions) -> Reading[str]:
            return Reading(value="answer", index=8, stamp=8, last_contact_ms=contact_ms)

    assert (await KeptByServer(cast(Registry, Stopped(caught_up=True))).read(CARootsQuery(), OPTIONS)).age_s == age_s
