"""Links between servers over real sockets."""

from __future__ import annotations

from contextlib import AsyncExitStack

from lictor_server.raft.wire import Message
from tests.server.raft.links import End, running
from tests.support.conditions import eventually

HEARTBEAT: Message = {"type": "heard", "term": 3, "seq": 7}
ENTRIES: Message = {"type": "append_entries", "term": 3, "entries": ((b"\x00command", 8, 3), (b"\x01", 9, 3))}


async def pair(stack: AsyncExitStack) -> tuple[End, End]:
    one, two = await stack.enter_async_context(running(1)), await stack.enter_async_context(running(2))
    one.peers(two)
    two.peers(one)
    await one.until_connected(two)
    await two.until_connected(one)
    return one, two


async def test_messages_arrive_in_order_and_in_both_directions() -> None:
    async with AsyncExitStack() as stack:
        one, two = await pair(stack)
        for seq in range(100):
            assert one.links.send(two.id, HEARTBEAT | {"seq": seq})
        assert two.links.send(one.id, ENTRIES)
        await eventually(lambda: len(two.heard) == 100 and len(one.heard) == 1, what="every message")
        assert [(id, message["seq"]) for id, message in two.heard] == [(one.id, seq) for seq in range(100)]
        assert one.heard == [(two.id, ENTRIES | {"entries": [[b"\x00command", 8, 3], [b"\x01", 9, 3]]})]
        assert (one.connected, one.callers) == ([two.id], [(two.id, "name-5c1e2f30", two.address)])


async def test_what_has_no_connection_is_not_sent() -> None:
    async with running(1) as one, running(2) as two:
        assert not one.links.send(two.id, HEARTBEAT)
        one.peers(two)
        assert not one.links.send(two.id, HEARTBEAT)
        await one.until_connected(two)
        assert one.links.send(two.id, HEARTBEAT)
        one.peers()
        assert not one.links.send(two.id, HEARTBEAT)
        assert one.disconnected == [two.id]
