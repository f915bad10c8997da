"""The server as a whole: bounds, broken input, slow clients, its end. Nothing a client does hurts anybody else."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import gzip
import re
import socket
from collections.abc import AsyncGenerator

import pytest
import pytest_asyncio

from lictor_agent.http import HttpServer, HttpSettings, TcpAddress
from lictor_agent.http.hot import HotConnection
from lictor_core.clock import SeededRng, SystemClock
from lictor_core.errors import ConfigurationError
from tests.agent.http.live import Live, live_agent
from tests.support.conditions import eventually

HASTY = HttpSettings(
    head_s_max=0.2,
    body_s_max=0.2,
    connections_max=12,
    connections_per_client_max=8,
    body_bytes_max=2000,
    kv_value_bytes_max=1000,
)
GET = b"GET /v1/status/leader HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest_asyncio.fixture
async def hasty() -> AsyncGenerator[Live]:
    """An agent with small bounds."""
    async with live_agent(HASTY) as running:
        yield running


async def raw(live: Live, data: bytes) -> bytes:
    """Everything that is answered to `data` until the server closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", live.port)
    writer.write(data)
    async with asyncio.timeout(10):
        answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


@pytest.mark.parametrize(
    "garbage",
    [
        b"garbage\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 a TLS hello\r\n\r\n",
        b"GET /v1/status/leader HTTP/9.9\r\nHost: x\r\n\r\n",
        b"GET /v1/status/leader HTTP/1.1\r\nHost: x\r\nBad Header\r\n\r\n",
        b"PUT /v1/kv/a HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"GET /v1/kv/%zz HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /v1/catalog/node/%FF HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
    ids=lambda garbage: garbage[:30].decode(errors="replace"),
)
async def test_garbage_gets_400_once_and_the_connection_ends(live: Live, garbage: bytes) -> None:
    answer = await raw(live, garbage)
    assert answer.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert answer.endswith(b"400 Bad Request")
    assert b"Connection: close" in answer
    assert len(live.events("http.request.refused")) == 1
    assert (await live.get("/v1/status/leader")).status == 200


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", b"431 Request Header Fields Too Large"),
        (b"GET / HTTP/1.1\r\nX: " + b"a" * 40_000 + b"\r\n\r\n", b"431 Request Header Fields Too Large"),
        (b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X: a\r\n" * 200 + b"\r\n", b"431 Request Header Fields Too Large"),
        (b"PUT /v1/kv/a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\nx", b"501 Not Implemented"),
        (
            b"PUT /v1/kv/a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
            b"501 Not Implemented",
        ),
        (b"PUT /v1/kv/a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding:\r\n\r\n", b"501 Not Implemented"),
        (b"GET /v1/status/leader\r\n\r\n", b"400 Bad Request"),
        (
            b"PUT /v1/kv/a HTTP/1.1\r\nHost: x\r\nExpect: 200-ok\r\nContent-Length: 1\r\n\r\nx",
            b"417 Expectation Failed",
        ),
    ],
    ids=["target", "header", "headers", "coding", "codings", "no-coding", "http-0.9", "expectation"],
)
async def test_what_is_more_or_other_than_is_taken_gets_its_own_status(
    live: Live, request_bytes: bytes, status: bytes
) -> None:
    answer = await raw(live, request_bytes)
    assert answer.startswith(b"HTTP/1.1 " + status + b"\r\n")
    assert answer.endswith(status)
    assert b"Connection: close" in answer
    assert [event["status"] for event in live.events("http.request.refused")] == [int(status[:3])]
    assert (await live.get("/v1/kv/a")).status == 404


async def test_a_target_of_60_000_bytes_is_taken(live: Live) -> None:
    line = b"GET /v1/kv/" + b"a" * 60_000 + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    assert (await raw(live, line)).startswith(b"HTTP/1.1 404 ")


async def test_letters_beyond_ascii_need_no_percent_signs(live: Live) -> None:
    head = " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
    put = "PUT /v1/kv/clé?flags=7" + head + "Content-Length: 1\r\n\r\nv"
    assert (await raw(live, put.encode())).endswith(b"true")
    assert (await live.get("/v1/kv/cl%C3%A9?raw")).body == b"v"
    assert (await raw(live, ("GET /v1/kv/clé?raw" + head + "\r\n").encode("latin-1"))).startswith(b"HTTP/1.1 400 ")


async def test_options_of_everything_is_answered(live: Live) -> None:
    answer = await raw(live, b"OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")


