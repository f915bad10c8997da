"""Lictor between servers that lose answers; with `--planted`, a write that is sent again is carried out again.

Every tenth answer of the leader to another server is lost on its way, after the write took place. That server cannot
know whether it did, and sends it again under the same request id: an honest run must lose and double nothing. With
`--planted`, nobody looks at the id.

`python tests/jepsen_like/planted/applied_twice.py [--planted] agent ...` starts `lictor agent ...`.
"""

from __future__ import annotations

import sys
from itertools import count
from typing import Final

from lictor.cli import main
from lictor_core.commands import Proposal
from lictor_core.errors import PeerError
from lictor_server.forward import LEADER_PREFIX
from lictor_server.rpc.client import RpcPool
from lictor_server.state.requests import RecentRequests

LOST_EVERY: Final = 10


def lose_answers() -> None:
    """Take every tenth answer to a write for none."""
    honest = RpcPool.call
    answers = count(1)

    async def call(self: RpcPool, address: str, method: str, payload: bytes, *, timeout_s: float) -> bytes:
        answer = await honest(self, address, method, payload, timeout_s=timeout_s)
        if method == f"{LEADER_PREFIX}write" and next(answers) % LOST_EVERY == 0:
            raise PeerError(f"{address} was asked, and its answer got lost")
        return answer

    setattr(RpcPool, "call", call)  # noqa: B010 a fault is planted, which the type checker would not allow


def plant() -> None:
    """Remember no request."""

    def earlier(self: RecentRequests, proposal: Proposal, index: int) -> None:
        del self, proposal, index

    setattr(RecentRequests, "earlier", earlier)  # noqa: B010 a bug is planted, which the type checker would not allow


if __name__ == "__main__":
    lose_answers()
    if sys.argv[1:2] == ["--planted"]:
        del sys.argv[1]
        plant()
    main()
