"""The hot path gives the bytes that aiohttp alone would give, however they arrive, and never an old answer."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lictor_agent.http.encoding import Reuse
from lictor_agent.http.hot import HotConnection, PlainPath, is_sole_get
from lictor_agent.http.hot_answers import HotAnswers, Tick
from lictor_agent.http.plain import Plain
from lictor_agent.http.settings import HttpSettings
from lictor_agent.http.throttle import ClientRates, Throttle
from lictor_core.commands import ReadMode
from lictor_core.metrics import Meter
from lictor_core.queries import KeyQuery
from tests.agent.http.kept_elsewhere import HEAD, OTHER, RENDERED, Confirming, Source
from tests.agent.http.live import Live, live_agent
from tests.server.conftest import made_log
from tests.support.clock import ManualClock

PUT = b"PUT /v1/kv/a HTTP/1.1\r\nHost: x\r\nContent-Length: 36\r\n\r\n" + HEAD


@dataclass
class Delegate:
    """Takes what the hot path does not."""

    data: list[bytes] = field(default_factory=list[bytes])

    def connection_made(self, transport: asyncio.BaseTransport) -> None: ...

    def connection_lost(self, exc: BaseException | None) -> None: ...

    def data_received(self, data: bytes) -> None:
        self.data.append(data)

    def eof_received(self) -> bool | None:
        return None

    def pause_writing(self) -> None: ...

    def resume_writing(self) -> None: ...


class Written(asyncio.Transport):
    def __init__(self) -> None:
        super().__init__({"peername": ("127.0.0.1", 1)})
        self.data = b""
        self.closed = False
        self.aborted = False
        self.holds = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.data += bytes(data)

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed

    def pause_reading(self) -> None:
        self.holds = True

    def resume_reading(self) -> None:
        self.holds = False

    def abort(self) -> None:
        self.aborted = True


class Host:
    def __init__(self, refusal: bytes | None = None) -> None:
        self.refusal = refusal
        self.open = 0
        clock = ManualClock()
        self.throttle = Throttle(ClientRates(), clock, Meter(clock), made_log().logger)
        self.counted = 0

    def limited(self, connection: HotConnection) -> bytes | None:
        self.counted += 1
        return b"too much" if self.counted > 1 else None

    def admit(self, connection: HotConnection) -> bytes | None:
        self.open += self.refusal is None
        return self.refusal

    def release(self, connection: HotConnection) -> None:
        self.open -= 1


@dataclass
class Bench:
    """One connection with everything around it."""

    source: Source = field(default_factory=Source)
    delegate: Delegate = field(default_factory=Delegate)
    tick: Tick = field(default_factory=lambda: Tick(1.0, b"now"))
    host: Host = field(default_factory=Host)
    settings: HttpSettings = field(default_factory=HttpSettings)

    def __post_init__(self) -> None:
        self.answers = HotAnswers(self.source, self.tick, self.settings)
        self.answers.keep(HEAD, Reuse(KeyQuery(key="a"), ReadMode.DEFAULT, 1), RENDERED)
        self.connection = HotConnection(self.answers, self.delegate, self.tick, self.host)
        self.transport = Written()
        self.connection.connection_made(self.transport)


def test_a_known_head_is_answered_without_the_parser() -> None:
    bench = Bench()
    bench.connection.data_received(HEAD)
    assert bench.transport.data == RENDERED.at(b"now")
    assert bench.delegate.data == []
    assert bench.connection.answered_hot == 1


def test_a_kept_answer_is_dated_anew() -> None:
    bench = Bench()
    bench.connection.data_received(HEAD)
    bench.tick.date = b"later"
    bench.connection.data_received(HEAD)
    assert bench.transport.data == RENDERED.at(b"now") + RENDERED.at(b"later")


def test_an_answer_whose_stamp_changed_is_not_given_and_not_kept() -> None:
    bench = Bench()
    bench.source.stamp = 2
    bench.connection.data_received(HEAD)
    assert bench.transport.data == b""
    assert bench.delegate.data == [HEAD]
    assert len(bench.answers) == 0


def test_no_answer_is_given_while_the_registry_could_not_give_it() -> None:
    bench = Bench()
    bench.source.answers = False
    bench.connection.data_received(HEAD)
    assert bench.delegate.data == [HEAD]


def test_nothing_is_written_past_a_reader_that_does_not_read() -> None:
    bench = Bench()
    bench.connection.pause_writing()
    bench.connection.data_received(HEAD)
    assert bench.transport.data == b""
    assert bench.delegate.data == [HEAD]
    bench.connection.started()
    bench.connection.finished()
    bench.connection.resume_writing()
    bench.connection.data_received(HEAD)
    assert bench.transport.data == RENDERED.at(b"now")


def test_while_a_request_is_in_flight_nothing_overtakes_it() -> None:
    bench = Bench()
    bench.connection.data_received(OTHER)
    bench.connection.started()
    bench.connection.data_received(HEAD)
    assert bench.delegate.data == [OTHER, HEAD]
    assert bench.transport.data == b""


def test_a_chunk_that_came_during_a_request_hands_the_connection_over_for_good() -> None:
    bench = Bench()
    bench.connection.data_received(OTHER)
    bench.connection.started()
    bench.connection.data_received(OTHER[:10])
    bench.connection.finished()
    assert bench.connection.is_busy
    bench.connection.data_received(HEAD)
    assert bench.delegate.data == [OTHER, OTHER[:10], HEAD]
    assert bench.transport.data == b""


def test_after_a_lone_request_was_answered_the_connection_is_clean_again() -> None:
    bench = Bench()
    bench.connection.data_received(OTHER)
    bench.connection.started()
    bench.connection.finished()
    bench.connection.data_received(HEAD)
    assert bench.transport.data == RENDERED.at(b"now")


@pytest.mark.parametrize("chunk", [PUT, HEAD[:10], HEAD + HEAD, HEAD + b"x", b"\r\n" + HEAD])
def test_anything_but_one_whole_get_hands_the_connection_over_for_good(chunk: bytes) -> None:
    bench = Bench()
    bench.connection.data_received(chunk)
    bench.connection.started()
    bench.connection.finished()
    bench.connection.data_received(HEAD)
    assert bench.delegate.data == [chunk, HEAD]
    assert bench.transport.data == b""


@given(st.lists(st.sampled_from([HEAD, OTHER, PUT]), min_size=1, max_size=6), st.data())
def test_every_byte_is_answered_hot_or_parsed_in_order(requests: list[bytes], data: st.DataObject) -> None:
    bench = Bench()
    whole = {b"".join(requests[:count]) for count in range(len(requests) + 1)}
    left, done = b"".join(requests), b""
    while left:
        size = data.draw(st.integers(1, len(left)) | st.just(min(len(HEAD), len(left))))
        chunk, left = left[:size], left[size:]
        hot = bench.connection.answered_hot
        bench.connection.data_received(chunk)
        if bench.connection.answered_hot > hot:
            # Only a whole request that stands behind whole requests, all of them answered, is answered here.
            assert chunk == HEAD
            assert done in whole
            assert bench.delegate.data == []
        else:
            assert bench.delegate.data[-1] == chunk
        done += chunk
    assert bench.transport.data == RENDERED.at(b"now") * bench.connection.answered_hot


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (HEAD, True),
        (HEAD + HEAD, False),
        (HEAD[:-2], False),
        (HEAD + b"body", False),
        (HEAD.replace(b"GET", b"PUT"), False),
        (HEAD.replace(b"Host: x", b"content-LENGTH: 1"), False),
        (HEAD.replace(b"Host: x", b"Transfer-Encoding: chunked"), False),
        (HEAD.replace(b"Host: x", b"Expect: 100-continue"), False),
        (HEAD.replace(b"Host: x", b"Upgrade: h2c"), False),
        (b"GET /v1/kv/a HTTP/1.1\nHost: x\n\r\n\r\n", False),
    ],
)
def test_a_sole_get_is_one_whole_head_and_nothing_else(data: bytes, expected: bool) -> None:
    assert is_sole_get(data) is expected


def test_a_connection_over_the_bound_is_told_so_and_closed() -> None:
    bench = Bench(host=Host(b"full"))
    assert bench.transport.data == b"full"
    assert bench.transport.closed
    bench.connection.data_received(OTHER)
    assert bench.delegate.data == []


def test_a_half_read_head_is_overdue_after_its_time() -> None:
    bench = Bench()
    bench.connection.data_received(HEAD[:10])
    assert bench.connection.overdue(bench.settings) is None
    bench.tick.now += bench.settings.head_s_max + 1
    assert bench.connection.overdue(bench.settings) == "head"


def test_a_request_being_answered_is_never_overdue() -> None:
    bench = Bench()
    bench.connection.data_received(OTHER)
    bench.connection.started()
    bench.tick.now += bench.settings.idle_s_max * 10
    assert bench.connection.overdue(bench.settings) is None


def test_a_connection_used_on_the_hot_path_is_not_idle() -> None:
    bench = Bench()
    bench.tick.now += bench.settings.idle_s_max - 1
    bench.connection.data_received(HEAD)
    bench.tick.now += 2
    assert bench.connection.overdue(bench.settings) is None
    bench.tick.now += bench.settings.idle_s_max
    assert bench.connection.overdue(bench.settings) == "idle"


def test_a_client_that_ended_its_side_gets_a_moment_for_its_answer() -> None:
    bench = Bench()
    bench.connection.data_received(OTHER)
    bench.connection.started()
    assert bench.connection.eof_received() is True
    assert bench.connection.overdue(bench.settings) is None
    bench.connection.finished()
    assert bench.transport.closed


def test_a_client_that_ends_an_idle_connection_is_gone() -> None:
    assert not Bench().connection.eof_received()


# Plain requests.

WRITE = b"PUT /v1/kv/a HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nvalue"


class Plainly(Bench):
    """One connection whose plain requests are answered, each when `answer` is called."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.asked: list[Plain] = []
        self.go = asyncio.Semaphore(0)
        self.keeps_alive = True
        path = PlainPath(self._answer)
        self.connection = HotConnection(self.answers, self.delegate, self.tick, self.host, path)
        self.connection.connection_made(self.transport)

    async def _answer(self, connection: HotConnection, plain: Plain) -> None:
        self.asked.append(plain)
        await self.go.acquire()
        await connection.send(b"<%d>" % len(self.asked), keeps_alive=self.keeps_alive)

    async def answer(self) -> None:
        """Let one request be answered."""
        self.go.release()
        await settled()


