"""What the servers judge, asked over HTTP with a token that has just the permission, and with one that lacks just that.

Denials and empty lists are those that Consul 1.8.7 gives.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest
import pytest_asyncio

from lictor_agent.http.needs import NEEDS, Judge
from lictor_core.acl.records import Policy
from lictor_core.acl.requests import PolicyWrite
from lictor_core.queries import PoliciesQuery
from lictor_core.registry import ReadOptions
from tests.agent.http.guarded import ROOT, World, guarded
from tests.agent.http.live import NODE

EVERYTHING = """
acl = "write" keyring = "write" operator = "write" mesh = "write"
agent_prefix "" { policy = "write" } event_prefix "" { policy = "write" } key_prefix "" { policy = "write" }
node_prefix "" { policy = "write" } query_prefix "" { policy = "write" } session_prefix "" { policy = "write" }
service_prefix "" { policy = "write" intentions = "write" }
"""
NODES, SERVICES = 'node_prefix "" { policy = "read" }', 'service_prefix "" { policy = "read" }'
BOTH = NODES + SERVICES


def without(text: str) -> str:
    """Everything but what `text` grants of its resources; who manages access control sees all queries."""
    kept = EVERYTHING.replace('acl = "write"', "") if text.startswith("query") else EVERYTHING
    for resource in ("acl", "operator"):
        if f"{resource} =" in text:
            less = "deny" if '"read"' in text else "read"
            kept = kept.replace(f'{resource} = "write"', f'{resource} = "{less}"')
    for resource in ("event", "key", "node", "query", "session", "service"):
        if text.lstrip().startswith(resource):
            less = "deny" if 'policy = "read"' in text and "intentions" not in text else "read"
            if "intentions" in text:
                said = "deny" if 'intentions = "read"' in text else "read"
                kept = kept.replace('intentions = "write"', f'intentions = "{said}"')
                continue
            kept = kept.replace(
                f'{resource}_prefix "" {{ policy = "write"', f'{resource}_prefix "" {{ policy = "{less}"'
            )
            if resource == "service":
                kept = kept.replace('intentions = "write"', f'intentions = "{less}"')
    return kept


@pytest_asyncio.fixture
async def world() -> AsyncGenerator[World]:
    """A server with access control, denied by default, that has something of everything."""
    async with guarded() as world:
        proxy = {"Service": "web-proxy", "Kind": "connect-proxy", "Port": 2, "Proxy": {"DestinationServiceName": "web"}}
        for service in ({"Service": "web", "Port": 80}, proxy):
            body = {
                "Node": "far",
                "Address": "192.0.2.1",
                "Service": service,
                "Check": {"Name": "c", "Status": "passing"},
            }
            await world.can("PUT /v1/catalog/register", body)
        await world.can("PUT /v1/kv/k", b"v")
        await world.can("PUT /v1/event/fire/deploy", b"x")
        await world.can("PUT /v1/connect/intentions/exact?source=a&destination=web", {"Action": "allow"})
        await world.can("PUT /v1/config", {"Kind": "service-defaults", "Name": "web", "Protocol": "tcp"})
        await world.can("POST /v1/query", {"Name": "q", "Service": {"Service": "web"}})
        yield world


KEYS = 'key "k" { policy = "read" }'
WRITES_WEB = 'service "web" { policy = "write" }'
SEES_INTENTIONS = 'service "web" { policy = "read" intentions = "read" }'
SETS_INTENTIONS = 'service "web" { policy = "read" intentions = "write" }'
OPERATES = 'operator = "read"'
COMMANDS = 'operator = "write"'
REFUSED: list[tuple[str, object, str]] = [
    ("PUT /v1/catalog/register", {"Node": "n", "Address": "192.0.2.9"}, 'node "n" { policy = "write" }'),
    ("PUT /v1/catalog/deregister", {"Node": "far"}, 'node "far" { policy = "write" }'),
    ("GET /v1/coordinate/node/far", None, NODES),
    ("GET /v1/kv/k", None, KEYS),
    ("PUT /v1/kv/k", b"w", 'key "k" { policy = "write" }'),
    ("DELETE /v1/kv/k", None, 'key "k" { policy = "write" }'),
    ("DELETE /v1/kv/k?recurse", None, 'key_prefix "k" { policy = "write" }'),
    ("PUT /v1/session/create", {}, f'session "{NODE}" {{ policy = "write" }}'),
    ("POST /v1/query", {"Name": "q2", "Service": {"Service": "web"}}, 'query "q2" { policy = "write" }'),
    ("PUT /v1/event/fire/deploy", b"x", 'event "deploy" { policy = "write" }'),
    ("GET /v1/connect/intentions/match?by=destination&name=web", None, SEES_INTENTIONS),
    ("GET /v1/connect/intentions/check?source=a&destination=web", None, SERVICES),
    ("GET /v1/connect/intentions/exact?source=a&destination=web", None, SEES_INTENTIONS),
    ("PUT /v1/connect/intentions/exact?source=b&destination=web", {"Action": "deny"},
     SETS_INTENTIONS),
    ("DELETE /v1/connect/intentions/exact?source=a&destination=web", None,
     SETS_INTENTIONS),
    ("POST /v1/connect/intentions", {"SourceName": "c", "DestinationName": "web", "Action": "allow"},
     SETS_INTENTIONS),
    ("GET /v1/internal/intentions/explain?source=a&destination=web", None, SERVICES),
    ("GET /v1/connect/ca/configuration", None, COMMANDS),
    ("GET /v1/connect/ca/status", None, OPERATES),
    ("PUT /v1/config", {"Kind": "service-defaults", "Name": "web", "Protocol": "http"}, WRITES_WEB),
    ("PUT /v1/config", {"Kind": "proxy-defaults", "Name": "global"}, COMMANDS),
    ("GET /v1/config/service-defaults/web", None, SERVICES),
    ("DELETE /v1/config/service-defaults/web", None, WRITES_WEB),
    ("GET /v1/discovery-chain/web", None, SERVICES),
    ("POST /v1/discovery-chain/web", {}, SERVICES),
    ("GET /v1/operator/autopilot/configuration", None, OPERATES),
    ("PUT /v1/operator/autopilot/configuration", {"CleanupDeadServers": True}, COMMANDS),
    ("GET /v1/snapshot", None, 'acl = "write"'),
]  # fmt: skip


@pytest.mark.parametrize(
    ("asked", "body", "rules"), REFUSED, ids=[f"{number}-{one[0]}" for number, one in enumerate(REFUSED)]
)
async def test_who_lacks_just_that_permission_is_refused_and_who_has_just_that_is_not(
    world: World, asked: str, body: object, rules: str
) -> None:
    for lacking in (without(rules), ""):
        denied = await world.ask(asked, await world.token(lacking), body)
        assert denied.status == 403, denied.text
        assert denied.text.startswith("Permission denied"), denied.text
    allowed = await world.ask(asked, await world.token(rules), body)
    assert allowed.status in (200, 404), allowed.body


FILTERED = [
    ("GET /v1/catalog/nodes", NODES, '"far"'),
    ("GET /v1/catalog/services", SERVICES, '"web"'),
    ("GET /v1/catalog/service/web", BOTH, '"far"'),
    ("GET /v1/catalog/connect/web", BOTH, '"web-proxy"'),
    ("GET /v1/catalog/node/far", BOTH, '"web"'),
    ("GET /v1/catalog/node-services/far", BOTH, '"web"'),
    ("GET /v1/health/node/far", BOTH, '"far"'),
    ("GET /v1/health/state/passing", BOTH, '"far"'),
    ("GET /v1/health/service/web", BOTH, '"far"'),
    ("GET /v1/health/connect/web", BOTH, '"web-proxy"'),
    ("GET /v1/internal/ui/nodes", BOTH, '"far"'),
    ("GET /v1/internal/ui/services", BOTH, '"web"'),
    ("GET /v1/connect/intentions", SEES_INTENTIONS, '"web"'),
    ("GET /v1/config/service-defaults", SERVICES, '"web"'),
    ("GET /v1/event/list", 'event "deploy" { policy = "read" }', '"deploy"'),
    ("GET /v1/query", 'query "q" { policy = "read" }', '"q"'),
    ("GET /v1/query/q/execute", BOTH, '"far"'),
    ("GET /v1/internal/service-virtual-ip", SERVICES, '"web"'),
]


@pytest.mark.parametrize(("asked", "rules", "there"), FILTERED, ids=[one[0] for one in FILTERED])
async def test_a_list_leaves_out_what_may_not_be_seen(world: World, asked: str, rules: str, there: str) -> None:
    for lacking in (without(rules), ""):
        shown = await world.ask(asked, await world.token(lacking))
        assert shown.status in (200, 404), shown.text
        assert there not in shown.text
    shown = await world.ask(asked, await world.token(rules))
    assert shown.status == 200
    assert there in shown.text


async def test_sessions_are_seen_destroyed_and_renewed_by_who_may(world: World) -> None:
    made = await world.can("PUT /v1/session/create", {"TTL": "60s"})
    id = made.text_at("ID")
    reads = await world.token(f'session "{NODE}" {{ policy = "read" }}')
    writes = await world.token(f'session "{NODE}" {{ policy = "write" }}')
    for path in (f"/v1/session/info/{id}", f"/v1/session/node/{NODE}", "/v1/session/list"):
        assert (await world.ask(f"GET {path}", "")).json == []
        assert id in (await world.ask(f"GET {path}", reads)).text
    for path in (f"/v1/session/renew/{id}", f"/v1/session/destroy/{id}"):
        assert (await world.ask(f"PUT {path}", reads)).status == 403
        assert (await world.ask(f"PUT {path}", writes)).status == 200


async def test_each_operation_of_a_transaction_is_judged(world: World) -> None:
    body = [{"KV": {"Verb": "get", "Key": "k"}}, {"KV": {"Verb": "set", "Key": "other", "Value": "dg=="}}]
    denied = await world.ask("PUT /v1/txn", await world.token(KEYS), body)
    assert denied.status in (403, 409)
    assert "Permission denied" in denied.text
    allowed = await world.token(KEYS + 'key "other" { policy = "write" }')
    assert (await world.ask("PUT /v1/txn", allowed, body)).status == 200


async def test_answers_that_were_kept_are_nobody_elses(world: World) -> None:
    """Each twice and in turn, so that what was kept for one would show in what another is answered."""
    reads = await world.token(BOTH)
    for path in ("/v1/health/service/web", "/v1/health/service/web?cached", "/v1/catalog/nodes?stale"):
        for _ in range(3):
            assert '"far"' in (await world.ask(f"GET {path}", reads)).text
            assert (await world.ask(f"GET {path}", "")).json == []
            assert '"far"' in (await world.ask(f"GET {path}", ROOT)).text


async def test_an_answer_that_was_kept_is_over_as_soon_as_the_rights_are(world: World) -> None:
    secret = await world.token(BOTH)
    for _ in range(3):
        assert '"far"' in (await world.ask("GET /v1/health/service/web", secret)).text
    policies = dict(await policy_ids(world))
    policy = Policy(
        id=policies[f"p{world.made}"],
        name=f"p{world.made}",
        description="",
        rules="",
        hash="",
        create_index=0,
        modify_index=0,
    )
    await world.live.registry.acl(PolicyWrite(policy=policy, is_update=True), token=ROOT)
    assert (await world.ask("GET /v1/health/service/web", secret)).json == []


async def policy_ids(world: World) -> list[tuple[str, str]]:
    found = await world.live.registry.read(PoliciesQuery(), ReadOptions(token=ROOT))
    return [(one.name, one.id) for one in found.value]


async def test_every_endpoint_that_the_servers_judge_is_tried(world: World) -> None:
    tried = {one[0].split("?")[0] for one in (*REFUSED, *FILTERED)}
    elsewhere = (
        "/v1/acl/", "/v1/session/", "/v1/txn", "/v1/kv/", "/v1/query/", "/v1/connect/intentions/", "/v1/internal/",
        "/v1/coordinate/nodes", "/v1/catalog/gateway-services/", "/v1/health/ingress/", "/v1/health/checks/",
        "/v1/connect/ca/configuration", "/v1/snapshot",
    )  # fmt: skip
    for (path, method), need in NEEDS.items():
        if need.judge in (Judge.SERVERS, Judge.SERVERS_FILTER) and not path.startswith(elsewhere):
            assert any(one.startswith(f"{method} {path}") for one in tried), f"{method} {path}"
