"""TCP: pipelining, pieces, idle limit, bounds."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncGenerator, Callable, Coroutine
from typing import Final

import pytest
import structlog
import uvloop

from lictor_core.clock import SeededRng, SystemClock
from lictor_dns import DnsServer, DnsSettings
from tests.dns.asking import query, text, texts
from tests.support.catalog import PlainCatalog, make_instance, make_node, make_service
from tests.support.conditions import eventually

HOST: Final = "127.0.0.1"
CATALOG: Final = PlainCatalog(
    [
        make_instance(make_service(), make_node(f"n{number}", f"10.0.{number // 250}.{number % 250}"))
        for number in range(400)
    ]
)


@contextlib.asynccontextmanager
async def served(settings: DnsSettings | None = None) -> AsyncGenerator[int]:
    server = DnsServer(
        CATALOG,
        settings or DnsSettings(),
        [(HOST, 0)],
        SystemClock(),
        SeededRng(1),
        structlog.get_logger(),
    )
    await server.start()
    try:
        yield server.bound[0][1]
    finally:
        await server.close()


def framed(message: bytes) -> bytes:
    return len(message).to_bytes(2, "big") + message


async def read_answer(reader: asyncio.StreamReader) -> bytes:
    async with asyncio.timeout(30):
        length = int.from_bytes(await reader.readexactly(2), "big")
        return await reader.readexactly(length)


async def test_all_instances_come_over_tcp() -> None:
    async with served() as port:
        reader, writer = await asyncio.open_connection(HOST, port)
        writer.write(framed(query("web.service.consul")))
        assert len(texts(await read_answer(reader))) == 400
        writer.close()
        await writer.wait_closed()


async def test_many_queries_on_one_connection_are_answered_in_order() -> None:
    async with served() as port:
        reader, writer = await asyncio.open_connection(HOST, port)
        writer.write(b"".join(framed(query("n1.node.consul", id=identifier)) for identifier in range(500)))
        assert [text(await read_answer(reader)).id for _ in range(500)] == list(range(500))
        writer.close()
        await writer.wait_closed()


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
def test_answers_far_larger_than_their_questions_are_all_given(
    run: Callable[[Coroutine[None, None, None]], None],
) -> None:
    async def main() -> None:
        async with served() as port:
            reader, writer = await asyncio.open_connection(HOST, port)
            writer.write(b"".join(framed(query("web.service.consul", id=identifier)) for identifier in range(1000)))
            for identifier in range(1000):
                answer = await read_answer(reader)
                assert int.from_bytes(answer[:2], "big") == identifier
            writer.close()
            await writer.wait_closed()

    run(main())


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
def test_a_client_that_has_said_everything_gets_all_answers_and_then_the_end(
    run: Callable[[Coroutine[None, None, None]], None],
) -> None:
    async def main() -> None:
        async with served() as port:
            reader, writer = await asyncio.open_connection(HOST, port)
            writer.write(b"".join(framed(query("web.service.consul", id=identifier)) for identifier in range(200)))
            writer.write_eof()
            for identifier in range(200):
                assert int.from_bytes((await read_answer(reader))[:2], "big") == identifier
            async with asyncio.timeout(5):  # before it is idle for long
                assert await reader.read() == b""
            writer.close()

    run(main())


async def test_a_query_may_come_byte_by_byte() -> None:
    async with served() as port:
        reader, writer = await asyncio.open_connection(HOST, port)
        for byte in framed(query("n1.node.consul")):
            writer.write(bytes([byte]))
            for _ in range(3):  # over loopback it is there at once: the server reads it before the next is sent
                await asyncio.sleep(0)
        assert len(texts(await read_answer(reader))) == 1
        writer.close()
        await writer.wait_closed()


async def test_a_malformed_query_does_not_end_the_connection() -> None:
    async with served() as port:
        reader, writer = await asyncio.open_connection(HOST, port)
        writer.write(framed(b"") + framed(b"x") + framed(b"\0\1\1\0" + bytes(8)) + framed(query("n1.node.consul")))
        assert (await read_answer(reader))[3] & 15 == 1
        assert len(texts(await read_answer(reader))) == 1
        writer.close()
        await writer.wait_closed()


async def test_a_silent_connection_is_closed() -> None:
    async with served(DnsSettings(tcp_idle_s=0.05)) as port:
        reader, writer = await asyncio.open_connection(HOST, port)
        with contextlib.suppress(ConnectionResetError):
            async with asyncio.timeout(30):
                assert await reader.read() == b""
        writer.close()
        with contextlib.suppress(ConnectionResetError):
            await writer.wait_closed()


async def test_other_bounds_hold_for_connections_that_are_open_too() -> None:
    settings = DnsSettings(tcp_idle_s=3600.0)
    server = DnsServer(CATALOG, settings, [(HOST, 0)], SystemClock(), SeededRng(1), structlog.get_logger())
    await server.start()
    try:
        port = server.bound[0][1]
        reader, writer = await asyncio.open_connection(HOST, port)
        writer.write(framed(query("n1.node.consul")))
        await read_answer(reader)
        server.follow(DnsSettings(tcp_idle_s=0.05, tcp_connections_max=1))
        _, second = await asyncio.open_connection(HOST, port)
        with contextlib.suppress(ConnectionResetError):
            async with asyncio.timeout(30):
                assert await reader.read() == b""
        for one in (writer, second):
            one.close()
    finally:
        await server.close()


async def is_answered(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    try:
        writer.write(framed(query("n1.node.consul")))
        return bool(await read_answer(reader))
    except (OSError, asyncio.IncompleteReadError):
        return False


async def test_one_client_does_not_take_the_places_of_others() -> None:
    async with served(DnsSettings(tcp_connections_per_client_max=2)) as port:
        greedy = [await asyncio.open_connection(HOST, port) for _ in range(2)]
        assert [await is_answered(*one) for one in greedy] == [True, True]
        third = await asyncio.open_connection(HOST, port)
        assert not await is_answered(*third)
        other = await asyncio.open_connection(HOST, port, local_addr=("127.0.0.2", 0))
        assert await is_answered(*other)
        assert await is_answered(*greedy[0])
        for _, writer in (*greedy, third, other):
            writer.close()


async def test_a_question_that_trickles_is_cut_off_while_others_are_served() -> None:
    async with served(DnsSettings(tcp_idle_s=0.5)) as port:
        reader, writer = await asyncio.open_connection(HOST, port)
        loop = asyncio.get_running_loop()
        began = loop.time()
        with contextlib.suppress(ConnectionError):
            writer.write(b"\xff\xff")
            for _ in range(200):
                writer.write(b"x")
                await writer.drain()
                if reader.at_eof():
                    break
                other = await asyncio.open_connection(HOST, port)
                assert await is_answered(*other)
                other[1].close()
                await asyncio.sleep(0.05)
        assert loop.time() - began < 8  # all of them would take ten seconds
        writer.close()


async def test_a_connection_beyond_the_bound_is_cut_and_one_that_ends_makes_room() -> None:
    async with served(DnsSettings(tcp_connections_max=1)) as port:
        first_reader, first = await asyncio.open_connection(HOST, port)
        first.write(framed(query("n1.node.consul")))
        await read_answer(first_reader)
        reader, second = await asyncio.open_connection(HOST, port)
        async with asyncio.timeout(30):
            with contextlib.suppress(ConnectionResetError):
                assert await reader.read() == b""
        second.close()
        first.close()
        await first.wait_closed()

        async def is_served() -> bool:
            reader, writer = await asyncio.open_connection(HOST, port)
            writer.write(framed(query("n1.node.consul")))
            try:
                return bool(await read_answer(reader))
            except (ConnectionResetError, asyncio.IncompleteReadError, BrokenPipeError):
                return False
            finally:
                writer.close()

        served_again: list[bool] = []
        for _ in range(50):
            served_again.append(await is_served())
            if served_again[-1]:
                break
            await asyncio.sleep(0.02)
        assert served_again[-1]


async def test_a_client_that_does_not_read_is_not_read_from() -> None:
    async with served() as port:
        with socket.socket() as client:
            # Small buffers at this end, so that the server's own are soon full.
            for option in (socket.SO_SNDBUF, socket.SO_RCVBUF):
                client.setsockopt(socket.SOL_SOCKET, option, 4096)
            client.connect((HOST, port))
            client.settimeout(0.3)
            # Each answer has 6 KB; what is after the question does not matter but fills buffers.
            questions = framed(query("web.service.consul") + bytes(400)) * 20
            stuck = await asyncio.to_thread(is_stuck, client, questions)
        assert stuck


async def test_a_client_that_never_reads_is_cut_when_it_was_idle_for_long() -> None:
    async with served(DnsSettings(tcp_idle_s=0.2)) as port:
        with socket.socket() as client:
            for option in (socket.SO_SNDBUF, socket.SO_RCVBUF):
                client.setsockopt(socket.SOL_SOCKET, option, 4096)
            client.connect((HOST, port))
            client.settimeout(30.0)
            questions = framed(query("web.service.consul") + bytes(400)) * 20
            assert await asyncio.to_thread(is_cut_off, client, questions)


def is_cut_off(client: socket.socket, data: bytes) -> bool:
    """Whether sending comes to an end because the other side ended the connection."""
    try:
        for _ in range(2000):
            client.sendall(data)
    except (ConnectionResetError, BrokenPipeError):
        return True
    return False


def is_stuck(client: socket.socket, data: bytes) -> bool:
    """Whether sending comes to a stop, long before it has had 250 MB of answers made."""
    for _ in range(2000):
        try:
            client.sendall(data)
        except TimeoutError:
            return True
    return False


async def test_closing_the_server_cuts_open_connections() -> None:
    async with served() as port:
        reader, writer = await asyncio.open_connection(HOST, port)
        writer.write(framed(query("n1.node.consul")))
        await read_answer(reader)
    cut: list[bool] = []

    async def is_cut() -> None:
        with contextlib.suppress(ConnectionResetError):
            assert await reader.read() == b""
        cut.append(True)

    async with asyncio.timeout(30):
        await is_cut()
    await eventually(lambda: cut == [True], what="the connection is cut")
    writer.close()
