"""Faults of disks: full, failing, slow, damaged, and disks whose power goes.

What a server must do about each is in the room's README: it may end and say why, it may wait, but it never acknowledges
what is not on its disk, and never serves what was damaged there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from random import Random
from typing import Final

from lictor_jepsen.disk import ALL, DATA, Behave, Flip, Lose, Loss, Wipe
from lictor_jepsen.nemesis.base import (
    NAMESPACES,
    OBEDIENT_DISKS,
    SMALL_DISKS,
    Choice,
    Fault,
    Surroundings,
    aim,
    all_servers,
    majority,
    names,
    one_server,
    revive,
)
from lictor_jepsen.net import Node
from lictor_jepsen.whole import is_whole

__all__ = ["DISKS", "lose_power"]

_SYNC_MS: Final = (20.0, 100.0, 500.0, 2000.0)
"""How slow a slow disk syncs: from a busy disk to one that seems to hang, past the time of an election."""
_WRITE_MS: Final = (0.0, 5.0, 50.0)
_PILING_MS: Final = (0.0, 20.0, 200.0)
"""How slow syncs are just before the power goes."""
_PILING_SYNCS: Final = 1.5
"""For how many of them: the power goes in the midst of one."""
_REPAIRING: Final = 3
"""So many servers are needed for the others to have what a damaged one lost."""
_ENDING_S_MAX: Final = 5.0
"""How long a server that met what was wrong may take to end, for whoever started it to start it again."""
_TRUTH: Final = f"{DATA}/raft"
"""Where Lictor and Consul keep what they promised."""
_DISK_TROUBLE: Final = r"Input/output error|input/output error"
_NO_ROOM: Final = r"No space left on device|no space left on device"
_READ_ONLY: Final = r"Read-only file system|read-only file system"
_DAMAGE: Final = r"is damaged|cannot be used|cannot be loaded|checksum|corrupt|panic:"
"""Lictor says so in sentences; Consul's store panics over its own pages."""


async def _fill(around: Surroundings, rng: Random) -> str:
    victim = await aim(around, rng)
    await around.disks.fill(victim)
    return f"filled the disk of {victim.name}"


async def _room(around: Surroundings) -> str:
    for node in around.cluster.everybody:
        await around.disks.empty(node)
    return f"made room, {await revive(around)}"


async def _well(around: Surroundings) -> str:
    """The disk is repaired; servers that ended are started."""
    refused: list[str] = []
    for node in around.cluster.nodes:
        count = await around.disks.behave(node, around.fault, Behave())
        refused += [f"{count} calls of {node.name}"] if count else []
        if count:
            await around.cluster.gone_within(node, _ENDING_S_MAX)
    return f"the disk had refused {', '.join(refused) or 'nothing'}; {await revive(around)}"


async def _read_only(around: Surroundings, rng: Random) -> str:
    victim = await aim(around, rng)
    await around.disks.behave(victim, around.fault, Behave(read_only=True))
    return f"the disk of {victim.name} is read-only"


async def _fsync_error(around: Surroundings, rng: Random) -> str:
    victim = await aim(around, rng)
    count = rng.choice((1, ALL))
    await around.disks.behave(victim, around.fault, Behave(failing_syncs=count, seed=rng.getrandbits(32)))
    return f"{'syncs fail' if count == ALL else 'one sync fails'} on the disk of {victim.name}"


async def _slow(around: Surroundings, rng: Random) -> str:
    victim = await aim(around, rng)
    how = Behave(sync_ms=rng.choice(_SYNC_MS), write_ms=rng.choice(_WRITE_MS))
    await around.disks.behave(victim, around.fault, how)
    return f"on the disk of {victim.name} a sync takes {how.sync_ms:g} ms, a write {how.write_ms:g} ms"


async def _read_error(around: Surroundings, rng: Random) -> str:
    """Files are read at a start: the server is started again."""
    victim = await aim(around, rng)
    await around.cluster.kill(victim)
    await around.disks.behave(victim, around.fault, Behave(failing_reads=True))
    await _start(around, victim)
    return f"killed {victim.name}; its disk cannot be read; started it"


async def _corrupt(around: Surroundings, rng: Random) -> str:
    victim = await aim(around, rng)
    if not await is_whole([around.cluster.url(node) for node in around.cluster.nodes]):
        # A majority without what it acknowledged is beyond what any server could mend.
        return f"nothing was damaged: the others could not make up for {victim.name}"
    await around.cluster.kill(victim)
    said = await around.disks.order(victim, Flip(seed=rng.getrandbits(32), under=_TRUTH))
    await _start(around, victim)
    return f"killed {victim.name}; turned over {said}; started it"


