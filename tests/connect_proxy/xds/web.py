"""An application that speaks HTTP, and clients of the mesh that do: for tests of what routes mean."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncGenerator, Mapping
from typing import NamedTuple, cast

import aiohttp
import msgspec
import yarl
from aiohttp import web

from lictor_connect_proxy.snapshot import Endpoint, Policy, ProxySnapshot, PublicListener, UpstreamListener
from lictor_core.entries.chains import Chain
from lictor_core.intentions import Rule
from tests.connect_proxy.authority import Authority
from tests.connect_proxy.build import policy
from tests.support.ports import free_port
from tests.support.serving import serving

__all__ = ["Answer", "Site", "asked", "caller", "served"]


class Answer(NamedTuple):
    """What came back; `seen` is what the application saw of the request, if it did."""

    status: int
    headers: Mapping[str, str]
    seen: dict[str, object]

    def seen_header(self, name: str) -> str:
        """A header that the application saw; empty when it saw none."""
        return str(cast("dict[str, object]", self.seen.get("headers", {})).get(name, ""))


class Site:
    """Tells in JSON what it was asked, under its name. `/status/<n>` answers so; `failures` come first."""

    def __init__(self, name: str = "site") -> None:
        self.name = name
        self.port = free_port()
        self.asked = 0
        self.failures = 0
        self.delay_s = 0.0

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncGenerator[Site]:
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", self._answer)
        async with serving(application, self.port):
            yield self

    async def _answer(self, request: web.Request) -> web.Response:
        self.asked += 1
        if self.delay_s:
            await asyncio.sleep(self.delay_s)
        status = 200
        if self.failures:
            self.failures -= 1
            status = 503
        headers = {key.lower(): value for key, value in request.headers.items()}
        seen = {"name": self.name, "path": request.raw_path, "headers": headers}
        return web.json_response(seen, status=status)


def served(
    authority: Authority, site: Site, *rules: Rule, service: str = "db", default_allow: bool = False
) -> ProxySnapshot:
    """A service of http in front of `site`."""
    return ProxySnapshot(
        service=service,
        leaf=authority.leaf(service),
        roots=authority.roots(),
        policy=Policy(rules=tuple(rules)),
        default_allow=default_allow,
        public=PublicListener(
            bind_address="127.0.0.1",
            bind_port=free_port(),
            application_host="127.0.0.1",
            application_port=site.port,
            protocol="http",
        ),
    )


def caller(
    authority: Authority, chain: Chain, ports: Mapping[str, tuple[int, ...]], *, service: str = "web"
) -> ProxySnapshot:
    """A service with an upstream by `chain`, whose targets listen on `ports` of 127.0.0.1."""
    upstream = UpstreamListener(service=chain.service_name, bind_port=free_port(), connect_timeout_s=5.0)
    instances = {
        id: tuple(Endpoint("127.0.0.1", port, f"node/{port}") for port in ports.get(id.partition(".default.")[0], ()))
        for id in chain.targets
    }
    return ProxySnapshot(
        service=service,
        leaf=authority.leaf(service),
        roots=authority.roots(),
        policy=policy(),
        default_allow=True,
        upstreams=(upstream,),
        chains={upstream.key: chain},
        instances=instances,
    )


async def asked(
    session: aiohttp.ClientSession,
    port: int,
    path: str = "/",
    *,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    tls: ssl.SSLContext | None = None,
) -> Answer:
    """One request to 127.0.0.1, over TLS with a context. The path goes as it is written."""
    url = yarl.URL(f"{'https' if tls else 'http'}://127.0.0.1:{port}{path}", encoded=True)
    async with session.request(method, url, headers=headers, ssl=tls or True) as answer:
        body = await answer.read()
        try:
            seen = msgspec.json.decode(body, type=dict[str, object])
        except msgspec.MsgspecError:
            seen = dict[str, object](text=body.decode(errors="replace"))
        return Answer(answer.status, {key.lower(): value for key, value in answer.headers.items()}, seen)
