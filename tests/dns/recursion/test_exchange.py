"""One question to one recursor: over both transports, and what others send meanwhile."""

from __future__ import annotations

import asyncio
import itertools
import socket
from collections.abc import Callable, Coroutine

import pytest
import uvloop

from lictor_dns.answer import RecordType
from lictor_dns.protocol import question_wire
from lictor_dns.recursion.exchange import NoReplyError, ask
from lictor_dns.recursion.reply import Reply
from lictor_dns.recursion.servers import Recursor
from tests.dns.asking import IPV6, name, query, texts
from tests.support.ports import free_port
from tests.support.upstream import HOST, MANY, Odd, Upstream, upstream

S_MAX = 20.0
"""How long an answer may take on a machine that runs other tests."""
SHORT_S = 0.2
BOTH = ["host.example.com. 300 IN A 203.0.113.7", "host.example.com. 300 IN A 203.0.113.8"]


async def asked(
    served: Upstream,
    host: str = "host.example.com",
    *,
    id: int = 0x1234,
    is_udp: bool = True,
    wants_whole: bool = False,
    timeout_s: float = S_MAX,
) -> Reply:
    """What is replied to a question for A."""
    wire = question_wire(name(host), RecordType.A)
    return await ask(
        Recursor(HOST, served.port),
        id,
        query(host)[2:],
        wire,
        is_udp=is_udp,
        wants_whole=wants_whole,
        timeout_s=timeout_s,
    )


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
def test_it_is_asked_over_udp_and_over_tcp(run: Callable[[Coroutine[None, None, None]], None]) -> None:
    async def main() -> None:
        with upstream() as served:
            for is_udp in (True, False):
                reply = await asked(served, is_udp=is_udp)
                assert texts(reply.message) == BOTH
                assert reply.message[:2] == b"\x12\x34"
        assert served.names() == ["udp host.example.com. A", "tcp host.example.com. A"]

    run(main())


async def test_every_question_comes_from_a_port_of_its_own() -> None:
    with upstream() as served:
        await asyncio.gather(*(asked(served, id=id) for id in range(40)))
    ports = [one.port for one in served.asked]
    assert len(set(ports)) == len(ports) == 40
    steps = {after - before for before, after in itertools.pairwise(ports)}
    assert len(steps) > 20, f"the next port could be told from the one before: {ports}"


def _other_ids(_wire: bytes, right: bytes, _transport: str) -> list[bytes]:
    return [bytes((right[0] ^ change, right[1])) + right[2:-1] + b"\x42" for change in range(1, 255)] + [right]


def _another_question(_wire: bytes, right: bytes, _transport: str) -> list[bytes]:
    return [right[:12] + right[12:-1].replace(b"\x04host", b"\x04bank") + b"\x42", right]


def _the_question_itself(wire: bytes, right: bytes, _transport: str) -> list[bytes]:
    return [wire, right]


def _scraps(_wire: bytes, right: bytes, _transport: str) -> list[bytes]:
    return [b"", b"\x12", right[:5], right]


@pytest.mark.parametrize("odd", [_other_ids, _another_question, _the_question_itself, _scraps])
async def test_what_is_no_reply_to_the_question_is_waited_past(odd: Odd) -> None:
    with upstream(odd={"host.example.com.": odd}) as served:
        assert texts((await asked(served)).message) == BOTH


async def test_a_reply_from_another_address_or_port_is_not_even_seen() -> None:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as recursor,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as neighbour,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger,
    ):
        recursor.bind((HOST, 0))
        neighbour.bind((HOST, 0))
        stranger.bind(("127.0.0.2", 0))
        for one in (recursor, neighbour, stranger):
            one.settimeout(S_MAX)
        port: int = recursor.getsockname()[1]
        wire = question_wire(name("host.example.com"), RecordType.A)
        asking = asyncio.ensure_future(
            ask(
                Recursor(HOST, port),
                7,
                query("host.example.com")[2:],
                wire,
                is_udp=True,
                wants_whole=False,
                timeout_s=S_MAX,
            )
        )
        message, client = await asyncio.to_thread(recursor.recvfrom, 512)
        header = message[:2] + b"\x81\x80\0\1\0\0\0\0\0\0"
        for one in (neighbour, stranger):
            one.sendto(header + wire, client)
        recursor.sendto(message[:2] + b"\x81\x83\0\1\0\0\0\0\0\0" + wire, client)
        reply = await asking
    assert reply.code == 3


async def test_a_truncated_reply_is_asked_for_again_over_tcp_where_the_whole_is_wanted() -> None:
    with upstream() as served:
        cut = await asked(served, "many.example.com")
        whole = await asked(served, "many.example.com", wants_whole=True)
    assert (cut.is_truncated, whole.is_truncated) == (True, False)
    assert len(texts(whole.message)) == MANY
    assert served.names() == [f"{transport} many.example.com. A" for transport in ("udp", "udp", "tcp")]


async def test_a_truncated_reply_is_better_than_none() -> None:
    def over_udp_alone(_wire: bytes, right: bytes, transport: str) -> list[bytes]:
        return [right] if transport == "udp" else []

    with upstream(odd={"many.example.com.": over_udp_alone}) as served:
        reply = await asked(served, "many.example.com", wants_whole=True, timeout_s=1.0)
    assert reply.is_truncated


@pytest.mark.parametrize("is_udp", [True, False])
async def test_silence_ends_in_time(*, is_udp: bool) -> None:
    with upstream() as served, pytest.raises(NoReplyError, match=r"within 0\.2 s"):
        await asked(served, "silent.example.com", is_udp=is_udp, timeout_s=SHORT_S)


@pytest.mark.parametrize("is_udp", [True, False])
async def test_a_port_on_which_nobody_listens_ends_it_at_once(*, is_udp: bool) -> None:
    nobody = Upstream("nobody", free_port(), {})
    with pytest.raises(NoReplyError, match="refused"):
        await asked(nobody, is_udp=is_udp)


@pytest.mark.parametrize("is_udp", [True, False])
async def test_a_reply_that_cannot_be_read_ends_it_at_once(*, is_udp: bool) -> None:
    with upstream() as served, pytest.raises(NoReplyError, match="cannot be read"):
        await asked(served, "garbage.example.com", is_udp=is_udp)


async def test_over_tcp_a_reply_to_something_else_ends_it() -> None:
    with upstream() as served, pytest.raises(NoReplyError, match="something else"):
        await asked(served, "wrong-id.example.com", is_udp=False)


async def test_a_connection_that_is_closed_ends_it() -> None:
    async def close(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with await asyncio.start_server(close, HOST, 0) as server:
        closing = Upstream("closing", server.sockets[0].getsockname()[1], {})
        with pytest.raises(NoReplyError, match=r"closed|reset"):
            await asked(closing, is_udp=False)


@IPV6
async def test_a_recursor_may_have_an_address_of_ipv6() -> None:
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as recursor:
        recursor.bind(("::1", 0))
        port: int = recursor.getsockname()[1]
        wire = question_wire(name("host.example.com"), RecordType.A)
        asking = asyncio.ensure_future(
            ask(
                Recursor("::1", port), 7, query("a")[2:12] + wire, wire, is_udp=True, wants_whole=False, timeout_s=S_MAX
            )
        )
        message, client = await asyncio.to_thread(recursor.recvfrom, 512)
        recursor.sendto(message[:2] + b"\x81\x83\0\1\0\0\0\0\0\0" + wire, client)
        assert (await asking).code == 3
