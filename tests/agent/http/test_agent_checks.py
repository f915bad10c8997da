"""`/v1/agent/check*`."""

from __future__ import annotations

import pytest

from tests.agent.http.live import Live

TTL = {"ID": "beat", "Name": "heartbeat", "TTL": "90s"}


async def status_of(live: Live, check_id: str) -> object:
    checks = await live.get("/v1/agent/checks")
    return checks.at(f"{check_id}.Status"), checks.at(f"{check_id}.Output")


async def test_a_ttl_check_is_told_its_state(live: Live) -> None:
    await live.put("/v1/agent/check/register", TTL)
    assert await status_of(live, "beat") == ("critical", "")
    for word, expected in (("pass", "passing"), ("warn", "warning"), ("fail", "critical")):
        assert (await live.put(f"/v1/agent/check/{word}/beat?note=all%20{word}")).status == 200
        assert await status_of(live, "beat") == (expected, f"all {word}")
    await live.put("/v1/agent/check/update/beat", {"Status": "passing", "Output": "line\nline 2"})
    assert await status_of(live, "beat") == ("passing", "line\nline 2")
    assert '"line\\nline 2"' in (await live.get("/v1/health/state/passing")).text


async def test_a_deregistered_check_is_gone(live: Live) -> None:
    await live.put("/v1/agent/check/register", TTL)
    assert (await live.put("/v1/agent/check/deregister/beat")).status == 200
    assert (await live.get("/v1/agent/checks")).json == {}


@pytest.mark.parametrize(
    ("path", "body", "status", "text"),
    [
        ("register", {"TTL": "10s"}, 400, "Missing check name"),
        ("register", {"Name": "x"}, 400, "Invalid check: TTL must be > 0 for TTL checks"),
        ("register", {"Name": "x", "TTL": "10s", "ServiceID": "nobody"}, 500, 'ServiceID "nobody" does not exist'),
        ("register", {"Name": "x", "TTL": "10s", "Status": "fine"}, 400, "Bad check status"),
        ("register", b"[1,", 400, "Request decode failed: unexpected EOF"),
        ("pass/nobody", None, 500, 'CheckID "nobody" does not have associated TTL'),
        ("update/beat", {"Status": "fine"}, 400, "Invalid check status: 'fine'"),
        ("update/beat", {"Status": "passing", "Foo": 1}, 400, 'Request decode failed: json: unknown field "Foo"'),
        ("update/beat", b"", 400, "Request decode failed: EOF"),
        ("deregister/", None, 500, "CheckID missing"),
        ("deregister/nobody", None, 200, ""),
    ],
)
async def test_a_wrong_request_is_told_what_is_wrong(
    live: Live, path: str, body: object, status: int, text: str
) -> None:
    answer = await live.put(f"/v1/agent/check/{path}", body)
    assert (answer.status, answer.text) == (status, text)
    assert (await live.get("/v1/agent/checks")).json == {}
