"""The fault that votes must survive: who has just voted loses power, and is asked again.

Raft lets nobody vote twice in a term; that holds only if a vote is on the disk before it is given. Chance hardly ever
takes the power of a voter between two elections of one term, so here they are arranged.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from random import Random
from typing import Final

from lictor_jepsen.disk import Behave, Loss
from lictor_jepsen.nemesis.base import NAMESPACES, OBEDIENT_DISKS, Fault, Surroundings, names, revive
from lictor_jepsen.nemesis.disks import lose_power
from lictor_jepsen.nemesis.grudge import Links, alone
from lictor_jepsen.net import Link, Node

__all__ = ["VOTES"]

_SYNC_MS: Final = (300.0, 1000.0)
"""How much longer syncs take during the election.

A voter whose log has an entry of the new term knows of the term by that: it must lose power before the first one is on
its disk, and a disk as fast as most leaves no time for that.
"""
_ELECTION_S_MAX: Final = 20.0
"""How long to wait for another leader: a start and several elections, on a busy machine."""
_WRITING_S: Final = 1.0
"""What the last leader has for changes that the one before it does not see."""
_LOOK_S: Final = 0.05
_VOTING: Final = 3
"""With fewer servers there is no majority without the leader."""


async def _begin(around: Surroundings, rng: Random) -> str:
    """The leader is cut off; once there is another one, that is cut off instead, and who voted for it loses power."""
    nodes = around.cluster.nodes
    old = await around.leader() or rng.choice(nodes)
    await _cut(around, alone(nodes, old))
    slow = Behave(sync_ms=rng.choice(_SYNC_MS))
    others = [node for node in nodes if node is not old]
    await asyncio.gather(*(around.disks.behave(node, around.fault, slow) for node in others))
    new = await _another(around, old)
    if new is None:
        await _quicken(around)
        return f"cut off {old.name}; nobody else was elected while a sync took {slow.sync_ms:g} ms more"
    after = alone(nodes, new)
    await _cut(around, after)
    voters = [node for node in nodes if node not in (old, new)]
    told = await lose_power(around, voters, rng, losses=(Loss.FORGOTTEN,))
    await _quicken(around)
    # Not for a moment may the two leaders hear each other: the old one would learn of the other's term.
    around.holds.release(around.fault, "cut", Link)
    around.holds.take(around.fault, "cut", after)
    held = around.holds.held
    await around.cluster.net.mend([link for link in alone(nodes, old) if not held("cut", link)])
    await revive(around)
    third = await _another(around, new)
    story = f"cut off {old.name}, then {new.name}, whom {names(voters)} had elected; {told}"
    if third is None:
        return f"{story}; nobody was elected without it"
    await asyncio.sleep(_WRITING_S)
    # Now the one in the middle may lead again, and show what it has in place of what the others agreed on.
    await _mend(around)
    await asyncio.sleep(_WRITING_S)
    await _cut(around, alone(nodes, third))
    return f"{story}; {third.name} was elected without it, and cut off in its turn"


async def _end(around: Surroundings) -> str:
    await _quicken(around)
    await _mend(around)
    return f"mended the links; {await revive(around)}"


async def _quicken(around: Surroundings) -> None:
    await asyncio.gather(*(around.disks.behave(node, around.fault, Behave()) for node in around.cluster.nodes))


async def _another(around: Surroundings, old: Node) -> Node | None:
    try:
        async with asyncio.timeout(_ELECTION_S_MAX):
            while True:
                leader = await around.leader()
                if leader not in (None, old):
                    return leader
                await asyncio.sleep(_LOOK_S)
    except TimeoutError:
        return None


async def _cut(around: Surroundings, links: Links) -> None:
    around.holds.take(around.fault, "cut", links)
    await around.cluster.net.drop(links)


async def _mend(around: Surroundings) -> None:
    await around.cluster.net.mend(around.holds.release(around.fault, "cut", Link))


def _lacks(around: Surroundings) -> str:
    few = len(around.cluster.nodes) < _VOTING
    return (
        around.disks.lacks_orders
        or around.cluster.net.lacks_cuts
        or ("fewer than three servers elect nobody without their leader: take three or more" if few else "")
    )


VOTES: Final[Mapping[str, Fault]] = {
    "power-loss-voters": Fault(
        _begin,
        _end,
        _lacks,
        "who voted in an election stops at once and is asked again, without whom it elected",
        needs=frozenset({NAMESPACES, OBEDIENT_DISKS}),
    ),
}
"""By name."""
