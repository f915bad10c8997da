"""Every route and every method: 405 with `Allow` where Consul has one."""

from __future__ import annotations

import pytest

from lictor_agent.http.routes import ROUTES
from tests.agent.http.live import Live

METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS")


async def test_every_route_refuses_every_other_method(live: Live) -> None:
    for route in ROUTES:
        path = route.path + ("x" if route.path.endswith("/") else "")
        for method in METHODS:
            if method in route.endpoints:
                continue
            answer = await live.ask(method, path)
            assert answer.headers["Allow"] == ",".join(route.allowed), (method, path)
            if method == "OPTIONS":
                assert (answer.status, answer.body) == (200, b"")
            else:
                assert answer.status == 405, (method, path)
                assert answer.text == ("" if method == "HEAD" else f"method {method} not allowed")


@pytest.mark.parametrize("path", ["/nothing", "/v1", "/v2/kv/x", "/v1/agent/nothing", "/v1/catalog/nodes/"])
async def test_an_unknown_path_is_404_for_every_method(live: Live, path: str) -> None:
    for method in METHODS:
        answer = await live.ask(method, path)
        assert (answer.status, answer.body) == (404, b"")
        assert "Vary" not in answer.headers


async def test_a_name_without_its_slash_is_redirected(live: Live) -> None:
    answer = await live.get("/v1/kv?keys")
    assert (answer.status, answer.headers["Location"]) == (301, "/v1/kv/?keys")


async def test_the_root_says_who_answers(live: Live) -> None:
    assert (await live.get("/")).text == "Lictor Agent"
