"""Answers that were given before, by the bytes of the requests, and whether they still hold.

An answer holds while its query's stamp has not changed and the registry would answer at once (architecture, decisions 4
and 5). Where the registry is elsewhere, or has to make sure of being current, it is asked for the stamp, which costs
less than an answer. The handler puts answers in; it knows which are the same for everybody.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from typing import Final, Protocol

from lictor_agent.http.confirming import Confirm, Confirmed, Confirming
from lictor_agent.http.encoding import Rendered, Reuse
from lictor_agent.http.settings import HttpSettings
from lictor_core.commands import ReadMode
from lictor_core.queries import Query
from lictor_core.registry import Pause, ReadOptions

__all__ = ["HotAnswers", "HotSource", "Tick"]

_KEPT_BYTES_MAX: Final = 8 * 1024 * 1024
"""An answer larger than this is made anew each time. Those that are kept are sent to all from the same bytes: 1,000
instances of a service are 1.4 MB, and to copy these for each reader costs more than anything else."""


class Tick:
    """The time as this second's requests see it: `now` is monotonic seconds, `date` the value of the `Date` header."""

    __slots__ = ("date", "now")

    def __init__(self, now: float, date: bytes) -> None:
        self.now = now
        self.date = date


class HotSource(Protocol):
    """What tells whether kept answers still hold; the server's door is one."""

    def index_at_once(self, mode: ReadMode) -> int | None:
        """The index of the state from which a read of this mode would be answered at once, by the leader itself.

        None where it would not. Equal indexes are one state: what held at this index holds.
        """
        ...

    def reading_stamp(self, query: Query[object], token: str = "") -> int:
        """The stamp that a reading of `query` by the holder of this token would have now."""
        ...

    def lasts(self, token: str) -> bool:
        """Whether what this token comes to only changes with the state: it is there, and never expires."""
        ...

    async def pause(self, query: Query[object], options: ReadOptions) -> Pause | None:
        """What such a read would wait for; None when it would answer at once. Raises what it would."""
        ...


class _Kept:
    __slots__ = (
        "counted",
        "date",
        "head",
        "index",
        "last_contact_ms",
        "mode",
        "query",
        "rendered",
        "reuse",
        "token",
        "wire",
    )

    def __init__(self, head: bytes, reuse: Reuse, rendered: Rendered) -> None:
        self.head = head
        self.reuse = reuse
        self.query = reuse.query
        self.token = reuse.token
        self.mode = reuse.mode
        self.index: int | None = None
        """At which index of the state here it was seen to hold."""
        self.rendered = rendered
        self.counted = len(rendered.before) + len(rendered.after)
        self.last_contact_ms = reuse.last_contact_ms
        self.date = b""
        self.wire = b""

    def hear(self, last_contact_ms: int) -> None:
        """The leader was heard so long ago; the answer says so."""
        if last_contact_ms != self.last_contact_ms:
            self.rendered = self.rendered.heard(self.last_contact_ms, last_contact_ms)
            self.last_contact_ms = last_contact_ms
            self.date = b""


