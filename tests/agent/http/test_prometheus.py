"""Prometheus's text form, read back by its own parser."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from lictor_agent.http.prometheus import exposition
from lictor_core.metrics import Gauge, Series, Total


def test_counters_have_consuls_names_and_are_counters() -> None:
    text = exposition([Gauge("consul.a", 1)], {Series("consul.rpc.request", (("op", 'x"y'),)): Total(3, 7.0)}, {})
    families = [(family.name, family.type) for family in text_string_to_metric_families(text.decode())]
    assert [one for one in families if not one[0].startswith("process_")] == [
        ("consul_a", "gauge"),
        ("consul_rpc_request", "counter"),
    ]
    assert b'consul_rpc_request{op="x\\"y"} 7.0\n' in text


def test_gauges_counters_and_samples_are_read_back() -> None:
    text = exposition(
        [
            Gauge("consul.agent.checks", 3, (("status", "passing"),)),
            Gauge("consul.agent.checks", 1, (("status", "x"),)),
        ],
        {Series("consul.rpc.request"): Total(3, 7.0)},
        {Series("consul.http.GET.v1.kv._"): Total(2, 5.5)},
    ).decode()
    found = {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    assert found.pop(("process_resident_memory_bytes",)) > 1e6
    assert found.pop(("process_cpu_seconds_total",)) > 0
    assert {key: value for key, value in found.items() if not key[0].startswith("process_")} == {
        ("consul_agent_checks", "passing"): 3.0,
        ("consul_agent_checks", "x"): 1.0,
        ("consul_rpc_request_total",): 7.0,
        ("consul_http_GET_v1_kv___count",): 2.0,
        ("consul_http_GET_v1_kv___sum",): 5.5,
    }
