"""Requests through the public listener of a real Envoy, as intentions let them."""

import base64
import json
from collections.abc import AsyncGenerator
from pathlib import Path

import aiohttp
import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from lictor_connect_proxy.snapshot import ProxySnapshot
from lictor_connect_proxy.xds.builders import build
from lictor_connect_proxy.xds.kinds import LISTENER
from lictor_core.intentions import stated_rule
from lictor_core.records import JsonObject
from tests.connect_proxy.authority import Authority
from tests.connect_proxy.build import policy, rule
from tests.connect_proxy.live import public_port
from tests.connect_proxy.xds.issuer import KEYS, token
from tests.connect_proxy.xds.live_envoy import envoy, live
from tests.connect_proxy.xds.web import Answer, Site, asked, served

READS: JsonObject = {"Action": "allow", "HTTP": {"PathPrefix": "/", "Methods": ["GET"]}}
NO_ADMIN: JsonObject = {"Action": "deny", "HTTP": {"PathPrefix": "/admin"}}
MINE: JsonObject = {
    "Action": "allow",
    "HTTP": {"PathPrefix": "/mine"},
    "JWT": {"Providers": [{"Name": "okta", "VerifyClaims": [{"Path": ["perms", "role"], "Value": "admin"}]}]},
}
OKTA: JsonObject = {
    "Issuer": "https://okta.example",
    "JSONWebKeySet": {"Local": {"JWKS": base64.b64encode(json.dumps(KEYS).encode()).decode()}},
}


@pytest.fixture
def authority() -> Authority:
    return Authority()


@pytest.fixture
async def site() -> AsyncGenerator[Site]:
    async with Site().running() as one:
        yield one


@pytest.fixture
async def session() -> AsyncGenerator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30)) as one:
        yield one


def test_rules_about_requests_change_no_listener(authority: Authority) -> None:
    one = served(authority, Site(), rule("web", "allow"))
    ruled = stated_rule(rule("web", "deny"), [NO_ADMIN, READS, MINE], None)
    other = msgspec.structs.replace(one, policy=policy(ruled), jwt_providers={"okta": OKTA})
    assert build(one)[LISTENER] == build(other)[LISTENER]


class Client:
    """Asks as one service of the mesh."""

    def __init__(self, session: aiohttp.ClientSession, authority: Authority, db: ProxySnapshot, service: str) -> None:
        self._session = session
        self._tls = authority.client(authority.leaf(service))
        self._port = public_port(db)

    async def ask(self, path: str = "/", method: str = "GET", **headers: str) -> Answer:
        named = {key.replace("_", "-"): value for key, value in headers.items()}
        return await asked(self._session, self._port, path, method=method, headers=named, tls=self._tls)


@live
async def test_requests_are_judged_one_by_one_and_a_denial_says_why(
    authority: Authority, site: Site, session: aiohttp.ClientSession, tmp_path: Path
) -> None:
    ruled = stated_rule(rule("web", "deny"), [NO_ADMIN, READS], None)
    db = served(authority, site, ruled, rule("*", "allow"))
    async with envoy(db, tmp_path):
        client, other = Client(session, authority, db, "web"), Client(session, authority, db, "other")
        assert (await client.ask("/a")).status == 200
        assert (await other.ask("/admin", "POST")).status == 200
        before = site.asked
        denied = await client.ask("/admin/x?y=1")
        assert (denied.status, denied.headers["x-lictor-deny-reason"]) == (403, "deny web->db#1 (precedence 9)")
        unmatched = await client.ask("/a", "POST")
        reason = "deny web->db (no permission matches, default)"
        assert (unmatched.status, unmatched.headers["x-lictor-deny-reason"]) == (403, reason)
        for path in ("/%61dmin", "/a/../admin", "//admin", "/a/..%2fadmin", "/a/%2e%2e/admin", "/%5cadmin", "/\\admin"):
            assert (await client.ask(path)).status == 403, path
        assert site.asked == before
        assert "x-lictor-deny-reason" not in (await client.ask("/status")).headers


@live
async def test_the_application_learns_who_asks_and_nobody_can_lie_about_it(
    authority: Authority, site: Site, session: aiohttp.ClientSession, tmp_path: Path
) -> None:
    db = served(authority, site, rule("web", "allow"))
    async with envoy(db, tmp_path):
        answer = await Client(session, authority, db, "web").ask(x_forwarded_client_cert="URI=spiffe://liar")
        certificate = answer.seen_header("x-forwarded-client-cert")
        assert "/svc/web" in certificate
        assert "liar" not in certificate


@live
async def test_a_source_that_may_do_nothing_does_not_come_as_far_as_requests(
    authority: Authority, site: Site, session: aiohttp.ClientSession, tmp_path: Path
) -> None:
    everything: JsonObject = {"Action": "deny", "HTTP": {"PathPrefix": "/"}}
    db = served(authority, site, stated_rule(rule("web", "deny"), [everything, READS], None))
    async with envoy(db, tmp_path):
        with pytest.raises(aiohttp.ClientError):
            await Client(session, authority, db, "web").ask()
        assert site.asked == 0


