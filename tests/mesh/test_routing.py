"""What configuration entries make of connections and requests, by proxies of ours: where they go, and what stops them.

The built-in proxy decides for each connection, Envoy for each request where the protocol is one of requests. What needs
requests, the built-in proxy refuses to serve: nobody is let through by half a rule.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

import aiohttp
import pytest
from aiohttp import web

from tests.connect_proxy.live import connected
from tests.mesh.planes import BUILT_IN, ENVOY, Plane
from tests.mesh.stage import Instance, Stage, Upstream, greeting
from tests.support.ports import free_port
from tests.support.recorder.json_types import Json
from tests.support.serving import serving

pytestmark = pytest.mark.slow

_SETTLES_S: Final = 30.0
_SHARES: Final = 3000
"""Connections, or requests, that are shared out: 2 % are then 3.6 standard deviations of a share of 10 %."""


def _planes(*planes: Plane) -> Iterable[object]:
    for plane in planes:
        marks = [pytest.mark.needs("envoy")] if plane is ENVOY else []
        yield pytest.param(plane, id=plane.name, marks=marks)


each_plane = pytest.mark.parametrize("plane", tuple(_planes(BUILT_IN, ENVOY)))
with_envoy = pytest.mark.needs("envoy")


@dataclass
class Web:
    """An HTTP application that says its name. The answers of `first` come before all others."""

    name: str
    port: int = field(default_factory=free_port)
    first: list[int] = field(default_factory=list[int])
    requests: list[web.Request] = field(default_factory=list[web.Request])
    waits_s: float = 0.0

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncGenerator[Web]:
        """It answers while the block runs."""
        application = web.Application()
        application.add_routes([web.route("*", "/{path:.*}", self._answer)])
        async with serving(application, self.port):
            yield self

    async def _answer(self, request: web.Request) -> web.Response:
        self.requests.append(request)
        if self.waits_s:
            await asyncio.sleep(self.waits_s)
        return web.Response(text=self.name, status=self.first.pop(0) if self.first else 200)


@dataclass
class Scene:
    """A client's proxy, and services behind proxies of the same kind."""

    stage: Stage
    plane: Plane
    stack: contextlib.AsyncExitStack

    async def service(self, name: str, *, id: str = "", http: bool = True, **meta: Json) -> tuple[Instance, Web]:
        """Another instance of a service in the mesh."""
        application = await self.stack.enter_async_context(Web(id or name).running())
        config: dict[str, Json] = {}
        if http:
            # Without `enable_central_service_config` a proxy does not hear of its own service's entry, as in Consul.
            config["protocol"] = "http"
            await self.stage.write("service-defaults", name, Protocol="http")
        instance = await self.stage.register(name, application.port, id=id, meta=meta, config=config)
        await self.stack.enter_async_context(self.plane.beside(self.stage, instance))
        return instance, application

    async def client(self, service: str, **config: Json) -> int:
        """The local port of a client's proxy that leads to a service."""
        upstream = Upstream(service, more={"Config": config})
        instance = await self.stage.register(self.stage.name("web"), free_port(), upstream)
        await self.stack.enter_async_context(self.plane.beside(self.stage, instance))
        return upstream.port


@contextlib.asynccontextmanager
async def scene(stage: Stage, plane: Plane) -> AsyncGenerator[Scene]:
    """Nothing yet."""
    async with contextlib.AsyncExitStack() as stack:
        yield Scene(stage, plane, stack)


async def fetched(port: int, path: str = "/", **options: object) -> tuple[int, str]:
    """Status and text of one request on a connection of its own; 0 where none was answered."""
    method = str(options.pop("method", "GET"))
    with contextlib.suppress(aiohttp.ClientError, ConnectionError):
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)) as session,
            session.request(method, f"http://127.0.0.1:{port}{path}", **options) as answer,  # type: ignore[arg-type]
        ):
            return answer.status, await answer.text()
    return 0, ""


async def until(expected: Callable[[tuple[int, str]], bool], port: int, path: str = "/", **options: object) -> None:
    """Wait for an answer that is as expected, twice in a row."""
    found: list[tuple[int, str]] = []
    try:
        async with asyncio.timeout(_SETTLES_S):
            while len(found) < 2 or not all(map(expected, found[-2:])):
                found.append(await fetched(port, path, **options))
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise AssertionError(f"the last answers were {found[-5:]}") from None


