"""What an Envoy is started with: Consul's names and tags, in the form of today's Envoy, which checks it itself."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from lictor_connect_proxy.xds.bootstrap import AgentDoor, BootstrapOptions, bootstrap
from lictor_core.errors import ConfigurationError
from lictor_core.records import JsonObject
from tests.connect_proxy.authority import Authority
from tests.support.recorder.json_types import as_list, at, parse

RECORDED = Path(__file__).with_name("recorded") / "consul-1.8.7-bootstrap.json"
DOOR = AgentDoor(path="/run/lictor/envoy.sock")
EVERYTHING: JsonObject = {
    "envoy_statsd_url": "$STATSD",
    "envoy_dogstatsd_url": "unix:///run/dd.sock",
    "envoy_prometheus_bind_addr": "127.0.0.1:9102",
    "envoy_stats_bind_addr": "[::1]:9103",
    "envoy_stats_tags": ["a=b", "c=d=e", "flag"],
    "envoy_stats_flush_interval": "10s",
    "envoy_extra_static_clusters_json": '{"name":"x","connect_timeout":"1s"},{"name":"y","connect_timeout":"1s"}',
    "envoy_extra_static_listeners_json": (
        '{"name":"z","address":{"socket_address":{"address":"127.0.0.1","port_value":9104}},"filter_chains":[{}]}'
    ),
    "envoy_extra_stats_sinks_json": (
        '{"name":"envoy.stat_sinks.statsd","typed_config":{"@type":'
        '"type.googleapis.com/envoy.config.metrics.v3.StatsdSink","tcp_cluster_name":"x"}}'
    ),
}


def options(config: JsonObject, door: AgentDoor = DOOR) -> BootstrapOptions:
    return BootstrapOptions(
        proxy_id="web-sidecar-proxy", cluster="web", door=door, token="secret", envoy_version="1.40.0", config=config
    )


def made(config: JsonObject | None = None, door: AgentDoor = DOOR) -> JsonObject:
    return bootstrap(options(config or {}, door), {"STATSD": "udp://127.0.0.1:8125"})


def test_names_and_tags_are_those_of_consul() -> None:
    consul, own = parse(RECORDED.read_bytes()), parse(json.dumps(made()).encode())
    for path in ("stats_config", "admin.address", "node.id", "node.cluster", "node.metadata.namespace"):
        assert at(own, path) == at(consul, path), path
    assert at(own, "static_resources.clusters.0.name") == at(consul, "static_resources.clusters.0.name")


def test_the_token_goes_along_and_is_not_shown_otherwise() -> None:
    own = parse(json.dumps(made()).encode())
    metadata = at(own, "dynamic_resources.ads_config.grpc_services.0.initial_metadata")
    assert metadata == [{"key": "x-consul-token", "value": "secret"}]
    assert "secret" not in repr(options({}))


def test_everything_of_the_configuration_has_its_place() -> None:
    own = parse(json.dumps(made(EVERYTHING)).encode())
    assert [at(one, "name") for one in as_list(at(own, "static_resources.clusters"))] == [
        "local_agent",
        "self_admin",
        "x",
        "y",
    ]
    assert [at(one, "name") for one in as_list(at(own, "static_resources.listeners"))] == [
        "envoy_prometheus_metrics_listener",
        "envoy_metrics_listener",
        "z",
    ]
    assert [at(one, "name") for one in as_list(at(own, "stats_sinks"))] == [
        "envoy.stat_sinks.statsd",
        "envoy.stat_sinks.dog_statsd",
        "envoy.stat_sinks.statsd",
    ]
    assert at(own, "stats_sinks.0.typed_config.address.socket_address.port_value") == 8125
    assert at(own, "stats_sinks.1.typed_config.address.pipe.path") == "/run/dd.sock"
    assert as_list(at(own, "stats_config.stats_tags"))[-4:] == [
        {"tag_name": "a", "fixed_value": "b"},
        {"tag_name": "c", "fixed_value": "d=e"},
        {"tag_name": "flag", "fixed_value": "1"},
        {"tag_name": "local_cluster", "fixed_value": "web"},
    ]
    assert at(own, "stats_flush_interval") == "10s"


def test_a_whole_configuration_of_figures_replaces_the_tags() -> None:
    text = '{"use_all_default_tags":false}'
    assert made({"envoy_stats_config_json": text})["stats_config"] == {"use_all_default_tags": False}


def test_a_template_replaces_everything() -> None:
    template = (
        '{"node":{"id":"{{ .ProxyID }}","cluster":"{{.ProxyCluster}}"},{{/* who */}}"t":"{{ .GRPC.AgentSocket }}",'
        '"c":[{{ .StaticClustersJSON }}],"s":{{ .StatsConfigJSON }}}'
    )
    found = made({"envoy_bootstrap_json_tpl": template, "envoy_extra_static_clusters_json": '{"name":"x"}'})
    assert {key: found[key] for key in ("node", "t", "c")} == {
        "node": {"id": "web-sidecar-proxy", "cluster": "web"},
        "t": "/run/lictor/envoy.sock",
        "c": [{"name": "x"}],
    }


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"envoy_statsd_url": "tcp://127.0.0.1:1"}, "envoy_statsd_url: .*udp://"),
        ({"envoy_statsd_url": "unix:///x"}, "envoy_statsd_url: .*udp://"),
        ({"envoy_statsd_url": "udp://host:1"}, "'host' is no IP address"),
        ({"envoy_statsd_url": "$NOTHING"}, "variable NOTHING"),
        ({"envoy_statsd_url": 7}, "envoy_statsd_url must be a text"),
        ({"envoy_prometheus_bind_addr": "9102"}, "envoy_prometheus_bind_addr: '9102' is not ip:port"),
        ({"envoy_prometheus_bind_addr": "127.0.0.1:99999"}, "65535"),
        ({"envoy_stats_tags": "a=b"}, "must be a list"),
        ({"envoy_stats_tags": ["a"] * 65}, "64 are taken"),
        ({"envoy_extra_static_clusters_json": "not json"}, "envoy_extra_static_clusters_json is no JSON"),
        ({"envoy_tracing_json": "[]"}, "envoy_tracing_json is no JSON"),
        ({"envoy_bootstrap_json_tpl": "{{ if .Token }}x{{ end }}"}, "more than a variable"),
        ({"envoy_bootstrap_json_tpl": "{{ .Nothing }}"}, "no variable Nothing"),
        ({"envoy_bootstrap_json_tpl": "x"}, "envoy_bootstrap_json_tpl is no JSON"),
    ],
)
def test_what_cannot_be_used_is_named(config: JsonObject, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        made(config)


def test_a_port_with_tls_needs_to_know_whom_to_trust() -> None:
    with pytest.raises(ConfigurationError, match="-ca-file"):
        made(door=AgentDoor(port=8502, tls=True))


@pytest.mark.needs("envoy")
@pytest.mark.slow
@pytest.mark.parametrize("kind", ["plain", "port", "tls", "everything"])
def test_envoy_itself_takes_it(kind: str, tmp_path: Path) -> None:
    pem = Authority().pem
    doors = {
        "port": AgentDoor(host="127.0.0.1", port=8502),
        "tls": AgentDoor(tls=True, ca_pem=pem, server_name="server.dc1.consul"),
    }
    config = EVERYTHING if kind == "everything" else {}
    path = tmp_path / "bootstrap.json"
    path.write_text(json.dumps(made(config, doors.get(kind, DOOR))))
    checked = subprocess.run(
        ["envoy", "--mode", "validate", "--config-path", str(path), "--disable-hot-restart"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert checked.returncode == 0, checked.stderr[-2000:]
    assert "configuration" in checked.stdout + checked.stderr
