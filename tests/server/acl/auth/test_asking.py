"""Asking those who vouch: what they answer is bounded, and they send nobody on."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import web

from lictor_core.errors import AclRefusedError, PeerError
from lictor_server.acl.auth import asking
from lictor_server.acl.auth.asking import Asker, trusting
from tests.support.ports import free_port
from tests.support.serving import serving


async def _large(request: web.Request) -> web.Response:
    return web.Response(body=b'{"a":"' + b"x" * 5000 + b'"}')


async def _elsewhere(request: web.Request) -> web.Response:
    raise web.HTTPFound("/large")


async def _late(request: web.Request) -> web.Response:
    await asyncio.Event().wait()
    return web.Response()


async def _list(request: web.Request) -> web.Response:
    return web.json_response([1])


def application() -> web.Application:
    made = web.Application()
    for path, handler in (("/large", _large), ("/elsewhere", _elsewhere), ("/late", _late), ("/list", _list)):
        made.router.add_get(path, handler)
    return made


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("large", "the answer has more than 4000 bytes"),
        ("elsewhere", "the answer has status 302"),
        ("late", "TimeoutError"),
        ("list", "invalid JSON"),
    ],
)
async def test_answers_that_are_none_are_told(path: str, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "ANSWER_BYTES_MAX", 4000)
    monkeypatch.setattr(asking, "ANSWER_S_MAX", 0.5)
    port = free_port()
    async with serving(application(), port, handler_cancellation=True):
        with pytest.raises(PeerError) as caught:
            await Asker(trusting("", "")).get(f"http://user:secret@127.0.0.1:{port}/{path}?key=secret")
    assert str(caught.value).startswith(f"GET http://127.0.0.1:{port}/{path}: ")
    assert message in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_text_without_certificates_is_refused() -> None:
    with pytest.raises(AclRefusedError, match=r"^Invalid Auth Method: so it is$"):
        trusting("zz", "so it is")
