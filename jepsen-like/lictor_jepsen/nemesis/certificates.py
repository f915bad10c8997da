"""Faults of the certificates by which servers and agents know each other: exchanged under load, and ended.

What a cluster must do: connections that stand go on through a renewal and through an end; a new connection with a
certificate that ended is refused, and a log says that this is why; once there are new certificates all is well again.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Final
from urllib.parse import urlsplit

from lictor_jepsen.certificates import LIFE_S
from lictor_jepsen.nemesis.base import TLS, Fault, Surroundings, aim, names, revive, some, undivided
from lictor_jepsen.net import Node

__all__ = ["CERTIFICATES"]

_SERVES_S_MAX: Final = 15.0
"""How long a node may take until it can be told to reload; whoever takes longer has read its files by then."""
_LOOK_S: Final = 0.1
_SAYS: Final = r"the agent cannot start: cert_file: .* expired at"
"""What a process says that does not start with a certificate that ended."""
_LEFT_S: Final = 2.0
"""How long certificates that are to end still last: long enough to be read."""


async def _renew(around: Surroundings, rng: Random) -> str:
    """All get new certificates by their files and a reload, some of them twice."""
    everybody = around.cluster.everybody
    await _issue(around, everybody, LIFE_S)
    await _issue(around, some(everybody, rng), LIFE_S)
    return "new certificates for all, and a reload"


async def _renewed(around: Surroundings) -> str:
    del around
    return "nothing to undo"


async def _end(around: Surroundings, rng: Random) -> str:
    """The certificates of some end soon."""
    victims = some(around.cluster.everybody, rng)
    await _issue(around, victims, _LEFT_S)
    return f"certificates of {names(victims)} end in {_LEFT_S:g} s"


async def _need_new_connections(around: Surroundings, rng: Random) -> None:
    """Once they have ended, a server is started again: it must connect anew to all, and all to it."""
    await asyncio.sleep(_LEFT_S + 1.0)
    victim = await aim(around, rng)
    if not around.holds.held("down", victim):
        await undivided(around.cluster.kill(victim))
        await undivided(around.cluster.start(victim))


async def _made_anew(around: Surroundings) -> str:
    """New certificates for all; who could not start with one that had ended is started."""
    await _issue(around, around.cluster.everybody, LIFE_S)
    return f"new certificates for all, and a reload; {await revive(around)}"


async def _issue(around: Surroundings, nodes: Sequence[Node], lasts_s: float) -> None:
    """New certificates, and the word to read them; who is down reads them at its start."""
    assert around.cluster.certificates is not None
    now = datetime.now(UTC)  # noqa: TID251 certificates end by the clock of the world
    for node in nodes:
        around.cluster.certificates.issue(node, now, now + timedelta(seconds=lasts_s))
    await asyncio.gather(*(_reload(around, node) for node in nodes))


async def _reload(around: Surroundings, node: Node) -> None:
    """SIGHUP, once it serves: it may have read the files before while it starts, and the signal would end it."""
    place = urlsplit(around.cluster.url(node))
    with suppress(TimeoutError):
        async with asyncio.timeout(_SERVES_S_MAX):
            while around.cluster.runs(node):
                with suppress(OSError):
                    _, writer = await asyncio.open_connection(place.hostname, place.port)
                    writer.close()
                    around.cluster.signal(node.name, signal.SIGHUP)
                    return
                await asyncio.sleep(_LOOK_S)


def _lacks(around: Surroundings) -> str:
    return "" if around.cluster.certificates is not None else "the servers of this run know each other without TLS"


CERTIFICATES: Final[Mapping[str, Fault]] = {
    "certificates-renewed": Fault(
        _renew,
        _renewed,
        _lacks,
        "all get new certificates by a reload; the whole run is under TLS",
        needs=frozenset({TLS}),
        subject="certificates",
    ),
    "certificates-ended": Fault(
        _end,
        _made_anew,
        _lacks,
        "the certificates of some end and a server is started again; new ones later",
        _need_new_connections,
        may_end=_SAYS,
        needs=frozenset({TLS}),
        subject="certificates",
    ),
}
"""By name."""
