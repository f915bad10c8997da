"""The ring of keys, sealed, as all servers share it: agents take it over from here."""

from __future__ import annotations

from lictor_core import topics as on
from lictor_core.sealed_ring import SealedRing
from lictor_server.state.indexes import Change

__all__ = ["KeyringTable"]


class KeyringTable:
    """One record, or none before anybody changed the ring."""

    def __init__(self) -> None:
        self.sealed: SealedRing | None = None

    @property
    def modify_index(self) -> int:
        """When the ring was changed last; 0 for never."""
        return 0 if self.sealed is None else self.sealed.modify_index

    def shown(self) -> SealedRing:
        """The newest ring; one without boxes where there is none."""
        return self.sealed or SealedRing(boxes={})

    def put(self, change: Change, boxes: dict[str, bytes]) -> None:
        """Replace the ring."""
        self.sealed = SealedRing(boxes=boxes, modify_index=change.index)
        change.wake(on.KEYRING)