async def _replace(around: Surroundings) -> str:
    """A server that refuses its damaged disk gets an empty one, as its message says."""
    for node in around.cluster.nodes:
        if around.disks.damaged(node):
            await around.cluster.gone_within(node, _ENDING_S_MAX)
    around.cluster.note_deaths()
    told: list[str] = []
    down = [node for node in around.cluster.nodes if not around.cluster.runs(node)]
    for node in down:
        # Alone: with another one down, what the two had acknowledged may be with nobody else.
        if around.disks.damaged(node) and len(down) == 1 and not around.holds.held("down", node):
            await around.disks.order(node, Wipe(under=DATA))
            told.append(f"{node.name} had refused its disk and got an empty one")
    return "; ".join([*told, await revive(around)])


async def _start(around: Surroundings, victim: Node) -> None:
    if not around.holds.held("down", victim):
        await around.cluster.start(victim)


async def lose_power(
    around: Surroundings, victims: Sequence[Node], rng: Random, losses: Sequence[Loss] = tuple(Loss)
) -> str:
    """The power of these goes: they stop at once, and what they had not synced is gone, all of it or in part.

    They stay down until `revive`.
    """
    around.holds.take(around.fault, "down", victims)
    for victim in victims:  # so that nobody sees, or tells, how the disk fails
        around.cluster.pause(victim)
    orders = {victim: Lose(seed=rng.getrandbits(32), loss=rng.choice(losses)) for victim in victims}
    said = await asyncio.gather(*(_cut_power(around, victim, orders[victim]) for victim in victims))
    return f"power of {names(victims)} lost: {', '.join(said)}"


async def _pile_up(around: Surroundings, victims: Sequence[Node], rng: Random) -> None:
    """Make syncs slow for a moment, so that there is work that a power cut can take."""
    slow_ms = rng.choice(_PILING_MS)
    how = Behave(sync_ms=slow_ms)
    await asyncio.gather(*(around.disks.behave(victim, around.fault, how) for victim in victims))
    await asyncio.sleep(slow_ms * _PILING_SYNCS / 1000)


async def _cut_power(around: Surroundings, victim: Node, loss: Lose) -> str:
    await around.disks.behave(victim, around.fault, Behave(off=True))
    await around.cluster.kill(victim)
    said = await around.disks.order(victim, loss)
    await around.disks.behave(victim, around.fault, Behave())
    return f"{victim.name} {said}"


def _losing_power(choice: Choice, about: str) -> Fault:
    async def begin(around: Surroundings, rng: Random) -> str:
        victims = await choice(around, rng)
        await _pile_up(around, victims, rng)
        return await lose_power(around, victims, rng)

    return Fault(begin, revive, _lacks_orders, about, needs=_NEEDS)


def _lacks_filling(around: Surroundings) -> str:
    return around.disks.lacks_filling


def _lacks_orders(around: Surroundings) -> str:
    return around.disks.lacks_orders


def _lacks_repair(around: Surroundings) -> str:
    few = len(around.cluster.nodes) < _REPAIRING
    return _lacks_orders(around) or (
        "nobody else has what a damaged server loses: take three servers or more" if few else ""
    )


_NEEDS: Final = frozenset({NAMESPACES, OBEDIENT_DISKS})

DISKS: Final[Mapping[str, Fault]] = {
    "disk-full": Fault(
        _fill,
        _room,
        _lacks_filling,
        "no byte left on one server's disk",
        needs=frozenset({NAMESPACES, SMALL_DISKS}),
        may_end=_NO_ROOM,
    ),
    "disk-read-only": Fault(
        _read_only, _well, _lacks_orders, "one server's disk can be read alone", needs=_NEEDS, may_end=_READ_ONLY
    ),
    "disk-slow": Fault(_slow, _well, _lacks_orders, "one server's disk is slow, or seems to hang", needs=_NEEDS),
    "fsync-error": Fault(
        _fsync_error,
        _well,
        _lacks_orders,
        "syncs of one server fail, and what they should have written is lost",
        needs=_NEEDS,
        may_end=_DISK_TROUBLE,
    ),
    "read-error": Fault(
        _read_error,
        _well,
        _lacks_orders,
        "one server starts on a disk that cannot be read",
        needs=_NEEDS,
        may_end=_DISK_TROUBLE,
    ),
    "corrupt-byte": Fault(
        _corrupt,
        _replace,
        _lacks_repair,
        "one server starts with one bit of its files turned over",
        needs=_NEEDS,
        may_end=_DAMAGE,
    ),
    "power-loss": _losing_power(one_server, "one server stops at once, and what it had not synced is gone"),
    "power-loss-majority": _losing_power(majority, "the same to a majority at once"),
    "power-loss-all": _losing_power(all_servers, "the same to all servers at once"),
}
"""By name."""
