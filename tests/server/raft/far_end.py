"""One server's links in a network of its own: `python -m tests.server.raft.far_end <own number> <other's number>`.

Server N has the address 10.77.0.N. Writes a line when it can, and when it no longer can, send to the other; ends with
its input.
"""

from __future__ import annotations

import asyncio
import sys

import uvloop

from lictor_core.clock import SeededRng
from lictor_server.raft.hello import LinkIdentity
from lictor_server.raft.transport import LinkEvents, PeerLinks
from lictor_server.rpc import RpcListener
from tests.server.conftest import made_log
from tests.server.raft.links import Echo

__all__ = ["address_of"]


def address_of(number: int) -> str:
    """The IP address of a server."""
    return f"10.77.0.{number}"


async def run(own: int, other: int) -> None:
    """Talk until the input ends. Server 1 sends all the time; server 2 has nothing to say."""
    log = made_log().logger
    events = LinkEvents(
        on_connected=lambda id: print("connected", flush=True),
        on_disconnected=lambda id: print("disconnected", flush=True),
        on_message=lambda id, message: None,
    )
    links = PeerLinks(events, rng=SeededRng(own), log=log)
    listener = RpcListener(
        Echo(), address=address_of(own), port=8300, connections_max=8, in_flight_max=8, log=log, raft=links.accept
    )
    await listener.start()
    links.introduce(LinkIdentity("dc1", f"n{own}", f"n{own}", f"{address_of(own)}:8300"))
    links.set_peers({f"n{other}": f"{address_of(other)}:8300"})
    ended = asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    while not ended.done():
        if own == 1:
            links.send(f"n{other}", {"type": "heard", "term": 1, "seq": 1})
        await asyncio.wait([ended], timeout=0.1)
    await listener.stop()
    await links.stop()


if __name__ == "__main__":
    uvloop.run(run(int(sys.argv[1]), int(sys.argv[2])))
