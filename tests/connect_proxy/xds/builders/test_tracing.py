"""Traces of requests."""

import json

import pytest

from lictor_connect_proxy.xds.builders.tracing import collector_cluster, tracing


@pytest.mark.parametrize("url", ["", "https://a:1", "http://", "http://a:x", "a:4317", "http://a:99999999"])
def test_without_a_collector_nothing_is_traced(url: str) -> None:
    assert tracing({"otlp_url": url}, "web", inbound=True) == {}
    assert collector_cluster({"otlp_url": url}) is None


def test_a_collector_is_a_cluster_of_grpc() -> None:
    found = str(collector_cluster({"otlp_url": "http://otel.example"}))
    assert "{'address': 'otel.example', 'port_value': 4317}" in found
    assert "http2_protocol_options" in found


@pytest.mark.parametrize(("share", "expected"), [(None, 100.0), (0, 0.0), (25, 25.0), (900, 100.0)])
def test_so_many_requests_are_traced(share: int | None, expected: float) -> None:
    config: dict[str, object] = {"otlp_url": "http://127.0.0.1:4317", "otlp_sampling_percent": share}
    assert tracing(config, "web", inbound=True)["random_sampling"] == {"value": expected}


def test_tracing_by_hand_is_taken_as_it_is() -> None:
    config: dict[str, object] = {"envoy_listener_tracing_json": json.dumps({"@type": "x", "verbose": True})}
    assert tracing({**config, "otlp_url": "http://a:1"}, "web", inbound=True) == {"verbose": True}
    assert collector_cluster({**config, "otlp_url": "http://a:1"}) is None
