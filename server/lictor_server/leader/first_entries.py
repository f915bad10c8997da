"""Configuration entries that the leader's own configuration brings along, written where there are none of that name.

Entries that exist stay as they are, whoever wrote them. Source: Consul's document `docs/agent/options`,
"config_entries", and what Consul 1.8.7 does when a leader comes.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from structlog.typing import FilteringBoundLogger

from lictor_core.clock import Clock
from lictor_core.commands import Command, ConfigSet, Outcome
from lictor_core.errors import LictorError, RequestError
from lictor_server.endpoints.config_entries import checked_entry
from lictor_server.endpoints.writes import timestamp
from lictor_server.poke import Poke
from lictor_server.state import Store
from lictor_server.state.configuring import shown_entry

__all__ = ["FirstEntries"]

_LOOK_S: Final = 60.0
"""Between two looks at whether there is anything new to write; news cuts it short."""


class FirstEntries:
    """The entries of one server's configuration. All methods belong to the event loop."""

    def __init__(
        self,
        entries: Sequence[ConfigSet],
        store: Store,
        propose: Callable[[Command], Awaitable[Outcome]],
        *,
        leads: Callable[[], bool],
        clock: Clock,
        log: FilteringBoundLogger,
    ) -> None:
        self._entries = tuple(entries)
        self._store = store
        self._propose = propose
        self._leads = leads
        self._clock = clock
        self._log = log
        self._is_new = False
        self._poke = Poke()

    def follow(self, entries: Sequence[ConfigSet]) -> None:
        """The configuration was read anew: a leader writes what is new in it."""
        self._entries, self._is_new = tuple(entries), True
        self._poke.poke()

    async def run(self) -> None:
        """Write what `follow` brings, for as long as the task lives."""
        while True:
            await self._poke.rest(_LOOK_S)
            if self._is_new and self._leads():
                self._is_new = False
                try:
                    await self.write()
                except LictorError as error:  # the next leader writes what its own configuration says
                    self._log.warning("leader.duty.failed", code=error.code, reason=str(error))

    async def write(self) -> None:
        """Write what is missing. One that cannot be written is told, and keeps nobody from leading.

        Entries may lean on one another whatever their order: those that were refused are tried again after the others.
        Raises what `propose` does but for `RequestError`.
        """
        refused: list[tuple[ConfigSet, str]] = []
        missing = [one for one in self._entries if shown_entry(self._store, one.kind, one.name) is None]
        while missing:
            refused = []
            for one in missing:
                try:
                    await self._write(one)
                except RequestError as error:
                    refused.append((one, str(error)))
            if len(refused) == len(missing):
                break
            missing = [one for one, _ in refused]
        for one, reason in refused:
            self._log.error("leader.entry.refused", kind=one.kind, name=one.name, reason=reason)

    async def _write(self, command: ConfigSet) -> None:
        outcome = await self._propose(checked_entry(command, timestamp(self._clock.now())))
        if outcome.value is True:
            self._log.info("leader.entry.written", kind=command.kind, name=command.name)
