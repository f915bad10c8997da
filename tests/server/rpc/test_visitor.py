"""Who visits the server port, and what happens when the connection ends."""

from __future__ import annotations

from lictor_server.rpc.visitor import Visitor
from tests.server.raft.links import running
from tests.server.rpc.client import connect
from tests.support.conditions import eventually


def test_callbacks_come_once_in_order_and_at_once_for_who_is_gone() -> None:
    visitor, said = Visitor("a:1"), list[str]()
    visitor.at_end(lambda: said.append("first"))
    visitor.at_end(lambda: said.append("withdrawn"))()
    visitor.at_end(lambda: said.append("second"))
    assert (said, visitor.is_gone) == ([], False)
    visitor.end()
    visitor.end()
    assert (said, visitor.is_gone) == (["first", "second"], True)
    visitor.at_end(lambda: said.append("late"))()
    assert said == ["first", "second", "late"]


async def test_all_calls_of_a_connection_have_one_visitor_who_ends_with_it() -> None:
    async with running(1) as end:
        one, other = await connect(end.listener.port), await connect(end.listener.port)
        await one.ask(1, "echo", b"")
        await one.ask(2, "echo", b"")
        await other.ask(1, "echo", b"")
        first, second, third = end.methods.visitors
        assert first is second
        assert first is not third
        assert first.address == "{}:{}".format(*one.writer.get_extra_info("sockname"))
        await one.close()
        await eventually(lambda: first.is_gone, what="the end of the first")
        assert not third.is_gone
        await other.close()
