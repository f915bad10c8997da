"""Requests that the configuration forbids."""

from __future__ import annotations

import pytest

from lictor_agent.http.access import Access
from lictor_agent.http.settings import HttpSettings
from tests.agent.http.live import live_agent

BLOCKED, RESTRICTED = "Endpoint is blocked by agent configuration", "Access is restricted"


def test_without_rules_everything_is_allowed() -> None:
    assert Access().blocked("/v1/kv/a") is None
    assert Access().refusal("PUT", "192.0.2.1") is None


@pytest.mark.parametrize(
    ("path", "reason"),
    [("/v1/agent/join", BLOCKED), ("/v1/agent/join/x", BLOCKED), ("/v1/agent/members", None)],
)
def test_paths_are_blocked_by_their_beginning(path: str, reason: str | None) -> None:
    assert Access(["/v1/agent/join"]).blocked(path) == reason


@pytest.mark.parametrize(
    ("method", "client", "reason"),
    [
        ("GET", "192.0.2.1", None),
        ("HEAD", "192.0.2.1", None),
        ("OPTIONS", "192.0.2.1", None),
        ("PUT", "10.0.0.1", None),
        ("PUT", "::ffff:10.0.0.1", None),
        ("PUT", "192.0.2.1", RESTRICTED),
        ("DELETE", "2001:db8::1", RESTRICTED),
        ("POST", "", RESTRICTED),
    ],
)
def test_changes_come_from_the_networks_that_are_named(method: str, client: str, reason: str | None) -> None:
    assert Access((), ["10.0.0.0/8"]).refusal(method, client) == reason


async def test_a_forbidden_request_is_answered_as_by_consul() -> None:
    settings = HttpSettings(
        blocked_endpoints=("/v1/kv/blocked",), write_networks=("10.0.0.0/8",), response_headers=(("X-A", "b"),)
    )
    async with live_agent(settings) as live:
        for _ in range(2):  # the second time it would be answered from what is kept
            answer = await live.get("/v1/kv/blockedx")
            assert (answer.status, answer.text, answer.headers["X-A"]) == (403, BLOCKED, "b")
        answer = await live.put("/v1/kv/a", "x")
        assert (answer.status, answer.text) == (403, RESTRICTED)
        assert (await live.get("/v1/kv/a")).status == 404


async def test_reads_block_as_long_as_configured() -> None:
    async with live_agent(HttpSettings(wait_default_s=0.2, wait_s_max=0.4)) as live:
        index = (await live.get("/v1/kv/a")).headers["X-Consul-Index"]
        assert (await live.get(f"/v1/kv/a?index={index}")).status == 404
        assert (await live.get(f"/v1/kv/a?index={index}&wait=10m")).status == 404
