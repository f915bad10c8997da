"""Reads that Consul's agents answer from their cache: what is kept here is good enough, also while nobody leads."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from lictor_core.commands import ReadMode
from lictor_core.errors import CatchingUpError
from lictor_core.queries import Query
from lictor_core.registry import Reading, ReadOptions, Registry

__all__ = ["read_kept"]

T = TypeVar("T")


async def read_kept(registry: Registry, query: Query[T], options: ReadOptions) -> Reading[T]:
    """The answer as it is known here, and when a leader was heard; shortly after a start as fresh as `options` ask."""
    try:
        return await registry.read(query, msgspec.structs.replace(options, mode=ReadMode.STALE))
    except CatchingUpError:
        return await registry.read(query, options)
