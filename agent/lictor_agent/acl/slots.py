"""The tokens that an agent has: one in each slot, from the configuration or told over the API. No I/O.

What was told and kept on disk counts before the configuration, also after a reload, as with Consul. Sources: Consul's
documents `docs/agent/options` and `api-docs/agent`, and Consul 1.8.7.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from lictor_config.sections import Tokens

__all__ = ["NAMES", "Slot", "TokenSlots"]


class Slot(enum.StrEnum):
    """What a token is for; the values are the names in the file that keeps them."""

    DEFAULT = "default"
    """Requests and DNS questions that bring no token, and whatever the agent does where nothing else is said."""
    AGENT = "agent"
    """What the agent does on behalf of its node."""
    AGENT_RECOVERY = "agent_master"
    """Who shows it may reach this agent, also while no server answers."""
    REPLICATION = "replication"
    """Kept for whoever sets it: there is one datacenter, and nothing is copied from another."""


NAMES: Final[Mapping[str, Slot]] = MappingProxyType(
    {
        **{str(slot): slot for slot in Slot},
        "agent_recovery": Slot.AGENT_RECOVERY,
        "acl_token": Slot.DEFAULT,
        "acl_agent_token": Slot.AGENT,
        "acl_agent_master_token": Slot.AGENT_RECOVERY,
        "acl_replication_token": Slot.REPLICATION,
    }
)
"""Every name that a slot goes by at the API: those of today, of later Consul, and of Consul before 1.4.3."""


class TokenSlots:
    """What is in each slot now. The secrets are not shown by `repr`."""

    def __init__(self, configured: Tokens, told: Mapping[Slot, str] | None = None) -> None:
        """`told` is what was kept of an earlier run."""
        self._configured = _by_slot(configured)
        self._told = {slot: secret for slot, secret in (told or {}).items() if secret}
        self._held = self._configured | self._told
        self._watchers: list[Callable[[], None]] = []

    @property
    def default(self) -> str:
        """The token of who shows none; empty for the anonymous one."""
        return self._held[Slot.DEFAULT]

    @property
    def agent(self) -> str:
        """What is in the slot of the agent itself; empty for none."""
        return self._held[Slot.AGENT]

    @property
    def for_node(self) -> str:
        """The token by which the agent speaks for its node."""
        return self._held[Slot.AGENT] or self._held[Slot.DEFAULT]

    @property
    def agent_recovery(self) -> str:
        """The token that is known here alone; empty for none."""
        return self._held[Slot.AGENT_RECOVERY]

    @property
    def told(self) -> Mapping[Slot, str]:
        """What was told over the API and is in use: what a file is to keep."""
        return MappingProxyType(self._told)

    def doubled(self) -> list[Slot]:
        """Slots that the configuration speaks of in vain, since something else was told."""
        return [slot for slot in self._told if self._configured[slot]]

    def on_change(self, callback: Callable[[], None]) -> None:
        """Call `callback` after each change of what is in any slot."""
        self._watchers.append(callback)

    def tell(self, slot: Slot, secret: str) -> None:
        """Put `secret` into a slot; an empty one empties it, and the configuration's comes back with a reload."""
        self._told.pop(slot, None)
        if secret:
            self._told[slot] = secret
        self._hold(self._held | {slot: secret})

    def follow(self, configured: Tokens, *, keeps_told: bool) -> None:
        """Take over another configuration; what was told counts on where it is kept, else the configuration does."""
        self._configured = _by_slot(configured)
        if not keeps_told:
            self._told.clear()
        self._hold(self._configured | self._told)

    def _hold(self, held: dict[Slot, str]) -> None:
        if held == self._held:
            return
        self._held = held
        for callback in self._watchers:
            callback()


def _by_slot(configured: Tokens) -> dict[Slot, str]:
    return {
        Slot.DEFAULT: configured.default,
        Slot.AGENT: configured.agent,
        Slot.AGENT_RECOVERY: configured.agent_master,
        Slot.REPLICATION: configured.replication,
    }
