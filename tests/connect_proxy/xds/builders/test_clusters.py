"""Clusters of applications and upstreams."""

import msgspec
import pytest

from lictor_connect_proxy.snapshot import Endpoint, Limits, PassiveHealth
from lictor_connect_proxy.xds.builders.clusters import (
    Reached,
    ReachedTier,
    local_cluster,
    mesh_cluster,
    protocol_options,
)
from tests.connect_proxy.build import endpoint, service_id, snapshot

REACHED = Reached(
    name="db",
    tiers=[ReachedTier(endpoints=[endpoint(1)], sni="db", expected=(service_id("db"),))],
    connect_timeout_s=5,
    protocol="tcp",
)


def test_instances_come_apart_from_the_cluster() -> None:
    cluster, instances = mesh_cluster(REACHED)
    moved, elsewhere = mesh_cluster(
        msgspec.structs.replace(REACHED, tiers=[msgspec.structs.replace(REACHED.tiers[0], endpoints=[endpoint(2)])])
    )
    assert cluster == moved
    assert instances != elsewhere
    assert cluster["type"] == "EDS"


def test_hosts_with_names_are_looked_up_by_envoy() -> None:
    tier = msgspec.structs.replace(REACHED.tiers[0], endpoints=[Endpoint("db.example", 80, "a")])
    cluster, instances = mesh_cluster(msgspec.structs.replace(REACHED, tiers=[tier]))
    assert instances is None
    assert cluster["type"] == "STRICT_DNS"
    assert "eds_cluster_config" not in cluster


def test_ill_instances_get_nothing_even_when_all_are_ill() -> None:
    cluster, _ = mesh_cluster(REACHED)
    assert cluster["common_lb_config"] == {"healthy_panic_threshold": {"value": 0}, "update_merge_window": "0s"}


def test_limits_and_passive_health_are_what_was_asked_for() -> None:
    asked = msgspec.structs.replace(
        REACHED,
        limits=Limits(max_connections=1, max_pending_requests=0),
        passive_health=PassiveHealth(interval_s=0.5, failures_max=3),
    )
    cluster, _ = mesh_cluster(asked)
    assert cluster["circuit_breakers"] == {"thresholds": [{"max_connections": 1, "max_pending_requests": 0}]}
    assert cluster["outlier_detection"] == {"interval": "0.5s", "consecutive_5xx": 3}


def test_a_stand_in_proves_to_be_itself_and_not_the_service() -> None:
    other = ReachedTier(endpoints=[endpoint(2)], sni="other", expected=(service_id("other"),))
    cluster, instances = mesh_cluster(msgspec.structs.replace(REACHED, tiers=[*REACHED.tiers, other]))
    assert service_id("other").uri() not in str(cluster["transport_socket"])
    assert service_id("db").uri() not in str(cluster["transport_socket_matches"])
    assert "'target': 'other'" in str(instances)


@pytest.mark.parametrize(
    ("protocol", "form"), [("http", "http_protocol_options"), ("http2", "http2_protocol_options"), ("grpc", "http2_")]
)
def test_the_protocol_decides_which_http_is_spoken(protocol: str, form: str) -> None:
    assert form in str(protocol_options(protocol))


def test_connections_are_no_http() -> None:
    assert protocol_options("tcp") == {}


def test_an_application_may_be_a_unix_socket() -> None:
    public = snapshot().public
    assert public is not None
    found = local_cluster(msgspec.structs.replace(public, application_path="/run/app.sock"), "tcp")
    assert "{'pipe': {'path': '/run/app.sock'}}" in str(found["load_assignment"])