async def test_an_unknown_method_is_answered_with_the_own_headers_and_blocked_as_others() -> None:
    settings = HttpSettings(response_headers=(("X-Own", "a"),), blocked_endpoints=("/v1/kv/blocked",))
    async with live_agent(settings) as live:
        answer = await raw(live, b"BREW /v1/kv/x HTTP/1.1\r\nHost: x\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 405 ")
        assert b"\r\nX-Own: a\r\n" in answer
        blocked = await raw(live, b"BREW /v1/kv/blocked HTTP/1.1\r\nHost: x\r\n\r\n")
        assert blocked.startswith(b"HTTP/1.1 403 ")


@pytest.mark.parametrize(
    "broken",
    [
        b"GET /v1/kv/a HTTP/1.1\r\nX-Consul-Token: secret\x00\r\n\r\n",
        b"GET /v1/kv/a HTTP/1.1\r\nX-Consul-Token secret\r\n\r\n",
        b"GET /v1/kv/a?token=secret HTTP/9.9\r\n\r\n",
        b"G\x01T /v1/kv/a?token=secret HTTP/1.1\r\n\r\n",
        b"GET /v1/kv/a%zz?token=secret HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /v1/kv/a HTTP/1.1\r\nX-Consul-Token: " + b"secret" * 8000 + b"\r\n\r\n",
    ],
    ids=["value", "name", "version", "method", "escape", "long"],
)
async def test_the_token_of_a_broken_request_is_not_logged(live: Live, broken: bytes) -> None:
    assert (await raw(live, broken)).startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 431 "))
    (event,) = live.events("http.request.refused")
    assert event["reason"]
    assert "secret" not in str(live.logged.entries)


async def test_a_method_nobody_knows_gets_405_on_a_known_path(live: Live) -> None:
    answer = await raw(live, b"BREW /v1/kv/x HTTP/1.1\r\nHost: x\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 405 Method Not Allowed\r\nAllow: OPTIONS,GET,PUT,DELETE\r\n")
    assert answer.endswith(b"method BREW not allowed")
    assert (await raw(live, b"BREW /v1/nothing HTTP/1.1\r\nHost: x\r\n\r\n")).startswith(b"HTTP/1.1 404 ")


