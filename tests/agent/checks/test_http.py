"""HTTP checks against a real server."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import gc
import gzip
import ssl
import zlib
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from lictor_agent.checks import http_exchange
from lictor_agent.checks.tls import CheckTls
from lictor_config.definitions import CheckDefinition
from lictor_core.records import CRITICAL, PASSING, WARNING
from tests.agent.checks.asking import asked, self_signed, speaking
from tests.support.conditions import eventually
from tests.support.ports import free_port

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def _serving(handler: Handler, tls: ssl.SSLContext | None = None) -> AsyncGenerator[str]:
    runner = web.ServerRunner(web.Server(handler), shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
    await site.start()
    try:
        yield f"{'http' if tls is None else 'https'}://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def test_the_status_of_the_answer_is_the_status_of_the_check() -> None:
    async def answer(request: web.BaseRequest) -> web.Response:
        return web.Response(status=int(request.path[1:]), text="body")

    async with _serving(answer) as url:
        found = {code: await asked(CheckDefinition(http=f"{url}/{code}")) for code in (200, 201, 429, 404, 500)}
        assert {code: result.status for code, result in found.items()} == {
            200: PASSING,
            201: PASSING,
            429: WARNING,
            404: CRITICAL,
            500: CRITICAL,
        }
        assert found[429].output == f"HTTP GET {url}/429: 429 Too Many Requests Output: body"


async def test_method_headers_and_body_are_sent_as_defined() -> None:
    seen: list[tuple[str, list[str], str, str, bytes]] = []

    async def answer(request: web.BaseRequest) -> web.Response:
        headers = request.headers
        values = headers.getall("X-A")
        seen.append((request.method, values, headers["Host"], headers["User-Agent"], await request.read()))
        return web.Response()

    async with _serving(answer) as url:
        definition = CheckDefinition(
            http=url, method="put", body="{}", header={"X-A": ("1", "2"), "Host": ("example.com",)}
        )
        result = await asked(definition)
    assert result.output.startswith(f"HTTP PUT {url}: 200 OK")
    assert seen == [("PUT", ["1", "2"], "example.com", "Consul Health Check", b"{}")]


async def test_redirects_are_followed_but_not_for_ever() -> None:
    async def answer(request: web.BaseRequest) -> web.Response:
        to = {"/once": "/end", "/loop": "/loop"}.get(request.path)
        return web.Response(status=302, headers={"Location": to}) if to else web.Response(status=204)

    async with _serving(answer) as url:
        assert (await asked(CheckDefinition(http=f"{url}/once"))).status == PASSING
        endless = await asked(CheckDefinition(http=f"{url}/loop"))
    assert (endless.status, endless.output.endswith("stopped after 10 redirects")) == (CRITICAL, True)


async def test_a_large_body_keeps_its_end() -> None:
    async def answer(request: web.BaseRequest) -> web.Response:
        return web.Response(text="a" * 100_000 + "end")

    async with _serving(answer) as url:
        result = await asked(CheckDefinition(http=url), 10)
    assert result.output == f"HTTP GET {url}: 200 OK Output: aaaaaaaend"


async def test_a_compressed_body_is_shown_as_it_was() -> None:
    async def answer(request: web.BaseRequest) -> web.Response:
        assert request.headers["Accept-Encoding"] == "gzip"
        response = web.Response(text="read me")
        response.enable_compression(web.ContentCoding.gzip)
        return response

    async with _serving(answer) as url:
        assert (await asked(CheckDefinition(http=url))).output == f"HTTP GET {url}: 200 OK Output: read me"


async def test_no_more_of_a_body_is_read_than_its_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_exchange, "BODY_BYTES_MAX", 100_000)
    sent = 0

    async def stream(request: web.BaseRequest) -> web.StreamResponse:
        nonlocal sent
        response = web.StreamResponse()
        await response.prepare(request)
        with contextlib.suppress(OSError):
            while sent < 500_000_000:
                await response.write(b"x" * 10_000)
                sent += 10_000
        return response

    async with _serving(stream) as url:
        assert (await asked(CheckDefinition(http=url, timeout_s=60))).status == PASSING
    assert sent < 500_000_000


async def test_a_small_compressed_body_that_is_huge_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_exchange, "BODY_BYTES_MAX", 1_000_000)
    packed = gzip.compress(b"a" * 100_000_000)
    unpacked = 0
    unpack = zlib.decompressobj

    class Counting:
        def __init__(self, window: int) -> None:
            self._real = unpack(window)

        def __getattr__(self, name: str) -> object:
            return getattr(self._real, name)

        def decompress(self, data: bytes, size_max: int) -> bytes:
            nonlocal unpacked
            found = self._real.decompress(data, size_max)
            unpacked += len(found)
            return found

    monkeypatch.setattr(zlib, "decompressobj", Counting)

    async def answer(request: web.BaseRequest) -> web.Response:
        return web.Response(body=packed, headers={"Content-Encoding": "gzip"})

    async with _serving(answer) as url:
        result = await asked(CheckDefinition(http=url), 10)
    assert (result.status, result.output) == (PASSING, f"HTTP GET {url}: 200 OK Output: aaaaaaaaaa")
    assert 0 < unpacked < 2_000_000


async def test_endless_headers_are_critical() -> None:
    async def endless(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            writer.write(b"HTTP/1.1 200 OK\r\n")
            while True:
                writer.write(b"X-More: and more\r\n" * 1000)
                await writer.drain()

    async with speaking(endless) as address:
        result = await asked(CheckDefinition(http=f"http://{address}/"))
    assert (result.status, "headers exceeded" in result.output) == (CRITICAL, True)


async def test_an_interim_answer_is_not_the_answer() -> None:
    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n")
        writer.write(b"HTTP/1.1 500 Broken\r\nContent-Length: 1\r\n\r\nx")
        await writer.drain()
        writer.close()

    async with speaking(answer) as address:
        url = f"http://{address}/"
        result = await asked(CheckDefinition(http=url))
    assert (result.status, result.output) == (CRITICAL, f"HTTP GET {url}: 500 Broken Output: x")


async def test_the_answer_to_head_has_no_body_to_wait_for() -> None:
    async def answer(request: web.BaseRequest) -> web.Response:
        return web.Response(text="long")

    async with _serving(answer) as url:
        result = await asked(CheckDefinition(http=url, method="HEAD", timeout_s=30))
    assert (result.status, result.output) == (PASSING, f"HTTP HEAD {url}: 200 OK Output: ")


async def test_ipv6_is_asked() -> None:
    async with speaking(_ok, host="::1") as address:
        url = f"http://{address}/"
        assert (await asked(CheckDefinition(http=url))).output == f"HTTP GET {url}: 200 OK Output: "


async def _hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


async def _ok(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    writer.close()


async def test_redirects_are_answers_where_they_are_disabled() -> None:
    async def answer(request: web.BaseRequest) -> web.Response:
        return web.Response(status=302, headers={"Location": "/x"})

    async with _serving(answer) as url:
        result = await asked(CheckDefinition(http=url, disable_redirects=True))
    assert (result.status, result.output) == (CRITICAL, f"HTTP GET {url}: 302 Found Output: ")


async def test_a_proxy_of_the_environment_is_asked_for_what_is_not_this_machine() -> None:
    asked_for: list[bytes] = []

    async def proxy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked_for.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 207 Proxied\r\nContent-Length: 2\r\n\r\nhi")
        writer.close()

    async with speaking(proxy) as address:
        here = address
        environment = {"HTTP_PROXY": f"http://u:p@{here}", "https_proxy": here}
        plain = await asked(CheckDefinition(http="http://192.0.2.7/x?y"), environment=environment)
        assert plain.output == "HTTP GET http://192.0.2.7/x?y: 207 Proxied Output: hi"
        refused = await asked(CheckDefinition(http="https://192.0.2.7/"), environment=environment)
        assert refused.output == 'Get "https://192.0.2.7/": Proxied'
        closed = f"http://127.0.0.1:{free_port()}/"
        assert "refused" in (await asked(CheckDefinition(http=closed), environment=environment)).output
    assert asked_for[0].startswith(b"GET http://192.0.2.7/x?y HTTP/1.1\r\nHost: 192.0.2.7\r\n")
    assert b"\r\nProxy-Authorization: Basic dTpw\r\n" in asked_for[0]
    assert asked_for[1].startswith(b"CONNECT 192.0.2.7:443 HTTP/1.1\r\nHost: 192.0.2.7:443\r\n")


async def test_https_goes_through_a_proxy_by_a_tunnel(tmp_path: Path) -> None:
    async def answer(request: web.BaseRequest) -> web.Response:
        return web.Response(text=request.headers["Host"])

    tls = self_signed(tmp_path)
    async with _serving(answer, tls.context) as url:
        port = int(url.rpartition(":")[2])

        async def proxy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 Connected\r\n\r\n")
            there = await asyncio.open_connection("127.0.0.1", port)
            async with asyncio.TaskGroup() as group:
                group.create_task(_pass_on(reader, there[1]))
                group.create_task(_pass_on(there[0], writer))

        async with speaking(proxy) as address:
            environment = {"HTTPS_PROXY": f"http://{address}"}
            definition = CheckDefinition(http="https://web.example/")
            result = await asked(definition, environment=environment, material=CheckTls(ca_file=tls.file))
    assert result.output == "HTTP GET https://web.example/: 200 OK Output: web.example"


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        with contextlib.suppress(OSError):
            while data := await reader.read(65_536):
                writer.write(data)
    finally:
        writer.close()


async def test_the_agents_own_authority_is_believed_where_it_is_to_be_used(tmp_path: Path) -> None:
    async def answer(request: web.BaseRequest) -> web.Response:
        return web.Response()

    tls = self_signed(tmp_path)
    material = CheckTls(ca_file=tls.file)
    async with _serving(answer, tls.context) as url:
        assert (await asked(CheckDefinition(http=url), material=material)).status == PASSING
        named = await asked(CheckDefinition(http=url, tls_server_name="web.example"), material=material)
        assert named.status == PASSING
        wrong = await asked(CheckDefinition(http=url, tls_server_name="other.example"), material=material)
    assert wrong.output == f'Get "{url}": x509: certificate is not valid for other.example'


async def test_tls_to_what_speaks_plain_http_is_critical() -> None:
    async def answer(request: web.BaseRequest) -> web.Response:
        return web.Response()

    async with _serving(answer) as url:
        https = url.replace("http:", "https:")
        result = await asked(CheckDefinition(http=https, tls_skip_verify=True))
    assert result.output == f'Get "{https}": http: server gave HTTP response to HTTPS client'


async def test_no_answer_in_time_is_critical() -> None:
    async def answer(request: web.BaseRequest) -> web.Response:
        await asyncio.sleep(60)
        return web.Response()

    async with _serving(answer) as url:
        result = await asked(CheckDefinition(http=url, timeout_s=0.1))
    expected = f'Get "{url}": context deadline exceeded (Client.Timeout exceeded while awaiting headers)'
    assert (result.status, result.output) == (CRITICAL, expected)


@pytest.mark.parametrize(("code", "expected"), [(200, PASSING), (429, WARNING), (503, CRITICAL)])
async def test_a_body_that_never_ends_leaves_the_judgement_to_the_status(code: int, expected: str) -> None:
    async def stream(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse(status=code)
        await response.prepare(request)
        await response.write(b"an event")
        await asyncio.sleep(60)
        return response

    async with _serving(stream) as url:
        result = await asked(CheckDefinition(http=url, timeout_s=0.3))
        assert result.status == expected
        assert result.output.endswith("Output: an event")


async def test_the_password_of_a_url_is_sent_but_not_shown() -> None:
    sent: list[str | None] = []

    async def answer(request: web.BaseRequest) -> web.Response:
        sent.append(request.headers.get("Authorization"))
        return web.Response()

    async with _serving(answer) as url:
        found = await asked(CheckDefinition(http=url.replace("//", "//judge:rods:axes@")))
    closed = await asked(CheckDefinition(http=f"http://judge:rods@127.0.0.1:{free_port()}/a:b@c"))
    assert sent == ["Basic " + base64.b64encode(b"judge:rods:axes").decode()]
    assert "//judge:***@127.0.0.1" in found.output
    assert "//judge:***@127.0.0.1" in closed.output
    assert "rods" not in found.output + closed.output
    assert "/a:b@c" in closed.output


async def test_a_body_that_breaks_off_leaves_the_judgement_to_the_status() -> None:
    async def broken(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "1000"})
        await response.prepare(request)
        await response.write(b"begun")
        assert request.transport is not None
        request.transport.close()
        return response

    async with _serving(broken) as url:
        result = await asked(CheckDefinition(http=url, timeout_s=5.0))
        assert (result.status, result.output.endswith("Output: begun")) == (PASSING, True)


async def test_what_cannot_be_asked_is_critical_with_its_reason() -> None:
    port = free_port()
    for url, reason in {
        f"http://127.0.0.1:{port}/": f"dial tcp 127.0.0.1:{port}: connect: connection refused",
        "ftp://127.0.0.1/": 'unsupported protocol scheme "ftp"',
        "http://nowhere.invalid/": "dial tcp: lookup nowhere.invalid: no such host",
    }.items():
        result = await asked(CheckDefinition(http=url, method="POST", timeout_s=5.0))
        assert (result.status, result.output) == (CRITICAL, f'Post "{url}": {reason}')


async def test_a_connection_closed_without_an_answer_is_critical() -> None:
    async with speaking(_hang_up) as address:
        url = f"http://{address}/"
        result = await asked(CheckDefinition(http=url))
    assert result.status == CRITICAL
    reset = f'Get "{url}": read tcp {url[7:-1]}: read: connection reset by peer'
    assert result.output in (f'Get "{url}": EOF', reset)


async def test_a_certificate_is_verified_unless_that_is_skipped(tmp_path: Path) -> None:
    async def answer(request: web.BaseRequest) -> web.Response:
        return web.Response()

    async with _serving(answer, self_signed(tmp_path).context) as url:
        verified = await asked(CheckDefinition(http=url))
        assert verified.status == CRITICAL
        assert verified.output == f'Get "{url}": x509: certificate signed by unknown authority'
        assert (await asked(CheckDefinition(http=url, tls_skip_verify=True))).status == PASSING


async def test_an_answer_that_is_no_http_is_critical() -> None:
    async def gibberish(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"\x00\xff gibberish\r\n\r\n")
        writer.close()

    async with speaking(gibberish) as address:
        result = await asked(CheckDefinition(http=f"http://{address}/"))
    assert result.status == CRITICAL


async def test_runs_leave_nothing_to_the_garbage_collector() -> None:
    def leftovers() -> list[object]:
        return [one for one in gc.get_objects() if type(one).__module__ == http_exchange.__name__]

    async def talk(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    async with speaking(talk) as address:
        gc.collect()
        gc.disable()
        try:
            for _ in range(5):
                assert (await asked(CheckDefinition(http=f"http://{address}/"))).status == PASSING
            await eventually(lambda: not leftovers(), what="all of the runs is gone")
        finally:
            gc.enable()
