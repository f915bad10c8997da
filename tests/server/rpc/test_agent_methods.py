"""What agents ask for that servers do not ask of each other."""

from __future__ import annotations

import pytest

from lictor_core.calls import PROPOSE, STAMPS, STAMPS_MAX, Proposed, StampsRequest
from lictor_core.clock import SeededRng
from lictor_core.codec import encode_proposal, pack, unpack
from lictor_core.commands import Command, KVSet, Outcome, Proposal, ReadMode
from lictor_core.errors import RequestError
from lictor_core.queries import KeyQuery
from lictor_server import RpcPool, Server


async def propose(server: Server, request: bytes, command: Command, *, again: bool = False) -> tuple[Outcome, int]:
    """What a proposal under this request id comes to, and how far the server is."""
    pool = RpcPool(rng=SeededRng(1))
    payload = pack(Proposed(proposal=encode_proposal(Proposal(request, 0, again, command))))
    try:
        place = f"127.0.0.1:{server.server_port}"
        return unpack(await pool.call(place, PROPOSE, payload, timeout_s=10.0), tuple[Outcome, int])
    finally:
        await pool.stop()


async def test_a_proposal_is_carried_out_once_however_often_it_is_sent(server: Server) -> None:
    create = KVSet(key="a", value=b"1", cas=0)
    first, applied_index = await propose(server, b"one", create)
    repeated, _ = await propose(server, b"one", create, again=True)
    other, _ = await propose(server, b"two", create)
    assert (first.value, repeated.value, other.value) == (True, True, False)
    assert repeated.index == first.index <= applied_index


async def test_what_no_client_may_write_is_refused(server: Server) -> None:
    with pytest.raises(RequestError):
        await propose(server, b"one", KVSet(key="", value=b""))


async def test_stamps_are_told_of_so_many_queries_at_once_and_no_more(server: Server) -> None:
    pool = RpcPool(rng=SeededRng(1))
    place = f"127.0.0.1:{server.server_port}"
    try:
        for count in (STAMPS_MAX, STAMPS_MAX + 1):
            queries = tuple(KeyQuery(key=str(number)) for number in range(count))
            request = pack(StampsRequest(queries=queries, mode=ReadMode.DEFAULT))
            if count > STAMPS_MAX:
                with pytest.raises(RequestError, match=str(STAMPS_MAX)):
                    await pool.call(place, STAMPS, request, timeout_s=10.0)
            else:
                assert len(unpack(await pool.call(place, STAMPS, request, timeout_s=10.0), list[int])) == count
        stale = pack(StampsRequest(queries=(KeyQuery(key="a"),), mode=ReadMode.STALE))
        _, last_contact_ms, known_leader = unpack(await pool.call(place, STAMPS, stale, timeout_s=10.0), list[int])
        assert (last_contact_ms, known_leader) == (0, 1)
    finally:
        await pool.stop()
