"""What a chain makes of requests, in real Envoys: each with an application behind the Envoy of its service."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import AsyncGenerator
from pathlib import Path

import aiohttp
import pytest

from lictor_connect_proxy.snapshot import ProxySnapshot
from lictor_connect_proxy.xds.builders.routes import chain_routes
from lictor_core.records import JsonObject
from tests.connect_proxy.authority import Authority
from tests.connect_proxy.live import public_port
from tests.connect_proxy.xds.chains import compiled
from tests.connect_proxy.xds.live_envoy import Envoy, envoy, live
from tests.connect_proxy.xds.web import Answer, Site, asked, caller, served
from tests.support.conditions import eventually

HTTP: JsonObject = {"Kind": "proxy-defaults", "Name": "global", "Config": {"protocol": "http"}}


class Mesh:
    """A caller with one upstream, and the applications of the services that its chain leads to."""

    def __init__(
        self, session: aiohttp.ClientSession, web: ProxySnapshot, proxy: Envoy, sites: dict[str, Site]
    ) -> None:
        self._session = session
        self._port = web.upstreams[0].bind_port
        self.proxy = proxy
        self.sites = sites

    async def ask(self, path: str = "/", method: str = "GET", **headers: str) -> Answer:
        named = {key.replace("_", "-"): value for key, value in headers.items()}
        return await asked(self._session, self._port, path, method=method, headers=named)

    async def who(self, path: str = "/", method: str = "GET", **headers: str) -> object:
        return (await self.ask(path, method, **headers)).seen["name"]


@contextlib.asynccontextmanager
async def mesh(tmp_path: Path, *entries: JsonObject, **instances: tuple[str, ...]) -> AsyncGenerator[Mesh]:
    """Envoys for each site, which is an instance of the target that `instances` names it for, and for the caller.

    A target is `service` or `subset__service`. Each site is named like its service and number.
    """
    authority = Authority()
    async with contextlib.AsyncExitStack() as stack:
        sites: dict[str, Site] = {}
        ports: dict[str, tuple[int, ...]] = {}
        for target, names in instances.items():
            service = target.rpartition("__")[2]
            found: list[int] = []
            for name in names:
                sites[name] = await stack.enter_async_context(Site(name).running())
                one = served(authority, sites[name], service=service, default_allow=True)
                await stack.enter_async_context(envoy(one, tmp_path, name))
                found.append(public_port(one))
            ports[target.replace("__", ".")] = tuple(found)
        web = caller(authority, compiled("api", HTTP, *entries), ports)
        proxy = await stack.enter_async_context(envoy(web, tmp_path, "web"))
        session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30))
        yield Mesh(await stack.enter_async_context(session), web, proxy, sites)


def router(*routes: JsonObject) -> JsonObject:
    return {"Kind": "service-router", "Name": "api", "Routes": list(routes)}


def route(match: JsonObject, **destination: object) -> JsonObject:
    return {"Match": {"HTTP": match}, "Destination": destination}


@live
async def test_requests_go_where_their_path_header_query_and_method_say(tmp_path: Path) -> None:
    entry = router(
        route({"PathExact": "/exact"}, Service="other"),
        route({"PathPrefix": "/old/"}, Service="other", PrefixRewrite="/new/"),
        route({"PathRegex": "/r[0-9]+"}, Service="other"),
        route({"Header": [{"Name": "x-to", "Exact": "other"}]}, Service="other"),
        route({"QueryParam": [{"Name": "to", "Exact": "other"}]}, Service="other"),
        route({"Methods": ["PUT", "DELETE"]}, Service="other"),
    )
    async with mesh(tmp_path, entry, api=("api",), other=("other",)) as one:
        assert await one.who("/") == "api"
        assert await one.who("/exact") == "other"
        assert await one.who("/exact/no") == "api"
        assert (await one.ask("/old/x?y=1")).seen["path"] == "/new/x?y=1"
        assert await one.who("/r17") == "other"
        assert await one.who("/r17x") == "api"
        assert await one.who("/", x_to="other") == "other"
        assert await one.who("/", x_to="another") == "api"
        assert await one.who("/?to=other") == "other"
        assert await one.who("/", "PUT") == "other"
        assert await one.who("/", "POST") == "api"


@live
async def test_headers_are_changed_on_the_way_and_back(tmp_path: Path) -> None:
    entry = router(
        route(
            {"PathPrefix": "/"},
            RequestHeaders={"Set": {"x-set": "new"}, "Add": {"x-added": "more"}, "Remove": ["x-gone"]},
            ResponseHeaders={"Set": {"x-answer": "yes"}, "Remove": ["server"]},
        )
    )
    async with mesh(tmp_path, entry, api=("api",)) as one:
        answer = await one.ask(x_set="old", x_gone="here")
        assert answer.seen_header("x-set") == "new"
        assert answer.seen_header("x-gone") == ""
        assert answer.seen_header("x-added") == "more"
        assert answer.headers["x-answer"] == "yes"


@live
async def test_requests_are_shared_out_by_weight(tmp_path: Path) -> None:
    entry: JsonObject = {
        "Kind": "service-splitter",
        "Name": "api",
        "Splits": [{"Weight": 90}, {"Weight": 10, "Service": "other"}],
    }
    async with mesh(tmp_path, entry, api=("api",), other=("other",)) as one:
        found = Counter([await one.who() for _ in range(300)])
    # 300 draws of a chance of 10 %: outside of this once in a million.
    assert 8 <= found["other"] <= 62
    assert found["api"] == 300 - found["other"]


@live
async def test_a_request_that_failed_is_tried_again_as_often_as_was_said(tmp_path: Path) -> None:
    entry = router(route({"PathPrefix": "/retried"}, NumRetries=2, RetryOnStatusCodes=[503]))
    async with mesh(tmp_path, entry, api=("api",)) as one:
        one.sites["api"].failures = 2
        assert (await one.ask("/retried")).status == 200
        assert one.sites["api"].asked == 3
        one.sites["api"].failures = 1
        assert (await one.ask("/other")).status == 503


@live
async def test_an_answer_that_takes_too_long_is_not_waited_for(tmp_path: Path) -> None:
    entry = router(route({"PathPrefix": "/"}, RequestTimeout="200ms"))
    async with mesh(tmp_path, entry, api=("api",)) as one:
        one.sites["api"].delay_s = 1.0
        assert (await one.ask()).status == 504


@live
async def test_faults_are_made_where_they_were_asked_for(tmp_path: Path) -> None:
    entry = router(
        route({"PathPrefix": "/abort"}, Fault={"Abort": {"Status": 418, "Percent": 100}}),
        route({"PathPrefix": "/never"}, Fault={"Abort": {"Status": 418, "Percent": 0}}),
        route({"PathPrefix": "/late"}, RequestTimeout="5s", Fault={"Delay": {"Duration": "300ms", "Percent": 100}}),
    )
    async with mesh(tmp_path, entry, api=("api",)) as one:
        assert (await one.ask("/abort")).status == 418
        assert (await one.ask("/never")).status == 200
        assert (await one.ask("/late")).status == 200
        assert await one.proxy.figure("http.upstream_api_http.fault.aborts_injected") == 1
        assert await one.proxy.figure("http.upstream_api_http.fault.delays_injected") == 1


@live
async def test_copies_go_to_another_service(tmp_path: Path) -> None:
    entry = router(route({"PathPrefix": "/"}, Mirror={"Service": "shadow", "Percent": 100}))
    async with mesh(tmp_path, entry, api=("api",), shadow=("shadow",)) as one:
        for _ in range(5):
            assert await one.who() == "api"
        await eventually(lambda: one.sites["shadow"].asked == 5, what="copies arrive")


@live
async def test_one_client_always_meets_the_same_instance_by_its_header(tmp_path: Path) -> None:
    entry: JsonObject = {
        "Kind": "service-resolver",
        "Name": "api",
        "LoadBalancer": {"Policy": "maglev", "HashPolicies": [{"Field": "header", "FieldValue": "x-user"}]},
    }
    async with mesh(tmp_path, entry, api=("api-1", "api-2")) as one:
        met = {user: {await one.who(x_user=user) for _ in range(4)} for user in map(str, range(12))}
    assert all(len(instances) == 1 for instances in met.values())
    assert len({next(iter(instances)) for instances in met.values()}) == 2


@live
async def test_another_service_stands_in_when_no_instance_is_left(tmp_path: Path) -> None:
    entry: JsonObject = {"Kind": "service-resolver", "Name": "api", "Failover": {"*": {"Service": "spare"}}}
    async with mesh(tmp_path, entry, spare=("spare",)) as one:
        assert await one.who() == "spare"


def test_the_clients_of_grpc_say_themselves_how_long_they_wait() -> None:
    chain = compiled("api", {"Kind": "proxy-defaults", "Name": "global", "Config": {"protocol": "grpc"}})
    (only,) = chain_routes(chain, "grpc")
    assert "'timeout': '0s'" in str(only)
    assert "timeout" not in str(chain_routes(compiled("api", HTTP), "http"))


@pytest.mark.parametrize(("weight", "share"), [(100, 10_000), (0.01, 1), (33.33, 3_333), (0, 0)])
def test_shares_are_counted_in_ten_thousandths(weight: float, share: int) -> None:
    rest: JsonObject = {"Weight": round(100 - weight, 2), "Service": "other"}
    splitter: JsonObject = {"Kind": "service-splitter", "Name": "api", "Splits": [{"Weight": weight}, rest]}
    (only,) = chain_routes(compiled("api", HTTP, splitter), "http")
    assert f"'weight': {share}" in str(only)
