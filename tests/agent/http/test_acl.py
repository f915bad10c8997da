"""`/v1/acl/*` of a cluster without ACLs. All of it is held to Consul by `tests/compat/scenarios/http/acl_off.py`."""

from __future__ import annotations

from lictor_agent.http.acl import ROUTES
from tests.agent.http.live import Live


async def test_whatever_is_asked_of_access_control_is_refused_as_disabled(live: Live) -> None:
    for route in ROUTES:
        path = f"{route.path}x" if route.path.endswith("/") else route.path
        for method in route.endpoints:
            answer = await live.ask(method, path)
            assert (answer.status, answer.text) == (401, "ACL support disabled"), f"{method} {path}"


async def test_a_body_is_not_looked_at(live: Live) -> None:
    assert (await live.put("/v1/agent/token/default", b"{bad")).status == 401
