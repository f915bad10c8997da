"""The CA of a mesh: its root changes again and again, while agents fetch leaves and proxies carry connections."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import Final

from lictor_jepsen.checker import Finding
from lictor_jepsen.checker.ca import check_ca
from lictor_jepsen.clients.ca import CAClient
from lictor_jepsen.db import Cluster
from lictor_jepsen.mesh import DESTINATIONS, SOURCE, start_mesh
from lictor_jepsen.op import Invocation, Mode, Op
from lictor_jepsen.workload.base import Client, Needs, Place, Turn, Workload

__all__ = ["CA"]

_BITS: Final = (384, 256)
_REST_MS: Final = 2_000
_ROTATIONS_MAX: Final = 40
"""Rotations of one run: the product keeps 64 roots at once, and refuses more."""
_ROUND: Final = ("rotate", "roots", "leaf", "rest", "roots", "leaf", "rest")
"""What the one thread that changes the root does, again and again."""


class CA(Workload):
    """One thread changes the kind of key, and so the root; all others fetch certificates and talk."""

    name = "ca"
    alone = "changes the root that all of the mesh trusts"
    about = "change the root of the mesh's CA, while agents fetch leaves and roots and proxies carry connections"
    needs = Needs(agents=2, products=("lictor",), programs=True)
    changes = frozenset({"rotate"})

    def key(self, thread: int, number: int, threads: int) -> str:
        """A destination of the mesh, or now and then its source."""
        del threads
        return (*DESTINATIONS, SOURCE)[(thread + number // 4) % 3]

    def invocation(self, rng: Random, turn: Turn) -> Invocation:
        """Change the root, or look, or talk: leaves of all three services, connections to two."""
        if turn.thread == 0:
            turns, place = divmod(turn.number, len(_ROUND))
            f = _ROUND[place] if turns < _ROTATIONS_MAX else rng.choice(("roots", "leaf", "rest"))
            value = {"rotate": _BITS[turns % len(_BITS)], "rest": _REST_MS}.get(f)
        else:
            ways = ("leaf", "roots", "known", *(("connect", "send") if turn.key in DESTINATIONS else ()))
            f, value = rng.choices(ways, (20, 15, 15, 15, 35)[: len(ways)])[0], None
        return Invocation(f, turn.key, value, Mode.CONSISTENT if f == "roots" else Mode.NONE)

    async def prepare(self, cluster: Cluster) -> None:
        """Services, applications, proxies."""
        await start_mesh(cluster)

    def client(self, place: Place) -> Client:
        """Fetches, changes, talks."""
        return CAClient(place.url, place.cluster)

    def last(self, keys: Sequence[str]) -> Sequence[Invocation]:
        """Which roots there are, and whether bytes pass."""
        del keys
        talks = [Invocation("settle", key) for key in DESTINATIONS]
        return [Invocation("leaf", SOURCE), Invocation("roots", SOURCE, mode=Mode.CONSISTENT), *talks]

    def check(self, history: Sequence[Op]) -> Mapping[str, Finding]:
        """By the chains of all leaves."""
        return check_ca(history)
