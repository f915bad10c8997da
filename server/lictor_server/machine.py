"""Log entries into state, and the news of what changed to whoever waits: where Raft meets the store."""

from __future__ import annotations

from collections.abc import Callable

from lictor_core.codec import decode_proposal
from lictor_core.commands import Outcome
from lictor_server.figures import ServerFigures
from lictor_server.state import Store, Watches, apply_proposal

__all__ = ["Machine"]


class Machine:
    """Applies committed entries in order. It never raises for what a command asks; see `state.apply`.

    `on_restored` is told when a saved state took the place of another, and given the store with that former state;
    `on_sessions` is told which sessions came or ended.
    """

    def __init__(
        self,
        store: Store,
        watches: Watches,
        on_restored: Callable[[Store], None] | None = None,
        on_sessions: Callable[[list[str]], None] | None = None,
        figures: ServerFigures | None = None,
    ) -> None:
        self._store = store
        self._watches = watches
        self._on_restored = on_restored
        self._on_sessions = on_sessions
        self._figures = figures

    def apply(self, index: int, payload: bytes) -> Outcome:
        """Carry out one entry. Bytes that are no command were not written by us: that ends the process."""
        proposal, figures = decode_proposal(payload), self._figures
        began = 0.0 if figures is None else figures.now()
        outcome, change = apply_proposal(self._store, index, proposal)
        if figures is not None:
            figures.note_applied(proposal.command, began)
        if change:
            self._watches.fire(change)
        if change.sessions and self._on_sessions is not None:
            self._on_sessions(change.sessions)
        if change.former is not None and self._on_restored is not None:
            self._on_restored(change.former)
        return outcome