async def settled() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def test_while_requests_are_counted_a_hot_answer_counts_too() -> None:
    bench = Bench()
    bench.host.throttle.follow(ClientRates(per_client=1))
    for _ in range(2):
        bench.connection.data_received(HEAD)
    assert bench.transport.data.endswith(b"too much")
    assert bench.host.counted == 2


def test_while_tokens_count_no_answer_is_hot() -> None:
    bench = Bench()
    bench.host.throttle.follow(ClientRates(per_token=1))
    bench.connection.data_received(HEAD)
    assert bench.host.counted == 0
    assert bench.connection.answered_hot == 0


async def test_a_plain_request_needs_no_parser_and_leaves_the_connection_clean() -> None:
    bench = Plainly()
    bench.connection.data_received(WRITE)
    assert bench.connection.is_busy
    await bench.answer()
    assert [plain.method for plain in bench.asked] == ["PUT"]
    assert not bench.connection.is_busy
    bench.connection.data_received(HEAD)
    assert bench.transport.data == b"<1>" + RENDERED.at(b"now")
    assert bench.delegate.data == []


class Elsewhere(Plainly):
    """One connection whose answers are the servers' to confirm: the one to `HEAD` is kept."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.confirming = Confirming()
        self.answers = self.confirming.answers()
        path = PlainPath(self._answer)
        self.connection = HotConnection(self.answers, self.delegate, self.tick, self.host, path)
        self.connection.connection_made(self.transport)


async def test_a_confirmed_answer_needs_no_task_and_leaves_the_connection_clean() -> None:
    bench = Elsewhere()
    for _ in range(2):
        bench.connection.data_received(HEAD)
        assert bench.connection.is_busy
        assert bench.connection.task is None
        await settled()
        assert not bench.connection.is_busy
    assert bench.transport.data == RENDERED.at(b"now") * 2
    assert bench.connection.answered_hot == 2
    assert bench.asked == []


async def test_what_comes_while_an_answer_is_confirmed_is_answered_after_it() -> None:
    bench = Elsewhere()
    bench.connection.data_received(HEAD)
    bench.connection.data_received(WRITE)
    await settled()
    assert bench.transport.data == RENDERED.at(b"now")
    await bench.answer()
    assert bench.transport.data == RENDERED.at(b"now") + b"<1>"


async def test_a_request_whose_answer_does_not_hold_any_more_is_answered_anew() -> None:
    bench = Elsewhere()
    bench.confirming.stamp = 2
    bench.connection.data_received(HEAD)
    await settled()
    assert [one.raw_path for one in bench.asked] == ["/v1/kv/a"]
    await bench.answer()
    assert bench.transport.data == b"<1>"
    assert not bench.connection.is_busy


async def test_a_client_that_goes_while_its_answer_is_confirmed_harms_nobody() -> None:
    bench = Elsewhere()
    bench.connection.data_received(HEAD)
    bench.connection.connection_lost(None)
    await settled()
    assert (bench.transport.data, bench.asked) == (b"", [])


async def test_what_is_not_plain_and_cannot_be_confirmed_goes_to_the_parser_with_what_came_behind() -> None:
    bench = Elsewhere()
    odd = HEAD.replace(b"\r\n\r\n", b"\r\nTE: trailers\r\n\r\n")
    bench.answers.keep(odd, Reuse(KeyQuery(key="a"), ReadMode.DEFAULT, 1), RENDERED)
    bench.confirming.stamp = None
    bench.connection.data_received(odd)
    bench.connection.data_received(HEAD)
    await settled()
    assert bench.delegate.data == [odd + HEAD]


async def test_what_comes_during_a_plain_request_is_answered_after_it() -> None:
    bench = Plainly()
    for chunk in (OTHER, WRITE[:-3], WRITE[-3:]):
        bench.connection.data_received(chunk)
    await settled()
    assert len(bench.asked) == 1
    await bench.answer()
    await bench.answer()
    assert [plain.method for plain in bench.asked] == ["GET", "PUT"]
    assert bench.transport.data == b"<1><2>"


async def test_what_comes_behind_and_is_not_plain_goes_to_the_parser_whole() -> None:
    bench = Plainly()
    bench.connection.data_received(OTHER)
    bench.connection.data_received(HEAD[:10])
    await bench.answer()
    bench.connection.data_received(HEAD[10:])
    assert bench.delegate.data == [HEAD[:10], HEAD[10:]]
    assert bench.transport.data == b"<1>"


async def test_a_sender_that_does_not_wait_for_answers_has_to() -> None:
    bench = Plainly()
    bench.connection.data_received(OTHER)
    for _ in range(100):
        bench.connection.data_received(b"x" * 1000)
    assert bench.transport.holds
    await bench.answer()
    assert not bench.transport.holds
    assert bench.delegate.data == [b"x" * 100_000]


async def test_a_body_that_comes_behind_its_head_is_waited_for() -> None:
    bench = Plainly()
    bench.connection.data_received(WRITE[:-3])
    bench.connection.data_received(WRITE[-3:])
    await bench.answer()
    assert bench.transport.data == b"<1>"
    assert bench.delegate.data == []


async def test_a_body_that_takes_its_time_is_left_to_the_parser() -> None:
    bench = Plainly()
    bench.connection.data_received(WRITE[:-3])
    bench.tick.now += 1
    bench.connection.pass_on_late()
    bench.connection.data_received(WRITE[-3:])
    assert bench.delegate.data == [WRITE[:-3], WRITE[-3:]]
    assert bench.connection.overdue(bench.settings) is None


async def test_a_client_that_ends_within_a_body_is_left_to_the_parser() -> None:
    bench = Plainly()
    bench.connection.data_received(WRITE[:-3])
    bench.connection.eof_received()
    assert bench.delegate.data == [WRITE[:-3]]


async def test_a_client_that_ends_its_side_is_answered_all_it_asked() -> None:
    bench = Plainly()
    bench.connection.data_received(OTHER)
    bench.connection.data_received(WRITE)
    assert bench.connection.eof_received() is True
    await bench.answer()
    await bench.answer()
    assert bench.transport.data == b"<1><2>"
    assert bench.transport.closed


async def test_a_lost_client_ends_the_work_for_it() -> None:
    bench = Plainly()
    bench.connection.data_received(WRITE)
    task = bench.connection.task
    assert task is not None
    bench.connection.connection_lost(None)
    await asyncio.wait([task])
    assert task.cancelled()


async def test_an_answer_that_ends_the_connection_drops_what_came_behind() -> None:
    bench = Plainly()
    bench.keeps_alive = False
    bench.connection.data_received(WRITE)
    bench.connection.data_received(OTHER)
    await bench.answer()
    assert bench.transport.closed
    assert len(bench.asked) == 1
    assert bench.delegate.data == []


async def test_the_next_request_waits_for_a_reader_that_does_not_read() -> None:
    bench = Plainly()
    bench.connection.data_received(WRITE)
    bench.connection.pause_writing()
    bench.connection.data_received(OTHER)
    await bench.answer()
    assert len(bench.asked) == 1
    bench.connection.resume_writing()
    await bench.answer()
    assert len(bench.asked) == 2


# On a real socket, with everything behind it.

CHANGING = re.compile(rb"Date: [^\r]+\r\n")
STREAM = [
    b"GET /v1/kv/a HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /v1/kv/a?raw HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /v1/kv/none HTTP/1.1\r\nHost: x\r\n\r\n",
    b"PUT /v1/kv/other HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc",
    b"GET /v1/status/leader HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\n\r\n",
    b"GET /v1/health/service/consul HTTP/1.1\r\nHost: x\r\n\r\n",
]
END = b"GET /v1/nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


async def converse(port: int, chunks: list[bytes]) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for chunk in chunks:
        writer.write(chunk)
        await writer.drain()
        await asyncio.sleep(0)
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return CHANGING.sub(b"", answer)


async def one_by_one(port: int, requests: list[bytes]) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answers = b""
    for request in requests:
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(re.findall(rb"Content-Length: (\d+)", head)[0])
        answers += head + await reader.readexactly(length)
    writer.close()
    await writer.wait_closed()
    return CHANGING.sub(b"", answers)


async def test_any_chunking_gets_the_same_bytes(live: Live) -> None:
    await live.put("/v1/kv/a", b"value")
    requests = [*STREAM, *STREAM, END]
    stream = b"".join(requests)
    expected = await one_by_one(live.port, requests)
    assert expected.count(b"HTTP/1.1 ") == len(requests)
    # The second round of single requests is answered hot.
    assert await one_by_one(live.port, requests) == expected
    sizes = (1, 2, 3, 7, 31, 64, 100, 333, len(stream))
    for size in sizes:
        chunks = [stream[start : start + size] for start in range(0, len(stream), size)]
        assert await converse(live.port, chunks) == expected, size
    assert await converse(live.port, requests) == expected


WRITES = [
    (b"PUT", b"/v1/kv/a", b"value"),
    (b"PUT", b"/v1/kv/a?flags=42", b"value"),
    (b"PUT", b"/v1/kv/a?flags=-1", b"value"),
    (b"PUT", b"/v1/kv/a?cas=0", b"lost"),
    (b"PUT", b"/v1/kv/b?cas=0&pretty", b"won"),
    (b"PUT", b"/v1/kv/a?cas=0&acquire=x", b""),
    (b"PUT", b"/v1/kv/a?acquire=x", b""),
    (b"PUT", b"/v1/kv/a?release", b""),
    (b"PUT", b"/v1/kv/c?dc=elsewhere", b""),
    (b"PUT", b"/v1/kv/c?dc=dc1&token=secret&ns=", b"c"),
    (b"PUT", b"/v1/kv/c?ns=other", b""),
    (b"PUT", b"/v1/kv/%C3%A4/%2F", b"x"),
    (b"PUT", b"/v1/kv/%zz", b"x"),
    (b"PUT", b"/v1/kv/%ff", b"x"),
    (b"PUT", b"/v1/kv/", b"x"),
    (b"PUT", b"/v1/kv", b"x"),
    (b"PUT", b"/v1/kv//d/../e", b"x"),
    (b"PUT", b"/v1/kv/large", b"x" * 5000),
    (b"GET", b"/v1/kv/a", None),
    (b"GET", b"/v1/kv/a?raw", None),
    (b"GET", b"/v1/kv/?recurse", None),
    (b"GET", b"/v1/kv/?keys&separator=/", None),
    (b"GET", b"/v1/kv/a?stale&consistent", None),
    (b"GET", b"/v1/kv/a?index=1&wait=x", None),
    (b"HEAD", b"/v1/kv/a", None),
    (b"POST", b"/v1/kv/a", b"x"),
    (b"DELETE", b"/v1/kv/a?cas=1", None),
    (b"DELETE", b"/v1/kv/a", None),
    (b"DELETE", b"/v1/kv/?recurse&cas=1", None),
    (b"DELETE", b"/v1/kv/b?recurse", None),
    (b"PUT", b"/v1/agent/service/register", b'{"Name": "web", "Port": 80}'),
    (b"PUT", b"/v1/agent/service/register", b'{"Name": 7}'),
    (b"PUT", b"/v1/agent/check/pass/none", None),
    (b"GET", b"/v1/agent/services?pretty", None),
    (b"GET", b"/v1/nothing", None),
]
NUMBERS = re.compile(rb"(Index|LockIndex)(\W{1,3})\d+")


async def answers(port: int, header: bytes) -> list[bytes]:
    """The answers to `WRITES`, each on a connection of its own, with `header` in each request."""
    found: list[bytes] = []
    for method, target, body in WRITES:
        length = b"" if body is None else b"Content-Length: %d\r\n" % len(body)
        request = b"%s %s HTTP/1.1\r\nHost: x\r\n%s%s\r\n%s" % (method, target, length, header, body or b"")
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        length_told = int(re.findall(rb"Content-Length: (\d+)", head)[0])
        rest = b"" if method == b"HEAD" else await reader.readexactly(length_told)
        found.append(NUMBERS.sub(rb"\1\2N", CHANGING.sub(b"", head + rest)))
        writer.close()
        await writer.wait_closed()
    return found


async def test_plain_requests_get_the_bytes_that_the_full_parser_gives() -> None:
    async with live_agent() as live:
        plainly = await answers(live.port, b"")
    async with live_agent() as live:
        fully = await answers(live.port, b"Trailer: none\r\n")
    for (method, target, _), ours, theirs in zip(WRITES, plainly, fully, strict=True):
        assert ours == theirs, (method, target)


async def test_requests_are_told_in_the_log_whoever_parsed_them(live: Live) -> None:
    await answers(live.port, b"")
    plainly = [(entry["method"], entry["path"], entry["status"]) for entry in live.events("http.request.answered")]
    assert len(plainly) == len(WRITES)


async def test_a_write_is_seen_by_the_next_read_on_the_hot_path(live: Live) -> None:
    for number in range(20):
        value = str(number).encode()
        await live.put("/v1/kv/a", value)
        for _ in range(3):
            assert (await live.get("/v1/kv/a?raw")).body == value
            answer = await live.get("/v1/kv/a")
            assert f'"ModifyIndex":{answer.index}' in answer.text


async def test_the_hot_path_answers_what_was_asked_before(live: Live) -> None:
    await live.put("/v1/kv/a", b"value")
    await one_by_one(live.port, [STREAM[0]] * 5)
    closed = live.events("http.connection.closed")
    while not closed:
        await asyncio.sleep(0.01)
        closed = live.events("http.connection.closed")
    assert closed[0]["answered_hot"] == 4


async def test_a_request_with_a_token_is_never_kept(live: Live) -> None:
    await live.put("/v1/kv/a", b"value")
    head = b"GET /v1/kv/a HTTP/1.1\r\nHost: x\r\nX-Consul-Token: secret\r\n\r\n"
    before = len(live.events("http.request.answered"))
    await one_by_one(live.port, [head] * 3)
    assert len(live.events("http.request.answered")) == before + 3
