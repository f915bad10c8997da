"""What servers share about the CA: roots, their keys and lives, settings, and the counter of serial numbers.

Keys are part of the replicated state, since any server may come to sign. No answer contains them; `signing_key` is for
the CA of this server alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from lictor_core import topics as on
from lictor_core.authority import RootLife, with_leaf
from lictor_core.commands import CAConfigurationSet, CAKeyMaterial, CARootsSet, CASerialTake
from lictor_core.names import trust_domain
from lictor_core.records import CAConfiguration, CARoot, CARoots
from lictor_server.state.indexes import Change

__all__ = ["SECRET_KEYS", "CATable"]

SECRET_KEYS: Final = frozenset({"PrivateKey", "Token"})
"""Keys of a CA's settings that are never shown."""


class CATable:
    """The CA's roots, keys, settings and serial numbers."""

    def __init__(self) -> None:
        self.cluster_id = ""
        self.roots: list[CARoot] = []
        self.roots_index = 0
        self.configuration: CAConfiguration | None = None
        self.last_serial = 0
        self._keys: dict[str, CAKeyMaterial] = {}
        self._lives: dict[str, RootLife] = {}

    def trusted(self) -> CARoots:
        """The roots as everybody may see them; no roots before the first leader made one."""
        active = next((root.id for root in self.roots if root.active), "")
        return CARoots(
            active_root_id=active,
            trust_domain=trust_domain(self.cluster_id) if self.cluster_id else "",
            roots=list(self.roots),
        )

    def active_root(self) -> CARoot | None:
        """The root that signs."""
        return next((root for root in self.roots if root.active), None)

    def signing_key(self, root_id: str) -> CAKeyMaterial | None:
        """The private key of a root."""
        return self._keys.get(root_id)

    def keys(self) -> list[CAKeyMaterial]:
        """All keys, by root id: for snapshots and for the next set of roots."""
        return [self._keys[root_id] for root_id in sorted(self._keys)]

    def shown_configuration(self) -> CAConfiguration:
        """The settings without their secrets."""
        if self.configuration is None:
            return CAConfiguration(
                provider="", config={}, state=None, force_without_cross_signing=False, create_index=0, modify_index=0
            )
        shown = {key: value for key, value in self.configuration.config.items() if key not in SECRET_KEYS}
        return msgspec.structs.replace(self.configuration, config=shown)

    def life(self, root_id: str) -> RootLife | None:
        """What is remembered of a root; None of one that was made before anything was."""
        return self._lives.get(root_id)

    def lives(self) -> list[RootLife]:
        """What is remembered of all roots, by root id: for snapshots."""
        return [self._lives[root_id] for root_id in sorted(self._lives)]

    def put_roots(self, change: Change, command: CARootsSet) -> None:
        """Replace the set of roots and their keys. What is remembered of those that go is forgotten."""
        created = {root.id: root.create_index for root in self.roots}
        roots = command.roots
        self.cluster_id = command.cluster_id
        self.roots = [
            msgspec.structs.replace(root, create_index=created.get(root.id, change.index), modify_index=change.index)
            for root in roots
        ]
        self._keys = {key.root_id: key for key in command.keys}
        told = {life.root_id: life for life in command.lives}
        lives = {root.id: _merged(told.get(root.id), self._lives.get(root.id)) for root in roots}
        self._lives = {root_id: life for root_id, life in lives.items() if life is not None}
        self.roots_index = change.index
        change.wake(on.CA_ROOTS)

    def put_configuration(self, change: Change, command: CAConfigurationSet) -> None:
        """Replace the settings."""
        old = self.configuration
        self.configuration = CAConfiguration(
            provider=command.provider,
            config=command.config,
            state=command.state,
            force_without_cross_signing=command.force_without_cross_signing,
            create_index=change.index if old is None else old.create_index,
            modify_index=change.index,
        )
        change.wake(on.CA_CONFIGURATION)

    def take_serial(self, change: Change, command: CASerialTake) -> int:
        """The next serial number, given to nobody else: 1, 2, 3 ...; a leaf is counted for its root."""
        self.last_serial += 1
        life = self._lives.get(command.root_id)
        if life is not None:
            self._lives[command.root_id] = with_leaf(life, command.until)
            change.wake(on.CA_LEAVES)
        return self.last_serial

    def take_over(self, present: CATable) -> None:
        """This table was saved before, and replaces `present`: what that has given out stays good.

        Serial numbers go on. Where both are of one mesh, roots that came since stay trusted, as ones that do not sign,
        until their leaves have ended; the root that signed when this was saved signs again.
        """
        self.last_serial = max(self.last_serial, present.last_serial)
        if self.cluster_id != present.cluster_id:
            return
        known = {root.id for root in self.roots}
        self.roots += [msgspec.structs.replace(root, active=False) for root in present.roots if root.id not in known]
        for life in present.lives():
            merged = _merged(self._lives.get(life.root_id) or life, life)
            assert merged is not None, "one of the two was given"
            self._lives[life.root_id] = merged

    def restore_lives(self, lives: Iterable[RootLife]) -> None:
        """Take what a snapshot remembers of roots."""
        self._lives.update((life.root_id, life) for life in lives)

    def restore_keys(self, keys: list[CAKeyMaterial]) -> None:
        """Take the keys of a snapshot."""
        self._keys = {key.root_id: key for key in keys}


def _merged(told: RootLife | None, known: RootLife | None) -> RootLife | None:
    """What is told of a root, with the counts that were kept of it here."""
    if told is None or known is None:
        return told or known
    return msgspec.structs.replace(
        told,
        leaves_until=max(told.leaves_until, known.leaves_until),
        leaves_issued=known.leaves_issued,
        ending=known.ending,
    )
