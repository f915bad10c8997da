"""Names that dashboards go by."""

import msgspec
import pytest

from lictor_connect_proxy.snapshot import ExposedPath, UpstreamListener
from lictor_connect_proxy.xds.naming import (
    exposed_listener,
    public_listener,
    query_cluster,
    target_cluster,
    upstream_id,
    upstream_listener,
)
from tests.connect_proxy.xds.chains import compiled


@pytest.mark.parametrize(
    ("upstream", "name"),
    [
        (UpstreamListener(service="db"), "db"),
        (UpstreamListener(service="db", datacenter="dc2"), "db?dc=dc2"),
        (UpstreamListener(service="nearest", is_query=True), "prepared_query:nearest"),
    ],
)
def test_an_upstream_is_called_as_consul_calls_it(upstream: UpstreamListener, name: str) -> None:
    assert upstream_id(upstream) == name
    there = msgspec.structs.replace(upstream, bind_port=9191)
    assert upstream_listener(there) == f"{name}:127.0.0.1:9191"
    assert upstream_listener(msgspec.structs.replace(there, socket_path="/run/a.sock")) == f"{name}:/run/a.sock"


def test_a_listener_is_named_after_its_address() -> None:
    assert public_listener("0.0.0.0", 21000) == "public_listener:0.0.0.0:21000"
    assert public_listener("::1", 21000) == "public_listener:[::1]:21000"


def test_an_exposed_path_is_named_after_what_can_stand_in_a_name() -> None:
    path = ExposedPath(path="/health/v1", listener_port=21500, application_port=8080)
    assert exposed_listener(path, "10.0.0.1") == "exposed_path_health_v1:10.0.0.1:21500"


def test_a_cluster_is_named_after_its_target() -> None:
    plain, demanding = compiled("db"), compiled("db", connect_timeout="9s")
    (target,) = plain.targets.values()
    assert target_cluster(plain, target) == "db.default.dc1.internal.11111111-2222-3333-4444-555555555555.consul"
    assert target_cluster(demanding, target) == f"{demanding.customization_hash}~{target.name}"
    assert query_cluster("nearest", "dc1", "td.consul") == "nearest.default.dc1.query.td.consul"
