"""`/v1/health/*`."""

from __future__ import annotations

import pytest

from tests.agent.http.live import Live


async def register(live: Live, number: int, status: str, tags: list[str]) -> None:
    await live.put(
        "/v1/catalog/register",
        {
            "Node": f"n{number}",
            "Address": f"192.0.2.{number}",
            "Service": {"ID": f"web-{number}", "Service": "web", "Tags": tags, "Port": 80},
            "Check": {"CheckID": f"c{number}", "Name": "alive", "Status": status, "ServiceID": f"web-{number}"},
        },
    )


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["web-1", "web-2", "web-3"]),
        ("?passing", ["web-1"]),
        ("?passing=1", ["web-1"]),
        ("?passing=false", ["web-1", "web-2", "web-3"]),
        ("?tag=x", ["web-1", "web-2"]),
        ("?tag=x&tag=B", ["web-2"]),
        ("?tag=", []),
    ],
)
async def test_instances_are_chosen_by_health_and_tags(live: Live, query: str, expected: list[str]) -> None:
    for number, status, tags in ((1, "passing", ["a", "x"]), (2, "warning", ["b", "x"]), (3, "critical", [])):
        await register(live, number, status, tags)
    assert (await live.get(f"/v1/health/service/web{query}")).column("Service.ID") == expected


async def test_checks_are_found_by_node_service_and_state(live: Live) -> None:
    await register(live, 1, "passing", [])
    await register(live, 2, "critical", [])
    assert (await live.get("/v1/health/node/n1")).column("CheckID") == ["c1"]
    assert (await live.get("/v1/health/checks/web")).column("CheckID") == ["c1", "c2"]
    assert (await live.get("/v1/health/state/critical")).column("CheckID") == ["c2"]
    assert "serfHealth" in (await live.get("/v1/health/state/any")).column("CheckID")
    assert (await live.get("/v1/health/state/fine")).column("CheckID") == []


async def test_an_unreadable_passing_is_refused(live: Live) -> None:
    answer = await live.get("/v1/health/service/web?passing=perhaps")
    assert (answer.status, answer.text) == (400, "Invalid value for ?passing")


@pytest.mark.parametrize("name", ["service", "connect", "checks", "node", "state"])
async def test_a_missing_name_is_400(live: Live, name: str) -> None:
    assert (await live.get(f"/v1/health/{name}/")).status == 400


async def test_nobody_is_an_empty_list(live: Live) -> None:
    for path in ("service/nobody", "connect/nobody", "checks/nobody", "node/nobody"):
        assert (await live.get(f"/v1/health/{path}")).json == []
