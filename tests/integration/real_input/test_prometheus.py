"""Prometheus finds its targets by `consul_sd_configs`."""

from pathlib import Path

import pytest

from tests.support.agents import DevAgent
from tests.support.api import WAIT_S_MAX, answers, call
from tests.support.conditions import wait_until
from tests.support.ports import free_port
from tests.support.processes import running
from tests.support.recorder.json_types import Json, as_list, as_object, at
from tests.support.requirements import need_consul_discovery
from tests.support.web import Page, page_server

pytestmark = pytest.mark.slow

_CONFIG = """
global: {{scrape_interval: 1s, scrape_timeout: 1s}}
scrape_configs:
- job_name: found
  consul_sd_configs:
  - server: "{address}"
    services: [metrics]
    tags: [scraped]
    refresh_interval: 1s
  relabel_configs:
  - {{source_labels: [__meta_consul_service_metadata_team], target_label: team}}
"""


_METRICS = Page(200, b"answers 42\n", {"Content-Type": "text/plain; version=0.0.4"})


@pytest.mark.needs("prometheus", "promtool")
def test_targets_come_and_go_with_their_services(agent: DevAgent, tmp_path: Path) -> None:
    address = f"127.0.0.1:{free_port()}"
    config = tmp_path / "prometheus.yml"
    config.write_text(_CONFIG.format(address=agent.http_address))
    need_consul_discovery(config)
    argv = [
        "prometheus",
        f"--config.file={config}",
        f"--storage.tsdb.path={tmp_path / 'tsdb'}",
        f"--web.listen-address={address}",
    ]
    with (
        page_server(_METRICS) as metrics_port,
        running("prometheus", argv, tmp_path, ready=lambda: answers(address, "/-/ready")),
    ):
        _register(agent, "metrics-1", metrics_port, ["scraped", "x"])
        _register(agent, "metrics-2", metrics_port, ["other"])
        wait_until(lambda: _healths(address) == ["up"], within_s=WAIT_S_MAX, what="one target is scraped")
        _check_target(_targets(address)[0], metrics_port)
        call(agent.http_address, "PUT", "/v1/agent/service/deregister/metrics-1")
        wait_until(lambda: _targets(address) == [], within_s=WAIT_S_MAX, what="no target is left")


def _check_target(target: Json, metrics_port: int) -> None:
    found = as_object(at(target, "discoveredLabels"))
    assert at(target, "scrapeUrl") == f"http://127.0.0.1:{metrics_port}/metrics"
    assert at(target, "labels.team") == "blue"
    assert found["__meta_consul_service"] == "metrics"
    assert found["__meta_consul_service_id"] == "metrics-1"
    assert found["__meta_consul_tags"] == ",scraped,x,"
    assert found["__meta_consul_dc"] == "dc1"
    assert found["__meta_consul_node"] == "judge"
    assert found["__meta_consul_health"] == "passing"


def _register(agent: DevAgent, service_id: str, port: int, tags: list[Json]) -> None:
    body: Json = {
        "ID": service_id,
        "Name": "metrics",
        "Address": "127.0.0.1",
        "Port": port,
        "Tags": tags,
        "Meta": {"team": "blue"},
    }
    call(agent.http_address, "PUT", "/v1/agent/service/register", body)


def _targets(prometheus: str) -> list[Json]:
    return as_list(at(call(prometheus, "GET", "/api/v1/targets?state=active"), "data.activeTargets"))


def _healths(prometheus: str) -> list[Json]:
    return [at(target, "health") for target in _targets(prometheus)]