def says(name: str) -> Callable[[tuple[int, str]], bool]:
    """Whether an answer is of that application."""
    return lambda answer: answer == (200, name)


def fails(answer: tuple[int, str]) -> bool:
    """Whether nobody answered: the built-in proxy closes the connection, Envoy answers for itself."""
    return answer[0] in (0, 503)


@each_plane
async def test_another_service_serves_while_none_of_the_first_is_healthy(stage: Stage, plane: Plane) -> None:
    db, backup = stage.name("db"), stage.name("backup")
    async with scene(stage, plane) as on:
        first, _ = await on.service(db)
        second, _ = await on.service(backup)
        await stage.write("service-resolver", db, Failover={"*": {"Service": backup}})
        port = await on.client(db)
        await until(says(db), port)
        await stage.fail(first)
        await until(says(backup), port)
        await stage.fail(second)
        await until(fails, port)
        await stage.recover(first)
        await until(says(db), port)


@each_plane
async def test_shares_of_a_splitter_are_kept_within_two_percent(stage: Stage, plane: Plane) -> None:
    db, canary = stage.name("db"), stage.name("canary")
    async with scene(stage, plane) as on:
        await on.service(db)
        await on.service(canary)
        splits: list[Json] = [{"Weight": 90, "Service": db}, {"Weight": 10, "Service": canary}]
        await stage.write("service-splitter", db, Splits=splits)
        port = await on.client(db)
        await until(lambda answer: answer[0] == 200, port)
        found: Counter[str] = Counter()

        async def take(count: int) -> None:
            for _ in range(count):
                found[(await fetched(port))[1]] += 1

        await asyncio.gather(*(take(_SHARES // 6) for _ in range(6)))
        assert set(found) == {db, canary}
        assert abs(found[canary] / _SHARES - 0.10) < 0.02, found


@each_plane
async def test_a_subset_is_of_the_instances_that_match_and_a_redirect_leads_to_it(stage: Stage, plane: Plane) -> None:
    db, alias = stage.name("db"), stage.name("alias")
    async with scene(stage, plane) as on:
        await on.service(db, id=f"{db}-1", version="1")
        await on.service(db, id=f"{db}-2", version="2")
        subsets: Json = {"v1": {"Filter": "Service.Meta.version == 1"}, "v2": {"Filter": "Service.Meta.version == 2"}}
        await stage.write("service-resolver", db, DefaultSubset="v1", Subsets=subsets)
        await stage.write("service-defaults", alias, Protocol="http")
        await stage.write("service-resolver", alias, Redirect={"Service": db, "ServiceSubset": "v2"})
        plain, redirected = await on.client(db), await on.client(alias)
        await until(says(f"{db}-1"), plain)
        await until(says(f"{db}-2"), redirected)
        assert {await fetched(plain) for _ in range(10)} == {(200, f"{db}-1")}
        assert {await fetched(redirected) for _ in range(10)} == {(200, f"{db}-2")}


@each_plane
async def test_one_connection_more_than_the_limit_is_refused(stage: Stage, plane: Plane) -> None:
    db = stage.name("db")
    upstream = Upstream(db, more={"Config": {"limits": {"max_connections": 1}}})
    async with stage.application(b"here") as application:
        server = await stage.register(db, application.port)
        client = await stage.register(stage.name("web"), free_port(), upstream)
        async with plane.beside(stage, server), plane.beside(stage, client):
            async with _held(upstream.port, b"here"):
                assert await greeting(upstream.port) == b""
            async with _held(upstream.port, b"here"):
                pass


@contextlib.asynccontextmanager
async def _held(port: int, expected: bytes) -> AsyncGenerator[None]:
    """A connection that greeted as expected, while the block runs: one before it may still be counted."""
    async with asyncio.timeout(_SETTLES_S), contextlib.AsyncExitStack() as stack:
        heard = b""
        while heard != expected:
            await stack.aclose()
            with contextlib.suppress(OSError):
                reader, _ = await stack.enter_async_context(connected(port))
                heard = await reader.read(len(expected))
        yield


@each_plane
async def test_an_instance_that_cannot_be_reached_is_left_out(stage: Stage, plane: Plane) -> None:
    db = stage.name("db")
    async with scene(stage, plane) as on:
        await on.service(db, http=False)
        # Nobody listens there, and nobody has noticed.
        await stage.register(db, free_port(), id=f"{db}-gone")
        port = await on.client(db, passive_health_check={"interval": "1s", "max_failures": 1})
        await until(says(db), port)
        async with asyncio.timeout(_SETTLES_S):
            while {await fetched(port) for _ in range(10)} != {(200, db)}:
                pass


@with_envoy
async def test_requests_are_tried_again_and_given_up_in_time(stage: Stage) -> None:
    db = stage.name("db")
    async with scene(stage, ENVOY) as on:
        _, application = await on.service(db)
        patient: Json = {"NumRetries": 3, "RetryOnStatusCodes": [503]}
        routes: list[Json] = [
            {"Match": {"HTTP": {"PathPrefix": "/again"}}, "Destination": patient},
            {"Match": {"HTTP": {"PathPrefix": "/slow"}}, "Destination": {"RequestTimeout": "300ms"}},
        ]
        await stage.write("service-router", db, Routes=routes)
        port = await on.client(db)
        await until(says(db), port)
        application.first = [503, 503]
        await until(says(db), port, "/again")
        application.waits_s = 5.0
        assert (await fetched(port, "/slow"))[0] == 504


@with_envoy
async def test_requests_are_routed_by_what_stands_in_them(stage: Stage) -> None:
    db, admin, beta = stage.name("db"), stage.name("admin"), stage.name("beta")
    async with scene(stage, ENVOY) as on:
        await on.service(db)
        _, admins = await on.service(admin)
        await on.service(beta)
        headers: Json = [{"Name": "x-beta", "Exact": "yes"}]
        rewritten: Json = {"Service": admin, "PrefixRewrite": "/", "RequestHeaders": {"Set": {"x-from": "mesh"}}}
        routes: list[Json] = [
            {"Match": {"HTTP": {"PathPrefix": "/admin/", "Methods": ["GET"]}}, "Destination": rewritten},
            {"Match": {"HTTP": {"Header": headers}}, "Destination": {"Service": beta}},
            {"Match": {"HTTP": {"PathExact": "/teapot"}}, "Destination": {"Fault": {"Abort": {"Status": 418}}}},
        ]
        await stage.write("service-router", db, Routes=routes)
        port = await on.client(db)
        await until(says(db), port)
        await until(says(admin), port, "/admin/users")
        assert (admins.requests[-1].path, admins.requests[-1].headers["x-from"]) == ("/users", "mesh")
        await until(says(db), port, "/admin/users", method="POST")
        await until(says(beta), port, headers={"x-beta": "yes"})
        await until(lambda answer: answer[0] == 418, port, "/teapot")


@with_envoy
async def test_rules_on_requests_decide_and_say_why(stage: Stage) -> None:
    db = stage.name("db")
    async with scene(stage, ENVOY) as on:
        await on.service(db)
        port = await on.client(db)
        await until(says(db), port)
        permissions: Json = [
            {"Action": "deny", "HTTP": {"PathPrefix": "/secret"}},
            {"Action": "allow", "HTTP": {"PathPrefix": "/", "Methods": ["GET"]}},
            {"Action": "deny", "HTTP": {"PathPrefix": "/"}},
        ]
        await stage.write("service-intentions", db, Sources=[{"Name": "*", "Permissions": permissions}])
        await until(lambda answer: answer[0] == 403, port, "/secret/x")
        await until(lambda answer: answer[0] == 403, port, "/", method="POST")
        await until(says(db), port)
        for path in ("/%73ecret/x", "//secret/x", "/a/../secret/x"):
            assert (await fetched(port, path))[0] == 403, path
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"http://127.0.0.1:{port}/secret") as answer,
        ):
            assert db in answer.headers["x-lictor-deny-reason"]


async def test_the_built_in_proxy_does_not_serve_what_needs_requests(stage: Stage) -> None:
    db = stage.name("db")
    async with scene(stage, BUILT_IN) as on:
        await on.service(db)
        await stage.write("service-router", db, Routes=[{"Match": {"HTTP": {"PathPrefix": "/x"}}}])
        port = await on.client(db)
        other = stage.name("plain")
        await on.service(other)
        await until(says(other), await on.client(other))
        assert await fetched(port) == (0, "")
