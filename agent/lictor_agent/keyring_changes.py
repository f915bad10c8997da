"""What operators do to the ring of keys: change it for all members at once, and see who knows which key.

A change is a write: the ring as it is handed on now, changed, and sealed again, goes through the log with the index of
the former one. So two changes at once are done one after the other, and members that are away take it over later.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from lictor_agent.keyring import Keyring
from lictor_agent.sealing import opened, sealed
from lictor_core.clock import Clock, Rng
from lictor_core.commands import KeyringSet
from lictor_core.errors import LictorError, RequestError
from lictor_core.keyring import Ring, fingerprint, key_text
from lictor_core.queries import KeyringQuery
from lictor_core.records import Member, MemberStatus
from lictor_core.registry import ReadOptions, Registry
from lictor_core.sealed_ring import KeyTidings

__all__ = ["TAKEN_S_MAX", "Census", "KeyringChanges", "census"]

TAKEN_S_MAX: Final = 5.0
"""How long a change waits until all living members have told that they took it over."""
_LOOK_S: Final = 0.05
_ATTEMPTS_MAX: Final = 5
"""Attempts of a change, when others change the ring at the same time."""


@dataclass(frozen=True, kw_only=True)
class Census:
    """How many of some members know which key, by its text; `silent` are those of whom no key is known."""

    members: int
    keys: dict[str, int]
    primaries: dict[str, int]
    silent: tuple[str, ...]


def census(members: Iterable[str], tidings: Iterable[KeyTidings], ring: Ring) -> Census:
    """Count. A key that is not in `ring`, the ring of who counts, is shown by its fingerprint: it is not known here."""
    texts = {fingerprint(key): key_text(key) for key in ring.keys}
    told = {one.node.lower(): one for one in tidings if one.keys}
    keys, primaries, silent = dict[str, int](), dict[str, int](), list[str]()
    names = sorted(members)
    for name in names:
        one = told.get(name.lower())
        if one is None:
            silent.append(name)
            continue
        shown = [texts.get(key, f"unknown here: {key}") for key in one.keys]
        primaries[shown[0]] = primaries.get(shown[0], 0) + 1
        for key in shown:
            keys[key] = keys.get(key, 0) + 1
    return Census(members=len(names), keys=keys, primaries=primaries, silent=tuple(silent))


class KeyringChanges:
    """Changes and counts, for one agent that has keys."""

    def __init__(self, keyring: Keyring, registry: Registry, datacenter: str, clock: Clock, rng: Rng) -> None:
        self._keyring = keyring
        self._registry = registry
        self._datacenter = datacenter
        self._clock = clock
        self._rng = rng

    async def members(self) -> list[Member]:
        """The living members of this datacenter. Raises `LictorError`."""
        return [one for one in await self._registry.members() if one.status is MemberStatus.ALIVE]

    async def tidings(self) -> list[KeyTidings]:
        """What they told of their keys. Raises `LictorError`."""
        return await self._registry.keys()

    async def change(self, step: Callable[[Ring], Ring], *, token: str = "") -> Sequence[str]:
        """Have every member take over the ring that `step` makes; the living ones that have not done so in time.

        Raises what `step` does, `RequestError` when this agent knows none of the keys in use, and `LictorError`.
        """
        index = await self._written(step, token)
        ends = self._clock.monotonic() + TAKEN_S_MAX
        while True:
            late = await self._late(index)
            if not late or self._clock.monotonic() >= ends:
                return late
            await asyncio.sleep(_LOOK_S)

    async def _written(self, step: Callable[[Ring], Ring], token: str) -> int:
        """The `modify_index` of the ring that everybody is to have."""
        for _ in range(_ATTEMPTS_MAX):
            known = self._keyring.ring
            assert known is not None, "who has no keys changes none"
            newest = (await self._registry.read(KeyringQuery(), ReadOptions(token=token))).value
            current = opened(newest.boxes, known, self._datacenter) if newest.boxes else known
            if current is None:
                raise RequestError("this agent knows none of the keys in use: its log says how to give it one")
            changed = step(current)
            if newest.boxes and changed == current:
                return newest.modify_index
            boxes = sealed(changed, self._datacenter, self._rng)
            outcome = await self._registry.write(KeyringSet(boxes=boxes, cas=newest.modify_index), token=token)
            if outcome.value is not False:
                return outcome.index
        raise RequestError(f"others changed the keys {_ATTEMPTS_MAX} times meanwhile: try again")

    async def _late(self, index: int) -> list[str]:
        """The living members that have not told of the ring of `index` or a later one."""
        try:
            told = {one.node.lower(): one.index for one in await self.tidings()}
            names = [one.name for one in await self.members()]
        except LictorError as error:
            return [f"the members: {error}"]
        return sorted(name for name in names if told.get(name.lower(), 0) < index)
