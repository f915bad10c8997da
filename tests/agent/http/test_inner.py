"""The API asked from inside answers as it does on a socket."""

from __future__ import annotations

import pytest

from tests.agent.http.live import Live


@pytest.mark.parametrize(
    "target", ["/v1/catalog/datacenters", "/v1/health/state/critical?pretty=", "/v1/kv/none", "/v1/kv/a?recurse=&dc=no"]
)
async def test_inside_and_outside_agree(live: Live, target: str) -> None:
    path, _, query = target.partition("?")
    pairs = [(name, value) for name, _, value in (pair.partition("=") for pair in query.split("&") if pair)]
    inside, outside = await live.http.inner.get(path, pairs, ""), await live.get(target)
    assert (inside.status, inside.body) == (outside.status, outside.body)
    assert inside.headers.get("x-consul-index") == outside.headers.get("X-Consul-Index")


async def test_what_does_not_exist_is_said(live: Live) -> None:
    assert (await live.http.inner.get("/v1/nothing", [], "")).status == 404
