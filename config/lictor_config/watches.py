"""`watches`: what core's `watching` makes of them, with every flaw named by its place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from lictor_core.errors import RequestError
from lictor_core.records import JsonObject
from lictor_core.watching import WatchDefinition, read_definition

__all__ = ["WATCHES_MAX", "read_watches"]

WATCHES_MAX: Final = 1024
"""Watches of one agent."""


def read_watches(written: Sequence[JsonObject]) -> tuple[tuple[WatchDefinition, ...], tuple[str, ...]]:
    """The sound ones of `written`, and what is wrong with the others."""
    found: list[WatchDefinition] = []
    flaws: list[str] = []
    for place, one in enumerate(written[:WATCHES_MAX]):
        try:
            found.append(read_definition(one))
        except RequestError as error:
            flaws.append(f"watches[{place}]: {error}")
    if len(written) > WATCHES_MAX:
        flaws.append(f"there are {len(written)} watches: at most {WATCHES_MAX} are taken")
    return tuple(found), tuple(flaws)
