"""Who has an IP address, for reverse questions: asked of the servers and kept for a moment.

Following an address would wake with every change of any node or instance, so it is not followed. While the servers are
away what was last known is given.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

from lictor_core.clock import Clock
from lictor_core.commands import ReadMode
from lictor_core.errors import LictorError, OverloadedError
from lictor_core.queries import AddressQuery, Query
from lictor_core.records import AddressHolders
from lictor_core.registry import ColdViewError, Reading, ReadOptions

__all__ = ["ADDRESSES_MAX", "KEPT_S", "AddressBook"]

ADDRESSES_MAX: Final = 4096
"""Addresses that are remembered; the one not asked for longest goes."""
KEPT_S: Final = 5.0
"""How long an answer is good without asking again."""
ASKING_MAX: Final = 64
"""Addresses that the servers are asked for at once."""
ASK_S_MAX: Final = 3.0


Read = Callable[[Query[AddressHolders], ReadOptions], Awaitable[Reading[AddressHolders]]]


@dataclass(slots=True, eq=False)
class _Entry:
    """What is known of one address; `good_until` is in monotonic seconds."""

    holders: AddressHolders | None = None
    good_until: float = 0.0
    calls: list[Callable[[bool], None]] = field(default_factory=list[Callable[[bool], None]])
    task: asyncio.Task[None] | None = None
    is_outdated: bool = False


class AddressBook:
    """Answers to reverse questions. All methods belong to one event loop."""

    def __init__(self, read: Read, clock: Clock) -> None:
        """`read` is that of a `Registry`."""
        self._read = read
        self._clock = clock
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._asking = 0
        self._token = ""

    @property
    def epoch(self) -> int:
        """Grows as often as answers are asked for anew."""
        return int(self._clock.monotonic() / KEPT_S)

    def holders_at(self, address: str) -> AddressHolders:
        """Who has `address`, as of at most `KEPT_S` ago. Raises `ColdViewError` when that has to be asked."""
        entry = self._entries.get(address)
        if entry is not None and entry.holders is not None and self._clock.monotonic() < entry.good_until:
            self._entries.move_to_end(address)
            return entry.holders
        raise ColdViewError(lambda call: self._bring(address, call))

    def use_token(self, token: str) -> None:
        """Ask on behalf of another token from now on: what was found by the former one is forgotten."""
        self._token = token
        for address, entry in list(self._entries.items()):
            if entry.task is None:
                del self._entries[address]
            else:
                entry.is_outdated = True

    def close(self) -> None:
        """Ask no more."""
        for entry in self._entries.values():
            if entry.task is not None:
                entry.task.cancel()

    def _bring(self, address: str, call: Callable[[bool], None]) -> None:
        entry = self._entries.get(address)
        if entry is None:
            if len(self._entries) >= ADDRESSES_MAX:
                self._make_room()
            entry = self._entries[address] = _Entry()
        if entry.task is None:
            if self._asking >= ASKING_MAX:
                raise OverloadedError(f"{ASKING_MAX} addresses are asked for at once on this agent: retry later")
            self._asking += 1
            entry.task = asyncio.get_running_loop().create_task(self._ask(address, entry), name="view-address")
        entry.calls.append(call)

    async def _ask(self, address: str, entry: _Entry) -> None:
        try:
            async with asyncio.timeout(ASK_S_MAX):
                reading = await self._read(
                    AddressQuery(address=address), ReadOptions(mode=ReadMode.STALE, token=self._token)
                )
            entry.holders = reading.value
        except (LictorError, TimeoutError):
            pass  # what was known before is good for another while; where nothing was, who asks is told
        finally:
            self._asking -= 1
            entry.task = None
            entry.good_until = self._clock.monotonic() + KEPT_S
            if entry.is_outdated:
                entry.holders, entry.is_outdated = None, False
            calls, entry.calls = entry.calls, []
            for call in calls:
                call(entry.holders is not None)

    def _make_room(self) -> None:
        for address, entry in self._entries.items():
            if entry.task is None:
                del self._entries[address]
                return
        raise OverloadedError(f"{ADDRESSES_MAX} addresses are asked for on this agent: retry later")
