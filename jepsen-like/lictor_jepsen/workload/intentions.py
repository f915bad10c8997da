"""Intentions in a mesh with the product's own proxies: allowed and denied in turn, while others talk all the time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import Final

from lictor_jepsen.checker import Finding
from lictor_jepsen.checker.intentions import check_intentions
from lictor_jepsen.clients.mesh import MeshClient
from lictor_jepsen.db import Cluster
from lictor_jepsen.mesh import DESTINATIONS, start_mesh
from lictor_jepsen.op import Invocation, Op
from lictor_jepsen.workload.base import Client, Needs, Place, Turn, Workload

__all__ = ["Intentions"]

_REST_MS: Final = 300
_ROUND: Final = ("deny", "rest", "look", "rest", "look", "deny", "look", "allow", "rest", "allow", "rest")
"""What the one thread that changes a destination's intention does, again and again."""


class Intentions(Workload):
    """Two destinations, each with one thread that changes who may reach it; all others talk to both."""

    name = "intentions"
    alone = "starts agents, proxies and applications, and changes who may talk to whom"
    about = "allow and deny connections between services, while clients talk through the proxies on new and live ones"
    needs = Needs(agents=2, products=("lictor",), programs=True)
    changes = frozenset({"allow", "deny"})

    def key(self, thread: int, number: int, threads: int) -> str:
        """A destination: of who changes it always the same, of others now this and now that."""
        return DESTINATIONS[(thread if thread < len(DESTINATIONS) else number // 4) % len(DESTINATIONS)]

    def invocation(self, rng: Random, turn: Turn) -> Invocation:
        """Change, or talk; more on live connections than on new ones."""
        if turn.thread < len(DESTINATIONS):
            f = _ROUND[turn.number % len(_ROUND)]
            return Invocation(f, turn.key, _REST_MS if f == "rest" else None)
        return Invocation("connect" if rng.random() < 0.3 else "send", turn.key)

    async def prepare(self, cluster: Cluster) -> None:
        """Services, applications, proxies."""
        await start_mesh(cluster)

    def client(self, place: Place) -> Client:
        """Talks, and writes intentions."""
        return MeshClient(place.url, place.cluster)

    def last(self, keys: Sequence[str]) -> Sequence[Invocation]:
        """Allow everything, and talk until bytes pass."""
        del keys
        return [Invocation(f, key) for f in ("allow", "settle", "look") for key in DESTINATIONS]

    def check(self, history: Sequence[Op]) -> Mapping[str, Finding]:
        """By what was acknowledged as enforced."""
        return check_intentions(history)