async def test_unprintable_paths_get_an_empty_400(live: Live) -> None:
    for path in ("/v1/kv/a%01b", "/v1/kv/a%0d%0aX-Evil:1"):
        answer = await raw(live, f"PUT {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        assert answer.startswith(b"HTTP/1.1 400 Bad Request\r\nDate: ")
        assert b"Content-Length: 0\r\n" in answer
        assert b"X-Evil" not in answer


async def test_a_head_that_never_ends_is_cut_off(hasty: Live) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", hasty.port)
    writer.write(b"GET /v1/kv/a HTTP/1.1\r\nX-Slow: ")
    async with asyncio.timeout(10):
        assert await reader.read() == b""
    writer.close()
    (told,) = hasty.events("http.connection.timed_out")
    assert (told["waited_for"], told["log_level"]) == ("head", "warning")


async def test_a_head_that_trickles_is_cut_off_while_others_are_served(hasty: Live) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", hasty.port)
    loop = asyncio.get_running_loop()
    ends = loop.time() + 10
    writer.write(b"GET /v1/kv/a HTTP/1.1\r\nX-Slow: ")
    with contextlib.suppress(ConnectionError):
        while not reader.at_eof() and loop.time() < ends:
            writer.write(b"x")
            await writer.drain()
            assert (await hasty.get("/v1/status/leader")).status == 200
            await asyncio.sleep(0.05)
    assert loop.time() < ends
    writer.close()
    assert hasty.events("http.connection.timed_out")[0]["waited_for"] == "head"


@pytest.mark.parametrize("how", ["plain", "pipelined"])
async def test_who_takes_no_answer_is_cut_off_while_others_are_served(how: str) -> None:
    async with live_agent(HttpSettings(unread_s_max=0.2)) as live:
        await live.put("/v1/kv/a", b"v" * 500_000)
        get = b"GET /v1/kv/a HTTP/1.1\r\nHost: x\r\n\r\n"
        with socket.socket() as greedy:
            greedy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            greedy.connect(("127.0.0.1", live.port))
            loop = asyncio.get_running_loop()
            greedy.setblocking(False)
            if how == "pipelined":
                await loop.sock_sendall(greedy, get * 50)
            else:
                for _ in range(20):
                    await loop.sock_sendall(greedy, get)
                    await asyncio.sleep(0.01)
            await eventually(lambda: live.events("http.connection.timed_out") != [], what="the end")
            assert live.events("http.connection.timed_out")[0]["waited_for"] == "reader"
            assert (await live.get("/v1/status/leader")).status == 200


async def test_who_takes_an_answer_slowly_gets_all_of_it() -> None:
    async with live_agent(HttpSettings(unread_s_max=2.5, unread_bytes_min=1000)) as live:
        await live.put("/v1/kv/a", b"v" * 500_000)
        reader, writer = await asyncio.open_connection("127.0.0.1", live.port, limit=1024)
        writer.write(b"GET /v1/kv/a?raw HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        size = 0
        while part := await reader.read(20_000):
            size += len(part)
            await asyncio.sleep(0.1)
        assert size > 500_000
        writer.close()
        assert live.events("http.connection.timed_out") == []


async def test_a_body_that_never_ends_gets_408(hasty: Live) -> None:
    answer = await raw(hasty, b"PUT /v1/kv/a HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nslow")
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert len(hasty.events("http.request.refused")) == 1


async def test_a_body_over_its_bound_gets_413(hasty: Live) -> None:
    answer = await hasty.put("/v1/catalog/register", b" " * 2001)
    assert answer.status == 413
    assert "2000" in answer.text
    value = await hasty.put("/v1/kv/a", b"v" * 1001)
    assert value.status == 413
    assert value.text.startswith("Request body(1001 bytes) too large, max size: 1000 bytes.")
    assert (await hasty.put("/v1/kv/a", b"v" * 1000)).status == 200


async def test_a_body_whose_length_is_not_told_is_bounded_too(hasty: Live) -> None:
    chunk = b"400\r\n" + b"v" * 1024 + b"\r\n"
    head = b"PUT /v1/kv/a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert (await raw(hasty, head + chunk * 3)).startswith(b"HTTP/1.1 413 ")


async def test_a_chunked_body_is_read(live: Live) -> None:
    head = b"PUT /v1/kv/a HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert (await raw(live, head + b"2\r\nab\r\n1\r\nc\r\n0\r\n\r\n")).endswith(b"true")
    assert (await live.get("/v1/kv/a?raw")).body == b"abc"


async def test_what_comes_behind_an_offer_to_upgrade_is_answered_or_seen_to_be_lost(live: Live) -> None:
    offer = b"GET /v1/status/leader HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
    answer = await asyncio.wait_for(raw(live, offer * 2), 10)
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"Connection: close\r\n" in answer


async def test_an_offer_to_upgrade_by_itself_keeps_the_connection(live: Live) -> None:
    offer = b"GET /v1/status/leader HTTP/1.1\r\nHost: x\r\nConnection: %b\r\nUpgrade: h2c\r\n\r\n"
    reader, writer = await asyncio.open_connection("127.0.0.1", live.port)
    for connection, following in ((b"Upgrade", True), (b"Upgrade, close", False)):
        writer.write(offer % connection)
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
        assert (b"Connection: close" not in head) == following
        await reader.readexactly(int(re.findall(rb"Content-Length: (\d+)", head)[0]))
    assert await asyncio.wait_for(reader.read(), 10) == b""
    writer.close()


async def test_a_broken_chunk_gets_400(live: Live) -> None:
    head = b"PUT /v1/kv/a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert (await raw(live, head + b"zz\r\nab\r\n")).startswith(b"HTTP/1.1 400 ")


async def test_who_waits_for_100_continue_gets_it(live: Live) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", live.port)
    writer.write(b"PUT /v1/kv/a HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n")
    assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    writer.write(b"v")
    assert (await reader.readline()) == b"HTTP/1.1 200 OK\r\n"
    writer.close()


async def test_one_client_may_not_open_more_connections_than_its_bound(hasty: Live) -> None:
    open_ones = [await asyncio.open_connection("127.0.0.1", hasty.port) for _ in range(8)]
    for reader, writer in open_ones:
        writer.write(GET)
        assert await reader.readline() == b"HTTP/1.1 200 OK\r\n"
    answer = await raw(hasty, b"")
    assert answer.startswith(b"HTTP/1.1 429 Too Many Requests\r\n")
    assert b"Retry-After: 1" in answer
    assert len(hasty.events("http.connection.refused")) == 1
    open_ones[0][1].close()
    await eventually(lambda: hasty.http.connections == 7, what="the closed connection is forgotten")
    assert (await hasty.get("/v1/status/leader")).status == 200
    for _, writer in open_ones[1:]:
        writer.close()


async def test_a_client_that_goes_away_frees_its_blocked_query(live: Live) -> None:
    index = (await live.get("/v1/kv/a")).index
    tasks = len(asyncio.all_tasks())
    connections = live.http.connections
    writers: list[asyncio.StreamWriter] = []
    for _ in range(20):
        _, writer = await asyncio.open_connection("127.0.0.1", live.port)
        writer.write(f"GET /v1/kv/a?index={index}&wait=5m HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        writers.append(writer)
    await eventually(lambda: live.http.connections == connections + 20, what="all are connected")
    await eventually(lambda: len(asyncio.all_tasks()) >= tasks + 20, what="all are waiting")
    for writer in writers:
        writer.close()
    await eventually(lambda: live.http.connections == connections, what="all are forgotten")
    await eventually(lambda: len(asyncio.all_tasks()) <= tasks, what="nothing waits any more")


async def test_a_client_that_ends_its_side_still_gets_its_answer(live: Live) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", live.port)
    writer.write(GET)
    writer.write_eof()
    async with asyncio.timeout(30):
        assert (await reader.read()).startswith(b"HTTP/1.1 200 OK\r\n")
    writer.close()


async def test_gzip_is_given_to_who_takes_it(live: Live) -> None:
    for _ in range(2):
        answer = await live.ask("GET", "/v1/health/service/consul", headers={"Accept-Encoding": "gzip"})
        assert answer.headers["Content-Encoding"] == "gzip"
        assert b'"serfHealth"' in gzip.decompress(answer.body)


async def test_namespaces_are_refused_as_consul_refuses_them(live: Live) -> None:
    words = "Namespaces are a Consul Enterprise feature"
    by_parameter = await live.get("/v1/kv/a?ns=default")
    by_header = await live.ask("GET", "/v1/kv/a", headers={"X-Consul-Namespace": "x"})
    assert (by_parameter.status, by_header.status) == (400, 400)
    assert words in by_parameter.text
    assert words in by_header.text


async def test_an_unknown_parameter_is_ignored(live: Live) -> None:
    assert (await live.get("/v1/status/leader?colour=red")).status == 200


async def test_one_event_is_logged_for_each_refusal_and_no_secret_in_it(live: Live) -> None:
    await live.ask("GET", "/v1/kv/a?index=x&token=secret", headers={"X-Consul-Token": "secret"})
    (event,) = live.events("http.request.refused")
    assert (event["status"], event["reason"], event["path"]) == (400, "Invalid index", "/v1/kv/a")
    assert "secret" not in str(live.logged.entries)


async def test_the_log_tells_the_beginning_of_a_long_reason(live: Live) -> None:
    answer = await live.put("/v1/kv/a?cas=" + "9" * 5000)
    assert (answer.status, len(answer.text) > 5000) == (500, True)
    (event,) = live.events("http.request.refused")
    assert 500 < len(str(event["reason"])) <= 1000


async def test_a_port_in_use_is_an_error_that_names_it_and_the_next_step(live: Live) -> None:
    other = HttpServer(
        live.agent,
        [TcpAddress("127.0.0.1", live.port)],
        SystemClock(),
        SeededRng(1),
        live.http._log,  # pyright: ignore[reportPrivateUsage]  # the test's own log
        HttpSettings(),
    )
    with pytest.raises(ConfigurationError, match=rf"127\.0\.0\.1:{live.port}: it is in use .* -http-port"):
        await other.start()


async def test_a_mistake_of_ours_costs_one_answer(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail() -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(live.registry, "leader_status", fail)
    answer = await live.get("/v1/status/leader")
    assert answer.status == 500
    assert "ZeroDivision" not in answer.text
    assert len(live.events("http.request.failed")) == 1


async def test_memory_does_not_grow_with_bad_clients(hasty: Live) -> None:
    def held() -> int:
        gc.collect()
        return sum(isinstance(one, HotConnection) for one in gc.get_objects())

    before, tasks = held(), len(asyncio.all_tasks())
    for number in range(60):
        await raw(hasty, b"garbage %d\r\n\r\n" % number)
        _, writer = await asyncio.open_connection("127.0.0.1", hasty.port)
        writer.write(b"GET /v1/kv/" + b"a" * 500)
        writer.close()
        await writer.wait_closed()
    await eventually(lambda: hasty.http.connections == 0, what="every connection is forgotten")
    await eventually(lambda: len(asyncio.all_tasks()) <= tasks, what="no task is left")
    await eventually(lambda: held() <= before + 1, what="no connection is kept")


async def test_stopping_ends_idle_and_blocked_connections(live: Live) -> None:
    index = (await live.get("/v1/kv/a")).index
    readers: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
    for request in (GET, f"GET /v1/kv/a?index={index}&wait=5m HTTP/1.1\r\nHost: x\r\n\r\n".encode()):
        reader, writer = await asyncio.open_connection("127.0.0.1", live.port)
        writer.write(request)
        readers.append((reader, writer))
    await readers[0][0].readline()
    async with asyncio.timeout(30):
        await live.http.stop()
        for reader, writer in readers:
            with contextlib.suppress(ConnectionResetError):
                await reader.read()
            writer.close()
    await eventually(lambda: live.http.connections == 0, what="no connection is left")
