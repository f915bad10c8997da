"""Reads that the views answer: those that take what is kept here, as `?cached` and proxies do."""

from __future__ import annotations

import hashlib
from functools import partial
from typing import Final, TypeVar, cast

from lictor_agent.kept import KeptReading
from lictor_agent.views.store import ViewStore
from lictor_core.aside import aside
from lictor_core.clock import Rng
from lictor_core.filter import check_filter
from lictor_core.limits import WAIT_JITTER_FRACTION, WAIT_MAX_S
from lictor_core.narrowing import narrowed
from lictor_core.queries import Query
from lictor_core.registry import Reading, ReadOptions
from lictor_core.view import View

__all__ = ["KeptInViews"]

T = TypeVar("T")

_LONG_ROWS: Final = 100
"""A filter is applied to so many rows beside the loop: the longest ones take a tenth of a millisecond for each."""


class KeptInViews:
    """What an agent keeps (`Kept`): everything it is asked for is followed from then on."""

    def __init__(self, store: ViewStore, rng: Rng, *, is_judged: bool = False) -> None:
        """`is_judged`: tokens see different things; without that there is one view of each, whatever the token."""
        self._store = store
        self._is_judged = is_judged
        self._rng = rng

    async def read(self, query: Query[T], options: ReadOptions) -> KeptReading[T]:
        """The answer as it is known here. Raises what the servers answered when it is not known at all.

        Raises `FilterError` for a filter that cannot be applied, before it waits.
        """
        has_filter = check_filter(query)
        wide, token = self._store.wide(query), options.token if self._is_judged else ""
        if options.min_index > 0:
            wait_s = min(options.wait_s, WAIT_MAX_S)
            wait_s += self._rng.uniform(0, wait_s / WAIT_JITTER_FRACTION)
            view = await self._store.wait_above(wide, options.min_index, wait_s, token)
            return await self._reading(query, wide, view, token, has_filter, is_hit=False)
        here = self._store.peek(wide, token)
        if here is not None:
            return await self._reading(query, wide, here, token, has_filter, is_hit=True)
        view = await self._store.fetch(wide, token)
        return await self._reading(query, wide, view, token, has_filter, is_hit=False)

    def stamp(self, query: Query[T], token: str = "") -> int | None:
        """The stamp of what `read` would answer at once with an age of 0; None when it would not."""
        wide, token = self._store.wide(query), token if self._is_judged else ""
        if not self._store.is_fresh(wide, token):
            return None
        view = self._store.peek(wide, token)
        return None if view is None else view.stamp

    async def _reading(
        self, query: Query[T], wide: Query[T], view: View[T], token: str, has_filter: bool, *, is_hit: bool
    ) -> KeptReading[T]:
        age_s, known_leader = self._store.age_of(wide, token), self._store.known_leader
        is_long = has_filter and _is_long(view.value)
        narrow = partial(narrowed, query, view.value)
        reading = Reading(
            value=await aside(narrow) if is_long else narrow(),
            index=max(view.index, 1),
            stamp=view.stamp,
            last_contact_ms=int(age_s * 1000),
            known_leader=age_s == 0 or known_leader,
            scope=_scope(token) if self._is_judged else "",
        )
        # As from Consul what was waited for is no hit; but what is old says so.
        return KeptReading(reading, age_s=age_s, is_hit=is_hit or age_s > 0)


def _scope(token: str) -> str:
    """Names who sees a view, but not by the secret: also for the anonymous one, who sees less than all."""
    return f"kept {hashlib.blake2b(token.encode(errors='surrogatepass'), digest_size=12).hexdigest()}"


def _is_long(value: object) -> bool:
    return isinstance(value, list) and len(cast("list[object]", value)) >= _LONG_ROWS
