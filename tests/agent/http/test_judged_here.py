"""What only an agent knows, asked with tokens that have a permission and with tokens that have all but that.

Expected statuses are those that Consul 1.8.7 gave to the same requests.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field

import pytest
import pytest_asyncio

from lictor_agent.http.needs import NEEDS, Judge
from lictor_config.sections import Tokens
from lictor_config.tree import Acl
from lictor_core.acl.granted import DefaultPolicy, GrantedPolicy, Grants
from lictor_core.acl.records import ANONYMOUS_ID
from lictor_core.acl.rules import Access, Resource, Rule
from lictor_core.errors import PermissionDeniedError
from tests.agent.http.live import NODE, Live, Reply, live_agent
from tests.support.conditions import eventually

R, W = Access.READ, Access.WRITE
ALL = tuple(
    Rule(resource=resource, is_prefix=resource.is_named, access=Access.WRITE)
    for resource in Resource
    if resource is not Resource.INTENTION
)


def rule(resource: Resource, access: Access, name: str = "") -> Rule:
    return Rule(resource=resource, name=name, access=access)


def all_but(lacks: Rule) -> tuple[Rule, ...]:
    """Everything, of the resource that matters one step too little."""
    less = Access.READ if lacks.access is W else Access.DENY
    return (
        *(one for one in ALL if one.resource is not lacks.resource),
        Rule(resource=lacks.resource, is_prefix=lacks.resource.is_named, access=less),
    )


@dataclass
class Known:
    """Servers that know tokens by the rules that a test gives them."""

    rules: dict[str, tuple[Rule, ...]] = field(default_factory=lambda: {"all": ALL})
    asked: Counter[str] = field(default_factory=Counter[str])

    async def resolve(self, secret: str) -> Grants:
        self.asked[secret] += 1
        if secret and secret not in self.rules:
            raise PermissionDeniedError("ACL not found")
        policy = GrantedPolicy(name="p", rules=self.rules.get(secret, ()))
        accessor = f"accessor-of-{secret}" if secret else ANONYMOUS_ID
        return Grants(accessor_id=accessor, policies=(policy,), default=DefaultPolicy.DENY)


@dataclass
class Judged:
    live: Live
    tokens: Known

    async def ask(self, asked: str, token: str = "", body: object = None) -> Reply:
        method, path = asked.split(" ", 1)
        return await self.live.ask(method, path, body, {"X-Consul-Token": token} if token else None)

    async def with_rules(self, asked: str, rules: tuple[Rule, ...], body: object = None) -> Reply:
        name = f"t{len(self.tokens.rules)}"
        self.tokens.rules[name] = rules
        return await self.ask(asked, name, body)


@pytest_asyncio.fixture
async def judged() -> AsyncGenerator[Judged]:
    """An agent with access control, by default denied, with two services and a check."""
    tokens = Known()
    acl = Acl(enabled=True, default_policy="deny", tokens=Tokens(agent_master="recover"))
    async with live_agent(acl=acl, resolve=tokens.resolve) as live:
        judged = Judged(live, tokens)
        for body in ({"Name": "web", "Port": 80, "Check": {"TTL": "10m"}}, {"Name": "other"}):
            assert (await judged.ask("PUT /v1/agent/service/register", "all", body)).status == 200
        body = {"Name": "of-node", "TTL": "10m"}
        assert (await judged.ask("PUT /v1/agent/check/register", "all", body)).status == 200
        yield judged


URI = "spiffe://11111111-2222-3333-4444-555555555555.consul/ns/default/dc/dc1/svc/a"
PROXY = {"Name": "p", "Kind": "connect-proxy", "Port": 1, "Proxy": {"DestinationServiceName": "web"}}
TTL = {"Name": "n", "TTL": "1m"}
QUESTION = {"Target": "web", "ClientCertURI": URI}
REPORT = {"DataPlane": "envoy"}
REFUSED = [
    ("GET /v1/agent/self", None, rule(Resource.AGENT, R, NODE), 200),
    ("GET /v1/agent/metrics", None, rule(Resource.AGENT, R, NODE), 200),
    ("GET /v1/agent/host", None, rule(Resource.OPERATOR, R), 200),
    ("GET /v1/internal/dns/explain?name=web.service.consul", None, rule(Resource.AGENT, R, NODE), 200),
    ("GET /debug/pprof/cmdline", None, rule(Resource.OPERATOR, R), 200),
    ("GET /v1/operator/raft/configuration", None, rule(Resource.OPERATOR, R), 200),
    ("DELETE /v1/operator/raft/peer?id=x", None, rule(Resource.OPERATOR, W), 500),
    ("POST /v1/operator/raft/transfer-leader?id=x", None, rule(Resource.OPERATOR, W), 404),
    ("PUT /v1/operator/raft/transfer-leader?id=x", None, rule(Resource.OPERATOR, W), 404),
    ("GET /v1/operator/autopilot/health", None, rule(Resource.OPERATOR, R), 200),
    ("GET /v1/internal/federation-states", None, rule(Resource.OPERATOR, R), 200),
    ("GET /v1/operator/security", None, rule(Resource.OPERATOR, R), 200),
    ("GET /v1/internal/federation-state/dc1", None, rule(Resource.OPERATOR, R), 200),
    ("GET /v1/operator/autopilot/state", None, rule(Resource.OPERATOR, R), 200),
    ("PUT /v1/agent/reload", None, rule(Resource.AGENT, W, NODE), 500),
    ("PUT /v1/agent/join/127.0.0.1:1", None, rule(Resource.AGENT, W, NODE), 500),
    ("PUT /v1/agent/leave", None, rule(Resource.AGENT, W, NODE), 200),
    ("PUT /v1/agent/force-leave/nobody", None, rule(Resource.OPERATOR, W), 500),
    ("PUT /v1/agent/token/replication", {"Token": "x"}, rule(Resource.AGENT, W, NODE), 200),
    ("PUT /v1/agent/maintenance?enable=true", None, rule(Resource.NODE, W, NODE), 200),
    ("GET /v1/agent/service/web", None, rule(Resource.SERVICE, R, "web"), 200),
    ("PUT /v1/agent/service/register", {"Name": "new"}, rule(Resource.SERVICE, W, "new"), 200),
    ("PUT /v1/agent/service/deregister/web", None, rule(Resource.SERVICE, W, "web"), 200),
    ("PUT /v1/agent/service/maintenance/web?enable=true", None, rule(Resource.SERVICE, W, "web"), 200),
    ("PUT /v1/agent/check/register", TTL, rule(Resource.NODE, W, NODE), 200),
    ("PUT /v1/agent/check/register", {**TTL, "ServiceID": "web"}, rule(Resource.SERVICE, W, "web"), 200),
    ("PUT /v1/agent/check/register", {**TTL, "ServiceID": "none"}, rule(Resource.NODE, W, NODE), 500),
    ("PUT /v1/agent/check/register", {**TTL, "ID": "service:web", "ServiceID": "other"},
     rule(Resource.SERVICE, W, "other"), 403),
    ("PUT /v1/agent/check/deregister/of-node", None, rule(Resource.NODE, W, NODE), 200),
    ("PUT /v1/agent/check/pass/service:web", None, rule(Resource.SERVICE, W, "web"), 200),
    ("PUT /v1/agent/check/warn/service:web", None, rule(Resource.SERVICE, W, "web"), 200),
    ("PUT /v1/agent/check/fail/service:web", None, rule(Resource.SERVICE, W, "web"), 200),
    ("PUT /v1/agent/check/update/of-node", {"Status": "passing"}, rule(Resource.NODE, W, NODE), 200),
    ("GET /v1/agent/health/service/id/web", None, rule(Resource.SERVICE, R, "web"), 503),
    ("GET /v1/agent/health/service/name/web", None, rule(Resource.SERVICE, R, "web"), 503),
    ("GET /v1/agent/health/service/name/nope", None, rule(Resource.SERVICE, R, "nope"), 404),
    ("GET /v1/agent/local/service/web", None, rule(Resource.SERVICE, R, "web"), 200),
    ("POST /v1/agent/connect/authorize", QUESTION, rule(Resource.SERVICE, W, "web"), 200),
    ("GET /v1/agent/connect/ca/leaf/web", None, rule(Resource.SERVICE, W, "web"), 200),
    ("GET /v1/agent/connect/exposed/web", None, rule(Resource.SERVICE, R, "web"), 200),
    ("PUT /v1/agent/connect/proxies/web", REPORT, rule(Resource.SERVICE, W, "web"), 200),
    ("PUT /v1/coordinate/update", {"Node": NODE, "Coord": {"Vec": [0] * 8, "Error": 1.5, "Height": 0.1}},
     rule(Resource.NODE, W, NODE), 200),
]  # fmt: skip


@pytest.mark.parametrize(("asked", "body", "needed", "status"), REFUSED, ids=str)
async def test_who_lacks_just_that_permission_is_refused_and_who_has_just_that_is_not(
    judged: Judged, asked: str, body: object, needed: Rule, status: int
) -> None:
    for rules in (all_but(needed), ()):
        denied = await judged.with_rules(asked, rules, body)
        assert denied.status == 403, denied.text
        permission = f"'{needed.resource}:{needed.access.word}'"
        assert denied.text.startswith("Permission denied: token with AccessorID 'accessor-of-t")
        assert permission in denied.text
    allowed = await judged.with_rules(asked, (needed,), body)
    assert allowed.status == status, allowed.text


@pytest.mark.parametrize(
    ("asked", "needed", "there"),
    [
        ("GET /v1/agent/members", rule(Resource.NODE, R, NODE), f'"Name":"{NODE}"'),
        ("GET /v1/agent/services", rule(Resource.SERVICE, R, "web"), '"web":{'),
        ("GET /v1/agent/checks", rule(Resource.SERVICE, R, "web"), '"service:web":{'),
        ("GET /v1/agent/checks", rule(Resource.NODE, R, NODE), '"of-node":{'),
        ("GET /v1/agent/local", rule(Resource.SERVICE, R, "web"), '"web":{'),
        ("GET /v1/agent/local", rule(Resource.NODE, R, NODE), '"of-node":{'),
    ],
)
async def test_a_list_leaves_out_what_may_not_be_seen(judged: Judged, asked: str, needed: Rule, there: str) -> None:
    for rules in (all_but(needed), ()):
        assert there not in (await judged.with_rules(asked, rules)).text
    shown = await judged.with_rules(asked, (needed,))
    assert shown.status == 200
    assert there in shown.text
    assert '"other"' not in shown.text


async def test_every_endpoint_that_is_judged_here_is_tried(judged: Judged) -> None:
    filtering = {"/v1/agent/members", "/v1/agent/services", "/v1/agent/checks", "/v1/agent/local"}
    told = {"/v1/agent/connect/proxies", "/v1/agent/monitor", "/v1/operator/keyring"}  # by tests of their own
    tried = {one[0].split("?")[0] for one in REFUSED}
    for (path, method), need in NEEDS.items():
        if need.judge in (Judge.GATED, Judge.AGENT, Judge.AGENT_FILTERS) and path not in filtering | told:
            assert any(one.startswith(f"{method} {path}") for one in tried), f"{method} {path}"


async def test_the_log_and_the_keyring_are_refused(judged: Judged) -> None:
    assert (await judged.with_rules("GET /v1/agent/monitor", all_but(rule(Resource.AGENT, R)))).status == 403
    for method, access in {"GET": R, "POST": W, "PUT": W, "DELETE": W}.items():
        denied = await judged.with_rules(f"{method} /v1/operator/keyring", all_but(rule(Resource.KEYRING, access)))
        assert (denied.status, "denied" in denied.text) == (500, True)
        allowed = await judged.with_rules(f"{method} /v1/operator/keyring", (rule(Resource.KEYRING, access),))
        assert "denied" not in allowed.text


async def test_an_unknown_token_is_told_so_wherever_it_is_looked_at(judged: Judged) -> None:
    for asked in (
        "GET /v1/agent/self",
        "GET /v1/agent/services",
        "GET /v1/agent/members",
        "PUT /v1/agent/check/pass/x",
    ):
        answer = await judged.ask(asked, "nope")
        assert (answer.status, answer.text) == (403, "ACL not found")


async def test_what_nobody_is_asked_for_is_open_to_an_unknown_token(judged: Judged) -> None:
    assert (await judged.ask("GET /v1/status/leader", "nope")).status == 200
    assert (await judged.ask("GET /v1/agent/connect/ca/roots")).status == 200


async def test_what_is_replaced_must_be_writable_too(judged: Judged) -> None:
    writes_web = (rule(Resource.SERVICE, W, "web"),)
    register = "PUT /v1/agent/service/register"
    assert (await judged.with_rules(register, writes_web, {"ID": "other", "Name": "web"})).status == 403
    assert (await judged.with_rules(register, writes_web, {"ID": "w2", "Name": "web"})).status == 200
    check = {"Name": "web", "ID": "w3", "Check": {"CheckID": "of-node", "TTL": "1m"}}
    assert (await judged.with_rules(register, writes_web, check)).status == 403


async def test_a_proxy_needs_its_own_name_and_that_of_whom_it_stands_for(judged: Judged) -> None:
    register = "PUT /v1/agent/service/register"
    web, proxy = rule(Resource.SERVICE, W, "web"), rule(Resource.SERVICE, W, "p")
    assert (await judged.with_rules(register, (web,), PROXY)).status == 403
    assert (await judged.with_rules(register, (proxy,), PROXY)).status == 403
    assert (await judged.with_rules(register, (proxy, web), PROXY)).status == 200


async def test_a_sidecar_needs_its_own_name_besides(judged: Judged) -> None:
    register = "PUT /v1/agent/service/register"
    body: object = {"Name": "web", "Connect": {"SidecarService": {}}}
    web, beside = rule(Resource.SERVICE, W, "web"), rule(Resource.SERVICE, W, "web-sidecar-proxy")
    denied = await judged.with_rules(register, (web,), body)
    assert (denied.status, '"web-sidecar-proxy"' in denied.text) == (403, True)
    assert (await judged.with_rules(register, (web, beside), body)).status == 200


async def test_what_is_not_here_is_told_to_be_unknown_as_consul_does_once_it_looks(judged: Judged) -> None:
    for asked, text in {
        "PUT /v1/agent/service/deregister/nope": 'Unknown service {"nope" {}}',
        "PUT /v1/agent/service/maintenance/nope?enable=true": 'Unknown service {"nope" {}}',
        "PUT /v1/agent/check/deregister/nope": 'Unknown check "nope"',
        "PUT /v1/agent/check/pass/nope": 'Unknown check "nope"',
    }.items():
        answer = await judged.ask(asked)
        assert (answer.status, answer.text) == (500, text), asked


async def test_the_default_token_is_that_of_who_shows_none_and_the_anonymous_one_is_told_apart(judged: Judged) -> None:
    denied = await judged.ask("GET /v1/agent/self")
    assert denied.status == 403
    assert "no token was sent" in denied.text
    assert (await judged.ask("PUT /v1/agent/token/default", "all", {"Token": "all"})).status == 200
    assert (await judged.ask("GET /v1/agent/self")).status == 200
    assert (await judged.ask("PUT /v1/agent/token/acl_token", "all", {"Token": ""})).status == 200
    assert (await judged.ask("GET /v1/agent/self")).status == 403


async def test_tokens_are_told_as_consul_takes_them(judged: Judged) -> None:
    for slot in ("default", "agent", "agent_master", "replication", "acl_token", "acl_agent_token"):
        assert (await judged.ask(f"PUT /v1/agent/token/{slot}", "all", {"token": "all"})).status == 200
    for slot in ("master", "bogus", ""):
        answer = await judged.ask(f"PUT /v1/agent/token/{slot}", "all", {"Token": "x"})
        assert (answer.status, answer.text) == (404, f'Token "{slot}" is unknown')
    answer = await judged.ask("PUT /v1/agent/token/default", "all", b"{")
    assert (answer.status, answer.text) == (400, "Request decode failed: unexpected EOF")
    answer = await judged.ask("PUT /v1/agent/token/default", "all", {"Tokenx": "5"})
    assert (answer.status, answer.text) == (400, 'Request decode failed: json: unknown field "Tokenx"')
    assert (await judged.ask("PUT /v1/agent/token/bogus", "nope", {"Token": "x"})).text == "ACL not found"


async def test_the_recovery_token_reaches_the_agent_and_nothing_else(judged: Judged) -> None:
    assert (await judged.ask("GET /v1/agent/self", "recover")).status == 200
    assert len((await judged.ask("GET /v1/agent/members", "recover")).column("Name")) == 1
    assert (await judged.ask("PUT /v1/agent/maintenance?enable=true", "recover")).status == 403
    assert (await judged.ask("GET /v1/agent/services", "recover")).text == "{}"


async def test_the_proxies_that_told_of_themselves_are_listed_to_who_may_see_their_services(judged: Judged) -> None:
    assert (await judged.ask("GET /v1/agent/connect/proxies")).json == []


async def test_secrets_are_in_no_denial(judged: Judged) -> None:
    answer = await judged.ask("GET /v1/agent/self", "recover-not")
    assert "recover-not" not in answer.text
    denied = await judged.with_rules("GET /v1/agent/self", ())
    name = f"'t{len(judged.tokens.rules) - 1}'"
    assert name not in denied.text


async def test_a_leaf_that_was_waited_for_is_for_who_still_may_have_it(judged: Judged) -> None:
    judged.tokens.rules["web"] = (rule(Resource.SERVICE, W, "web"),)
    first = await judged.ask("GET /v1/agent/connect/ca/leaf/web", "web")
    assert first.status == 200
    waiting = asyncio.ensure_future(judged.ask(f"GET /v1/agent/connect/ca/leaf/web?index={first.index}&wait=1s", "web"))
    await eventually(lambda: judged.tokens.asked["web"] == 2, what="it is let in to wait")
    judged.tokens.rules["web"] = ()
    assert (await waiting).status == 403