class HotAnswers:
    """Whole answers by the exact bytes of the request's head. Bounded by count and bytes, the oldest go first."""

    def __init__(
        self,
        source: HotSource | None,
        tick: Tick,
        settings: HttpSettings,
        kept_stamp: Callable[[Query[object], str], int | None] | None = None,
        confirm: Confirm | None = None,
    ) -> None:
        """`source` is for what a server in this process answers at once, `confirm` for what must be made sure of first.

        `kept_stamp` (`Kept.stamp`) is for what is kept here.
        """
        self._source = source
        self._confirming = None if confirm is None else Confirming(confirm, self._confirmed)
        self._kept_stamp = kept_stamp
        self._heads_max = settings.heads_max
        self._bytes_max = settings.answers_bytes_max
        self._tick = tick
        self._bytes = 0
        self._kept: OrderedDict[bytes, _Kept] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def find(self, head: bytes) -> bytes | None:
        """The answer to a request of these bytes, if there is one that still holds."""
        kept = self._kept.get(head)
        if kept is None:
            return None
        source = self._source
        if source is None or kept.reuse.is_kept:
            if not self._holds_here(kept):
                return None
        else:
            index = source.index_at_once(kept.mode)
            if index is None:
                return None
            if index != kept.index:
                if source.reading_stamp(kept.query, kept.token) != kept.reuse.stamp:
                    self._drop(head)
                    return None
                kept.index = index
        if kept.last_contact_ms:
            kept.hear(0)  # who answers at once is the leader, as it was not when this was kept
        return kept.wire if kept.date is self._tick.date else self._dated(kept)

    def confirm(self, head: bytes, told: Callable[[bytes | None], None]) -> bool:
        """Have `told` called later with the answer to a request of these bytes, or None where none holds any more.

        False when there is none that could be confirmed: `told` is not called then.
        """
        kept = self._kept.get(head)
        if kept is None or kept.reuse.is_kept or self._confirming is None:
            return False
        return self._confirming.ask(kept, told)

    @property
    def under_way(self) -> set[asyncio.Task[None]]:
        """The questions whether answers still hold that were not answered yet."""
        return set() if self._confirming is None else self._confirming.under_way

    def _confirmed(self, kept: _Kept, confirmed: Confirmed | None) -> bytes | None:
        """What those are told who asked for `kept`."""
        reuse = kept.reuse
        if confirmed is None or not confirmed.known_leader or self._kept.get(kept.head) is not kept:
            return None  # it may hold again once the servers are back, if it is still here
        if confirmed.stamp != reuse.stamp:
            self._drop(kept.head)
            return None
        if 0 < reuse.max_stale_s * 1000 <= confirmed.last_contact_ms:
            return None  # too old, but the next one may not be
        kept.hear(confirmed.last_contact_ms)
        return self._dated(kept)

    def forget_confirmed(self) -> None:
        """Drop what only the server that answered it could confirm."""
        for head in [head for head, kept in self._kept.items() if not kept.reuse.is_kept]:
            self._drop(head)

    def forget(self) -> None:
        """Drop everything: the same bytes are answered otherwise from now on."""
        for head in list(self._kept):
            self._drop(head)

    def _dated(self, kept: _Kept) -> bytes:
        date = self._tick.date
        if kept.date is not date:
            kept.date = date
            kept.wire = kept.rendered.at(date)
        return kept.wire

    def _holds_here(self, kept: _Kept) -> bool:
        """Whether it is the answer to what the agent keeps, and that has not changed."""
        if not kept.reuse.is_kept:
            return False
        assert self._kept_stamp is not None, "without it nothing is kept that depends on it"
        stamp = self._kept_stamp(kept.query, kept.token)
        if stamp is None:
            return False  # it may be good again once the servers are back
        if stamp != kept.reuse.stamp:
            self._drop(kept.head)
            return False
        return True

    def keep(self, head: bytes, reuse: Reuse, rendered: Rendered) -> None:
        """Answer further requests of these bytes with `rendered` while `reuse` holds."""
        if not self._may_keep(reuse):
            return
        kept = _Kept(head, reuse, rendered)
        if kept.counted > _KEPT_BYTES_MAX:
            return
        if head in self._kept:
            self._drop(head)
        self._kept[head] = kept
        self._bytes += len(head) + kept.counted
        while len(self._kept) > self._heads_max or self._bytes > self._bytes_max:
            self._drop(next(iter(self._kept)))

    def _may_keep(self, reuse: Reuse) -> bool:
        if reuse.is_kept:
            return self._kept_stamp is not None
        if not reuse.known_leader:
            return False  # it says so, and would not be true for long
        if self._source is None:
            return self._confirming is not None
        return self._source.lasts(reuse.token)

    def _drop(self, head: bytes) -> None:
        kept = self._kept.pop(head)
        self._bytes -= len(head) + kept.counted
