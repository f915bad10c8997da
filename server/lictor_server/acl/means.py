"""What every part of the leader's desk for access control works with."""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable

from structlog.typing import FilteringBoundLogger

from lictor_core.clock import Clock, Rng
from lictor_core.commands import Command, Outcome
from lictor_server.acl.resolver import Resolver
from lictor_server.acl.settings import AclSettings
from lictor_server.state import Store
from lictor_server.state.acl_tables import AclTables

__all__ = ["Means"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Means:
    """`propose` puts a command of the leader's own through the log; `data_dir` is empty where nothing is on disk."""

    store: Store
    settings: AclSettings
    resolver: Resolver
    propose: Callable[[Command], Awaitable[Outcome]]
    clock: Clock
    rng: Rng
    log: FilteringBoundLogger
    data_dir: str = ""

    @property
    def acl(self) -> AclTables:
        """What is kept of access control."""
        return self.store.acl

    def new_id(self, is_taken: Callable[[str], bool]) -> str:
        """An id that nothing has yet."""
        while is_taken(id := self.rng.uuid4()):
            pass
        return id