@live
async def test_tokens_are_verified_and_their_claims_looked_at(
    authority: Authority, site: Site, session: aiohttp.ClientSession, tmp_path: Path
) -> None:
    ruled = stated_rule(rule("web", "deny"), [MINE], None)
    db = msgspec.structs.replace(served(authority, site, ruled), jwt_providers={"okta": OKTA})
    good = token("https://okta.example", perms={"role": "admin"})
    refused = {
        "no token": "",
        "another role": token("https://okta.example", perms={"role": "user"}),
        "no role": token("https://okta.example"),
        "another issuer": token("https://elsewhere.example", perms={"role": "admin"}),
        "another key": token("https://okta.example", secret=b"x" * 32, perms={"role": "admin"}),
        "no token at all": "rubbish",
    }
    async with envoy(db, tmp_path):
        client = Client(session, authority, db, "web")
        assert (await client.ask("/mine", Authorization=f"Bearer {good}")).status == 200
        for case, written in refused.items():
            answer = await client.ask("/mine", Authorization=f"Bearer {written}")
            assert answer.status == 403, case
            assert answer.headers["x-lictor-deny-reason"].endswith("token of okta missing"), case
        assert (await client.ask("/other", Authorization=f"Bearer {good}")).status == 403


@live
async def test_keys_may_be_elsewhere(
    authority: Authority, site: Site, session: aiohttp.ClientSession, tmp_path: Path
) -> None:
    async def keys(request: web.Request) -> web.Response:
        return web.json_response(KEYS)

    elsewhere = web.Application()
    elsewhere.router.add_get("/jwks", keys)
    async with TestServer(elsewhere) as server:
        remote: JsonObject = {"URI": str(server.make_url("/jwks"))}
        provider: JsonObject = {"Issuer": "https://okta.example", "JSONWebKeySet": {"Remote": remote}}
        ruled = stated_rule(rule("web", "allow"), None, {"Providers": [{"Name": "okta"}]})
        db = msgspec.structs.replace(served(authority, site, ruled), jwt_providers={"okta": provider})
        async with envoy(db, tmp_path):
            client = Client(session, authority, db, "web")
            signed = token("https://okta.example")
            assert (await client.ask(Authorization=f"Bearer {signed}")).status == 200
            assert (await client.ask()).status == 403


@live
async def test_more_requests_than_a_limit_lets_pass_are_turned_away(
    authority: Authority, site: Site, session: aiohttp.ClientSession, tmp_path: Path
) -> None:
    limits: JsonObject = {
        "RequestsPerSecond": 1,
        "RequestsMaxBurst": 3,
        "Routes": [{"PathPrefix": "/free"}, {"PathExact": "/one", "RequestsPerSecond": 1}],
    }
    db = msgspec.structs.replace(
        served(authority, site, rule("web", "allow")), config={"rate_limits": {"InstanceLevel": limits}}
    )
    async with envoy(db, tmp_path):
        client = Client(session, authority, db, "web")
        assert {(await client.ask("/free")).status for _ in range(20)} == {200}
        assert {(await client.ask("/")).status for _ in range(20)} == {200, 429}
        assert {(await client.ask("/one")).status for _ in range(5)} == {200, 429}


@live
async def test_an_application_may_take_as_long_as_was_said_and_no_longer(
    authority: Authority, site: Site, session: aiohttp.ClientSession, tmp_path: Path
) -> None:
    site.delay_s = 0.6
    db = msgspec.structs.replace(
        served(authority, site, rule("web", "allow")), config={"local_request_timeout_ms": 200}
    )
    async with envoy(db, tmp_path):
        assert (await Client(session, authority, db, "web").ask()).status == 504


@live
async def test_a_listener_by_hand_keeps_the_mesh_out_like_ours(
    authority: Authority, site: Site, session: aiohttp.ClientSession, tmp_path: Path
) -> None:
    db = served(authority, site, rule("web", "allow"), stated_rule(rule("api", "deny"), [READS], None))
    proxy: JsonObject = {
        "@type": "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy",
        "stat_prefix": "by_hand",
        "cluster": "local_app",
    }
    address: JsonObject = {"socket_address": {"address": "127.0.0.1", "port_value": public_port(db)}}
    chain: JsonObject = {"filters": [{"name": "tcp", "typed_config": proxy}]}
    listener = json.dumps({"name": "by_hand", "address": address, "filter_chains": [chain]})
    db = msgspec.structs.replace(db, config={"envoy_public_listener_json": listener})
    async with envoy(db, tmp_path):
        assert (await Client(session, authority, db, "web").ask()).status == 200
        for service in ("api", "other"):
            with pytest.raises(aiohttp.ClientError):
                await Client(session, authority, db, service).ask()
