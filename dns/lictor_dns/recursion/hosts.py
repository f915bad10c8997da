"""Host names outside our zone with which instances and nodes were registered: their addresses, as long as they hold.

Consul asks for A alone, whatever the client wants, and anew for each question. Here the client's type decides, and an
answer holds for its time to live, so that a service behind a host name is answered as fast as others.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from typing import Final

from lictor_core.clock import Clock
from lictor_core.errors import OverloadedError
from lictor_core.registry import ColdViewError
from lictor_dns.answer import Record, RecordType
from lictor_dns.names import Labels, lowered
from lictor_dns.protocol import question_wire
from lictor_dns.recursion.reply import BrokenReplyError, Reply, addresses_in

__all__ = ["HOSTS_MAX", "HostNames"]

HOSTS_MAX: Final = 1024
"""Host names whose addresses are kept, for each type that is asked for."""
_KEPT_S_MIN: Final = 1.0
_KEPT_S_MAX: Final = 300.0
_STALE_S_MAX: Final = 86_400.0
"""Seconds for which what was known is given on while nobody can say better (RFC 8767, section 5)."""
_NOTHING_S: Final = 5.0
"""Seconds until a name without addresses, or whom nobody can say anything of, is asked for again (RFC 2308, 7)."""
_HEADER_TAIL: Final = b"\x01\0\0\1\0\0\0\0\0\0"
"""A query that desires recursion, with one question: its header without the id."""

Ask = Callable[[bytes, bytes], Awaitable[Reply | None]]
"""Asks the recursors a message, by what follows its id and by its question section."""
Spawn = Callable[[Coroutine[None, None, None], str], None]
"""Runs a job; raises `OverloadedError` when there are too many."""
_Key = tuple[Labels, tuple[RecordType, ...]]


class HostNames:
    """Addresses by host name and wanted types."""

    def __init__(self, ask: Ask, spawn: Spawn, clock: Clock, *, hosts_max: int = HOSTS_MAX) -> None:
        self._ask = ask
        self._spawn = spawn
        self._clock = clock
        self._hosts_max = hosts_max
        self._entries: dict[_Key, _Entry] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def forget(self) -> None:
        """Know nothing any more. Who waits is still told."""
        self._entries = {}

    def addresses(self, host: Labels, wanted: int) -> tuple[Record, ...]:
        """What was said of `host`. Raises `ColdViewError` when it has to be asked for."""
        key = lowered(host), _types(wanted)
        entry = self._entries.get(key)
        if entry is not None and self._clock.monotonic() < entry.good_until:
            return entry.records
        raise ColdViewError(partial(self._bring, key))

    def _bring(self, key: _Key, call: Callable[[bool], None]) -> None:
        entry = self._entries.get(key)
        if entry is None:
            if len(self._entries) >= self._hosts_max:
                self._make_room()
            entry = self._entries[key] = _Entry()
        if not entry.calls:
            self._spawn(self._asked(key, entry), "dns-host")
        entry.calls.append(call)

    async def _asked(self, key: _Key, entry: _Entry) -> None:
        host, types = key
        try:
            found = await asyncio.gather(*(self._of_type(host, kind) for kind in types))
            records = [record for some in found if some is not None for record in some]
            now_s = self._clock.monotonic()
            if records or None not in found or now_s >= entry.usable_until:
                entry.records = tuple(dict.fromkeys(records))
                entry.usable_until = now_s + _STALE_S_MAX
            kept_s = min((record.ttl for record in records), default=_NOTHING_S)
            entry.good_until = now_s + min(max(kept_s, _KEPT_S_MIN), _KEPT_S_MAX)
        finally:
            calls, entry.calls = entry.calls, []
            for call in calls:
                call(True)

    async def _of_type(self, host: Labels, kind: RecordType) -> list[Record] | None:
        """The addresses of this type; None when nobody could say."""
        wire = question_wire(host, kind)
        reply = await self._ask(_HEADER_TAIL + wire, wire)
        if reply is None:
            return None
        try:
            return addresses_in(reply, host, kind)
        except BrokenReplyError:
            return None

    def _make_room(self) -> None:
        for key, entry in self._entries.items():
            if not entry.calls:
                del self._entries[key]
                return
        raise OverloadedError(f"{self._hosts_max} host names are asked for: ask again later")


class _Entry:
    """What is known of a name, until when it is, until when it is given on for want of better, who waits to know."""

    __slots__ = ("calls", "good_until", "records", "usable_until")

    def __init__(self) -> None:
        self.records: tuple[Record, ...] = ()
        self.good_until = 0.0
        self.usable_until = 0.0
        self.calls: list[Callable[[bool], None]] = []


def _types(wanted: int) -> tuple[RecordType, ...]:
    if wanted == RecordType.A:
        return (RecordType.A,)
    if wanted == RecordType.AAAA:
        return (RecordType.AAAA,)
    return (RecordType.A, RecordType.AAAA)
