"""Reading the configuration again while the agent runs: all that can be taken over is, and nothing when it is wrong.

Parts of the agent that follow the configuration ask for it with `on_reload`. They are called one after the other, in
the order in which they asked, once the new configuration was found to be sound and its services and checks are
registered. What they do must not wait.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from structlog.typing import FilteringBoundLogger

from lictor_agent.registrar import Registered
from lictor_config.reloadable import Differences, differences
from lictor_config.tree import Configuration
from lictor_core.errors import LictorError, RequestError

__all__ = ["ReloadHook", "Reloaded", "Reloader"]

ReloadHook = Callable[[Configuration, Configuration], None]
"""Takes over what it follows, from the configuration of before and that of now.

A `LictorError` that it raises is told to whoever asked for the reload, and the others are called all the same.
"""


@dataclass(frozen=True)
class Reloaded:
    """What a reload came to: the keys that were `taken` over, those that wait for a `restart`, and what failed."""

    taken: tuple[str, ...] = ()
    restart: tuple[str, ...] = ()
    failures: tuple[str, ...] = ()


class Reloader:
    """The configuration of one running agent, and who follows it."""

    def __init__(
        self,
        configuration: Configuration,
        load: Callable[[], Configuration] | None,
        register: Callable[[Configuration], Registered],
        log: FilteringBoundLogger,
    ) -> None:
        """`load` reads it anew and may take its time; `register` takes over services and checks, or raises."""
        self.configuration = configuration
        self._load = load
        self._register = register
        self._log = log
        self._hooks: list[ReloadHook] = []
        self._one = asyncio.Lock()

    @property
    def hooks(self) -> tuple[ReloadHook, ...]:
        """Who is called after a reload, in this order."""
        return tuple(self._hooks)

    def on_reload(self, hook: ReloadHook) -> Callable[[], None]:
        """Have `hook` called after each reload from now on; the returned function ends that."""
        self._hooks.append(hook)
        return lambda: self._hooks.remove(hook)

    async def reload(self) -> Reloaded:
        """Read the configuration again and take it over.

        Raises `ConfigurationError` for one that cannot be used, other `LictorError`s for services and checks that
        cannot be registered, `RequestError` when there is nothing to read; nothing was changed then.
        """
        if self._load is None:
            raise RequestError("this agent has no configuration to reload")
        async with self._one:
            # Many files take a while to read, and requests are answered meanwhile.
            new = await asyncio.to_thread(self._load)
            return self._take(self.configuration, new)

    def _take(self, old: Configuration, new: Configuration) -> Reloaded:
        registered = self._register(new)
        self.configuration = new
        failures: list[str] = []
        for hook in self.hooks:
            try:
                hook(old, new)
            except LictorError as error:
                failures.append(str(error))
                self._log.error("agent.reload.failed", reason=str(error))
        found = differences(old, new)
        self._tell(found, registered, [one for one in new.warnings if one not in old.warnings])
        return Reloaded(found.taken, found.restart, tuple(failures))

    def _tell(self, found: Differences, registered: Registered, warnings: Sequence[str]) -> None:
        self._log.info(
            "agent.configuration.reloaded",
            services=len(registered.services),
            checks=len(registered.checks),
            changed=",".join(found.taken),
        )
        if found.restart:
            self._log.warning(
                "agent.restart.awaited", keys=",".join(found.restart), reason="not taken over by a reload"
            )
        for warning in warnings:
            self._log.warning("agent.configuration.noticed", warning=warning)
