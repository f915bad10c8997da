"""`/v1/agent/metrics`."""

from __future__ import annotations

import dataclasses

from prometheus_client.parser import text_string_to_metric_families

from lictor_config.sections import Telemetry
from tests.agent.http.live import Live
from tests.support.recorder.json_types import as_list, at

PLAIN = Telemetry(disable_hostname=True)


def configure(live: Live, telemetry: Telemetry) -> None:
    agent = live.agent
    agent.reloader.configuration = dataclasses.replace(agent.configuration, telemetry=telemetry)


async def test_gauges_and_samples_have_consuls_shape(live: Live) -> None:
    configure(live, PLAIN)
    await live.get("/v1/kv/a?once")
    answer = await live.get("/v1/agent/metrics")
    assert str(answer.at("Timestamp")).endswith(" +0000 UTC")
    gauges = {str(at(row, "Name")): at(row, "Value") for row in as_list(answer.at("Gauges"))}
    assert gauges["consul.raft.is_leader"] == 1
    assert gauges["consul.autopilot.healthy"] == 1
    assert {"consul.runtime.alloc_bytes", "consul.raft.applied_index", "consul.http.connections"} <= set(gauges)
    rows = {str(at(row, "Name")): row for row in as_list(answer.at("Samples"))}
    if rows:  # a new interval may have begun between the two requests
        row = rows["consul.http.GET.v1.kv._"]
        assert at(row, "Count") == 1
        assert all(at(row, key) is not None for key in ("Rate", "Sum", "Min", "Max", "Mean", "Stddev", "Labels"))
    assert answer.at("Points") == []


async def test_gauges_name_the_host_unless_that_is_switched_off(live: Live) -> None:
    configure(live, Telemetry())
    names = [str(at(row, "Name")) for row in as_list((await live.get("/v1/agent/metrics")).at("Gauges"))]
    assert all(name.count(".") >= 3 for name in names), names
    assert not any(name.startswith("consul.runtime.") for name in names)


async def test_prometheus_must_be_switched_on(live: Live) -> None:
    answer = await live.get("/v1/agent/metrics?format=prometheus")
    assert answer.status == 415
    assert answer.text == "Prometheus is not enabled since its retention time is not positive"
    configure(live, dataclasses.replace(PLAIN, prometheus_retention_time_s=60.0))
    answer = await live.get("/v1/agent/metrics?format=prometheus")
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert "consul_raft_is_leader 1.0" in answer.text.splitlines()
    await live.get("/v1/kv/a")
    assert "consul_http_GET_v1_kv___count" in (await live.get("/v1/agent/metrics?format=prometheus")).text


async def test_filters_leave_out_what_they_say(live: Live) -> None:
    configure(live, dataclasses.replace(PLAIN, prefix_filter=("-consul.raft", "+consul.raft.is_leader")))
    rows = as_list((await live.get("/v1/agent/metrics")).at("Gauges"))
    assert [str(at(row, "Name")) for row in rows if "raft" in str(at(row, "Name"))] == ["consul.raft.is_leader"]


async def test_prometheus_is_shown_what_was_told_within_the_retention_time(live: Live) -> None:
    configure(live, dataclasses.replace(PLAIN, prometheus_retention_time_s=60.0))
    live.http.meter.count("once.upon")
    assert "consul_once_upon 1.0" in (await live.get("/v1/agent/metrics?format=prometheus")).text.splitlines()
    configure(live, dataclasses.replace(PLAIN, prometheus_retention_time_s=1e-9))
    assert "consul_once_upon" not in (await live.get("/v1/agent/metrics?format=prometheus")).text


async def test_writes_and_the_log_are_measured(live: Live) -> None:
    configure(live, dataclasses.replace(PLAIN, prometheus_retention_time_s=60.0))
    await live.put("/v1/kv/a", b"1")
    text = (await live.get("/v1/agent/metrics?format=prometheus")).text
    found = {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    # The parser, unlike the text, ends the names of counters with `_total`.
    assert found[("consul_kvs_apply_count",)] == 1
    assert found[("consul_fsm_kvs_count", "set")] == 1
    assert found[("consul_raft_state_leader_total",)] == 1
    assert found[("consul_raft_apply_total",)] >= found[("consul_raft_commitTime_count",)] >= 1
    assert found[("consul_raft_commitTime_sum",)] > 0
    assert {("consul_rpc_queries_blocking",), ("consul_session_ttl_active",)} <= set(found)
