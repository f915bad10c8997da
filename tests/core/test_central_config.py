"""A proxy with what the cluster says of it: what it says itself holds."""

from __future__ import annotations

import msgspec

from lictor_core.central_config import completed, question_of
from lictor_core.config_queries import ServiceConfigQuery
from lictor_core.config_records import ServiceConfig
from lictor_core.records import Expose, ExposePath, JsonObject, MeshGateway, Proxy, Service, ServiceKind, Upstream
from tests.server.build import service

NOTHING = ServiceConfig(proxy_config=None, upstream_configs={}, mesh_gateway=MeshGateway(), expose=Expose())
PATH = ExposePath(path="/a", parsed_from_check=False)


def upstream(name: str, config: JsonObject | None = None, *, kind: str = "service", mode: str = "") -> Upstream:
    return Upstream(
        destination_type=kind,
        destination_name=name,
        datacenter="",
        local_bind_port=9191,
        config=config,
        mesh_gateway=MeshGateway(mode=mode),
    )


def proxy(
    *upstreams: Upstream,
    kind: ServiceKind = ServiceKind.CONNECT_PROXY,
    of: str = "web-1",
    config: JsonObject | None = None,
    mode: str = "",
    expose: Expose | None = None,
) -> Service:
    said = Proxy(
        destination_service_name="web",
        destination_service_id=of,
        config=config,
        upstreams=list(upstreams),
        mesh_gateway=MeshGateway(mode=mode),
        expose=expose or Expose(),
    )
    return msgspec.structs.replace(service("side"), kind=kind, proxy=said)


def test_sidecars_and_gateways_are_asked_about() -> None:
    sidecar = proxy(upstream("db"), upstream("cache", kind=""), upstream("db"), upstream("near", kind="prepared_query"))
    assert question_of(sidecar) == ServiceConfigQuery(service="web", upstreams=("cache", "db"))
    assert question_of(proxy(kind=ServiceKind.MESH_GATEWAY)) == ServiceConfigQuery(service="side")
    assert question_of(proxy(of="")) is None
    assert question_of(service("plain")) is None


def test_an_instance_of_which_nothing_is_said_stays_the_very_same() -> None:
    one = proxy(upstream("db"), config={"a": 1})
    assert completed(one, NOTHING) is one


def test_what_is_left_open_is_filled_in() -> None:
    config = ServiceConfig(
        proxy_config={"protocol": "http", "deep": {"a": 1, "b": 2}},
        upstream_configs={"db": {"protocol": "grpc"}},
        mesh_gateway=MeshGateway(mode="local"),
        expose=Expose(checks=True, paths=[PATH]),
    )
    found = completed(proxy(upstream("db"), upstream("x"), config={"deep": {"a": 9, "b": None}}), config).proxy
    assert found.config == {"protocol": "http", "deep": {"a": 9, "b": 2}}
    assert found.mesh_gateway.mode == "local"
    assert found.expose == Expose(checks=True, paths=[PATH])
    assert [one.config for one in found.upstreams] == [{"protocol": "grpc"}, None]
    assert [one.mesh_gateway.mode for one in found.upstreams] == ["local", "local"]


def test_what_the_registration_says_holds() -> None:
    config = ServiceConfig(
        proxy_config={"protocol": "http", "deep": 5, "zero": 1, "no": True, "text": "x", "list": [1]},
        upstream_configs={"db": {"protocol": "grpc"}},
        mesh_gateway=MeshGateway(mode="local"),
        expose=Expose(paths=[PATH]),
    )
    own = Expose(paths=[ExposePath(path="/own", parsed_from_check=False)])
    one = proxy(
        upstream("db", {"protocol": "tcp"}, mode="remote"),
        config={"protocol": "tcp", "deep": {"a": 1}, "zero": 0, "no": False, "text": "", "list": []},
        mode="none",
        expose=own,
    )
    assert completed(one, config) is one


def test_a_prepared_query_is_no_service() -> None:
    config = msgspec.structs.replace(
        NOTHING, upstream_configs={"near": {"a": 1}}, mesh_gateway=MeshGateway(mode="local")
    )
    (found,) = completed(proxy(upstream("near", kind="prepared_query")), config).proxy.upstreams
    assert found == upstream("near", kind="prepared_query")


def test_what_is_said_is_not_changed_by_being_merged() -> None:
    own: JsonObject = {"deep": {"a": 1}}
    theirs: JsonObject = {"deep": {"b": 2}}
    completed(proxy(config=own), msgspec.structs.replace(NOTHING, proxy_config=theirs))
    assert (own, theirs) == ({"deep": {"a": 1}}, {"deep": {"b": 2}})
