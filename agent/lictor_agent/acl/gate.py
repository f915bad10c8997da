"""What the agent's other parts ask about tokens: which it has, and who shows one.

Without access control everybody may do everything, which costs nothing.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from structlog.typing import FilteringBoundLogger

from lictor_agent.acl.persistence import TokenFile
from lictor_agent.acl.resolving import DownPolicy, Resolve, ResolvingSettings, Tokens
from lictor_agent.acl.slots import Slot, TokenSlots
from lictor_config.tree import Configuration
from lictor_core.acl.caller import ANYBODY, Caller
from lictor_core.acl.rules import Access, Resource
from lictor_core.clock import Clock
from lictor_core.errors import StorageError

__all__ = ["Gate"]


class Gate:
    """The agent's tokens, and what any token may do here."""

    def __init__(self, configuration: Configuration, clock: Clock, log: FilteringBoundLogger, resolve: Resolve) -> None:
        """`resolve` asks the servers; without `acl.enabled` it is not called, and nothing is judged."""
        acl = configuration.acl
        self._log = log
        keeps = acl.enable_token_persistence and not configuration.dev
        self._file = TokenFile(Path(configuration.data_dir)) if keeps and configuration.data_dir else None
        self._writing = asyncio.Lock()
        self.slots = TokenSlots(acl.tokens, self._read())
        """The agent's own tokens."""
        self._warn_of_doubled()
        self.is_on = acl.enabled
        """Whether there is anything to judge."""
        self._tokens: Tokens | None = None
        if acl.enabled:
            ttls = (acl.token_ttl_s, acl.policy_ttl_s, *([acl.role_ttl_s] if acl.role_ttl_s else []))
            settings = ResolvingSettings(
                node_name=configuration.node_name,
                # A server of its own is asked each time: it knows of each change at once.
                ttl_s=0.0 if configuration.server else max(min(ttls), 0.0),
                disabled_ttl_s=max(acl.disabled_ttl_s, 0.0),
                down_policy=DownPolicy(acl.down_policy),
            )
            self._tokens = Tokens(resolve, settings, lambda: self.slots.agent_recovery, clock, log)

    async def caller(self, secret: str) -> Caller:
        """Who shows `secret`.

        Raises `PermissionDeniedError` for one that nobody knows, `OverloadedError` at a bound.
        """
        return ANYBODY if self._tokens is None else await self._tokens.caller(secret)

    def at_once(self, secret: str) -> Caller | None:
        """Who shows `secret`, where that is known and needs no question; else None."""
        return ANYBODY if self._tokens is None else self._tokens.at_once(secret)

    async def require(self, secret: str, resource: Resource, name: str, access: Access) -> None:
        """Raise `PermissionDeniedError` unless who shows `secret` may do that."""
        if self._tokens is not None:
            (await self._tokens.caller(secret)).authorizer.require(resource, name, access)

    async def tell(self, slot: Slot, secret: str) -> None:
        """Use another token from now on, also after a restart where that is configured.

        Raises `StorageError` when it cannot be kept: it is used until the restart all the same.
        """
        self.slots.tell(slot, secret)
        if self._file is not None:
            async with self._writing:  # the later one is the one that stays
                await asyncio.to_thread(self._file.keep, dict(self.slots.told))

    def follow(self, configuration: Configuration) -> None:
        """Take over the tokens of a configuration that was read anew."""
        self.slots.follow(configuration.acl.tokens, keeps_told=self._file is not None)
        self._warn_of_doubled()

    async def stop(self) -> None:
        """Ask the servers no more."""
        if self._tokens is not None:
            await self._tokens.stop()

    def reconnected(self) -> None:
        """Other servers may know of changes that those before did not."""
        if self._tokens is not None:
            self._tokens.forget()

    def _read(self) -> dict[Slot, str]:
        if self._file is None:
            return {}
        try:
            return self._file.read()
        except StorageError as error:
            self._log.error("acl.tokens.unreadable", reason=str(error))
            return {}

    def _warn_of_doubled(self) -> None:
        for slot in self.slots.doubled():
            self._log.warning("acl.token.overruled", slot=str(slot), reason="told over the API, kept, and used instead")
