"""HTTP checks against a real server."""

from __future__ import annotations

import asyncio
import base64
import datetime
import ipaddress
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from lictor_agent.checks.http import HttpChecker
from lictor_agent.checks.status import Result
from lictor_config.definitions import CheckDefinition
from lictor_core.records import CRITICAL, PASSING, WARNING
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


async def _checked(definition: CheckDefinition, output_bytes_max: int = 4096) -> Result:
    checker = HttpChecker()
    try:
        return await checker.check(definition, output_bytes_max)
    finally:
        await checker.close()


async def test_the_status_of_the_answer_is_the_status_of_the_check() -> None:
    async def answer(request: web.BaseRequest) -> web.Response:
        return web.Response(status=int(request.path[1:]), text="body")

    async with _serving(answer) as url:
        found = {code: await _checked(CheckDefinition(http=f"{url}/{code}")) for code in (200, 201, 429, 404, 500)}
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
        result = await _checked(definition)
    assert result.output.startswith(f"HTTP PUT {url}: 200 OK")
    assert seen == [("PUT", ["1", "2"], "example.com", "Consul Health Check", b"{}")]


async def test_redirects_are_followed_but_not_for_ever() -> None:
    async def answer(request: web.BaseRequest) -> web.Response:
        to = {"/once": "/end", "/loop": "/loop"}.get(request.path)
        return web.Response(status=302, headers={"Location": to}) if to else web.Response(status=204)

    async with _serving(answer) as url:
        assert (await _checked(CheckDefinition(http=f"{url}/once"))).status == PASSING
        endless = await _checked(CheckDefinition(http=f"{url}/loop"))
    assert (endless.status, endless.output.endswith("stopped after 10 redirects")) == (CRITICAL, True)


async def test_a_large_body_keeps_its_end() -> None:
    async def answer(request: web.BaseRequest) -> web.Response:
        return web.Response(text="a" * 100_000 + "end")

    async with _serving(answer) as url:
        result = await _checked(CheckDefinition(http=url), 10)
    assert result.output == f"HTTP GET {url}: 200 OK Output: aaaaaaaend"


async def test_no_answer_in_time_is_critical() -> None:
    async def answer(request: web.BaseRequest) -> web.Response:
        await asyncio.sleep(60)
        return web.Response()

    async with _serving(answer) as url:
        result = await _checked(CheckDefinition(http=url, timeout_s=0.1))
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
        result = await _checked(CheckDefinition(http=url, timeout_s=0.3))
        assert result.status == expected
        assert result.output.endswith("Output: an event")


async def test_the_password_of_a_url_is_sent_but_not_shown() -> None:
    sent: list[str | None] = []

    async def answer(request: web.BaseRequest) -> web.Response:
        sent.append(request.headers.get("Authorization"))
        return web.Response()

    async with _serving(answer) as url:
        found = await _checked(CheckDefinition(http=url.replace("//", "//judge:rods:axes@")))
    closed = await _checked(CheckDefinition(http=f"http://judge:rods@127.0.0.1:{free_port()}/a:b@c"))
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
        result = await _checked(CheckDefinition(http=url, timeout_s=5.0))
        assert (result.status, result.output.endswith("Output: begun")) == (PASSING, True)


async def test_what_cannot_be_asked_is_critical_with_its_reason() -> None:
    port = free_port()
    for url, reason in {
        f"http://127.0.0.1:{port}/": f"dial tcp 127.0.0.1:{port}: connect: connection refused",
        "ftp://127.0.0.1/": 'unsupported protocol scheme "ftp"',
        "http://nowhere.invalid/": "dial tcp: lookup nowhere.invalid: no such host",
    }.items():
        result = await _checked(CheckDefinition(http=url, method="POST", timeout_s=5.0))
        assert (result.status, result.output) == (CRITICAL, f'Post "{url}": {reason}')


async def test_a_connection_closed_without_an_answer_is_critical() -> None:
    async with await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        result = await _checked(CheckDefinition(http=url))
    assert result.status == CRITICAL
    assert result.output in (f'Get "{url}": EOF', f'Get "{url}": Connection reset by peer')


async def test_a_certificate_is_verified_unless_that_is_skipped(tmp_path: Path) -> None:
    async def answer(request: web.BaseRequest) -> web.Response:
        return web.Response()

    async with _serving(answer, _self_signed(tmp_path)) as url:
        verified = await _checked(CheckDefinition(http=url))
        assert verified.status == CRITICAL
        assert "x509" in verified.output
        assert (await _checked(CheckDefinition(http=url, tls_skip_verify=True))).status == PASSING


def _self_signed(directory: Path) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    begin = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, begin, begin.replace(year=2120))
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    certificate = builder.add_extension(names, critical=False).sign(key, hashes.SHA256())
    file = directory / "both.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(private + certificate.public_bytes(Encoding.PEM))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(file)
    return context


async def test_an_answer_that_is_no_http_is_critical() -> None:
    async def gibberish(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"\x00\xff gibberish\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(gibberish, "127.0.0.1", 0) as server:
        result = await _checked(CheckDefinition(http=f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"))
    assert result.status == CRITICAL
