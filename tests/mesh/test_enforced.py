"""What a written intention is said to do, by those who wait for it and by the explanation, is what proxies then do."""

from __future__ import annotations

import contextlib
from urllib.parse import urlencode

import aiohttp
import pytest
from yarl import URL

from tests.mesh.planes import BUILT_IN, ENVOY, Plane
from tests.mesh.stage import Stage, Upstream, greeting
from tests.mesh.test_routing import Web, until
from tests.support.ports import free_port
from tests.support.recorder.json_types import Json, as_list, as_object, at

pytestmark = pytest.mark.slow

GREETING = b"salve\n"
EACH_PLANE = (pytest.param(BUILT_IN, id="built-in"), pytest.param(ENVOY, id="envoy", marks=pytest.mark.needs("envoy")))
PERMISSIONS: tuple[list[Json], ...] = (
    [{"Action": "deny", "HTTP": {"PathPrefix": "/admin"}}, {"Action": "allow", "HTTP": {"PathPrefix": "/"}}],
    [{"Action": "allow", "HTTP": {"Methods": ["GET"], "Header": [{"Name": "x-team", "Exact": "red"}]}}],
    [{"Action": "deny", "HTTP": {"Header": [{"Name": "x-team", "Exact": "red", "Invert": True}]}}],
    [{"Action": "allow", "HTTP": {"PathRegex": "/v[0-9]+/.*"}}, {"Action": "deny", "HTTP": {"PathPrefix": "/"}}],
)
REQUESTS = (
    ("GET", "/x", ()),
    ("GET", "/x", ("red",)),
    ("PUT", "/x", ("red",)),
    ("GET", "/admin/x", ()),
    ("GET", "/v1/../%61dmin", ()),
    ("GET", "/v1/y", ("red", "blue")),
)


async def written(stage: Stage, source: str, destination: str, body: Json) -> list[Json]:
    """Write the intention, and wait; the proxies that judge by it, which are all of them."""
    query = urlencode({"source": source, "destination": destination, "wait-enforced": "60s"})
    found = as_object(await stage.ask("PUT", f"/v1/connect/intentions/exact?{query}", body))
    assert found["Complete"] is True, found
    return [at(one, "ProxyID") for one in as_list(found["Enforced"])]


@pytest.mark.parametrize("plane", EACH_PLANE)
async def test_what_all_proxies_run_holds_for_the_next_connection(stage: Stage, plane: Plane) -> None:
    db, web = stage.name("db"), stage.name("web")
    async with contextlib.AsyncExitStack() as stack:
        application = await stack.enter_async_context(stage.application(GREETING))
        far = await stage.register(db, application.port)
        upstream = Upstream(db)
        near = await stage.register(web, free_port(), upstream)
        for instance in (far, near):
            await stack.enter_async_context(plane.beside(stage, instance))
        await written(stage, web, db, {"Action": "allow"})
        for _ in range(3):
            for action, answer in (("allow", GREETING), ("deny", b"")):
                assert await written(stage, web, db, {"Action": action}) == [far.sidecar_id]
                # Envoy acknowledges before its workers know, so that an allowance may take a moment more.
                if action == "deny" or plane is BUILT_IN:
                    assert await greeting(upstream.port) == answer


@pytest.mark.needs("envoy")
async def test_requests_get_what_the_explanation_says_and_a_denial_names_its_rule(stage: Stage) -> None:
    api, web = stage.name("api"), stage.name("web")
    async with contextlib.AsyncExitStack() as stack:
        application = await stack.enter_async_context(Web(api).running())
        await stage.write("service-defaults", api, Protocol="http")
        far = await stage.register(api, application.port, config={"protocol": "http"})
        upstream = Upstream(api)
        near = await stage.register(web, free_port(), upstream)
        for instance in (far, near):
            await stack.enter_async_context(ENVOY.beside(stage, instance))
        await until(lambda one: one[0] == 200, upstream.port)
        session = await stack.enter_async_context(aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)))
        for permissions in PERMISSIONS:
            await written(stage, web, api, {"Permissions": permissions})
            for method, path, teams in REQUESTS:
                asked = [("source", web), ("destination", api), ("method", method), ("path", path)]
                asked += [("header", f"x-team:{team}") for team in teams]
                told = as_object(await stage.ask("GET", f"/v1/internal/intentions/explain?{urlencode(asked)}"))
                headers = [("x-team", team) for team in teams]
                url = URL(f"http://127.0.0.1:{upstream.port}{path}", encoded=True)
                async with session.request(method, url, headers=headers) as answer:
                    what = (permissions, method, path, teams)
                    assert (answer.status == 200) is told["Allowed"], what
                    if not told["Allowed"]:
                        assert (answer.status, answer.headers["x-lictor-deny-reason"]) == (403, told["Summary"]), what
