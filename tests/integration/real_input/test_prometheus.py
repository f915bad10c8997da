"""Scrapers find their targets by `consul_sd_configs`."""

import contextlib
import threading
from collections.abc import Generator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from tests.support.agents import DevAgent
from tests.support.api import WAIT_S_MAX, call, listens
from tests.support.conditions import wait_until
from tests.support.ports import free_port
from tests.support.processes import running
from tests.support.recorder.json_types import Json, as_list, as_object, at
from tests.support.requirements import need_consul_discovery

pytestmark = pytest.mark.slow

_CONFIG = """
global: {{scrape_interval: 1s, scrape_timeout: 1s}}
scrape_configs:
- job_name: found
  consul_sd_configs:
  - server: "{address}"
    services: [metrics]
    tags: [scraped]
    {more}
  relabel_configs:
  - {{source_labels: [__meta_consul_service_metadata_team], target_label: team}}
"""


class _Metrics(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = b"answers 42\n"
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.mark.needs("prometheus", "promtool")
def test_prometheus_follows_the_services(agent: DevAgent, tmp_path: Path) -> None:
    port = free_port()
    config = _configured(tmp_path, agent, "refresh_interval: 1s")
    need_consul_discovery(config)
    argv = [
        "prometheus",
        f"--config.file={config}",
        f"--storage.tsdb.path={tmp_path / 'tsdb'}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    with running("prometheus", argv, tmp_path, ready=lambda: listens(port)):
        _targets_come_and_go(agent, f"127.0.0.1:{port}")


@pytest.mark.needs("victoria-metrics")
def test_victoria_metrics_follows_the_services(agent: DevAgent, tmp_path: Path) -> None:
    """VictoriaMetrics reads the same configuration with discovery of its own making."""
    port = free_port()
    argv = [
        "victoria-metrics",
        f"-promscrape.config={_configured(tmp_path, agent)}",
        "-promscrape.consulSDCheckInterval=1s",
        f"-storageDataPath={tmp_path / 'storage'}",
        f"-httpListenAddr=127.0.0.1:{port}",
    ]
    with running("victoria-metrics", argv, tmp_path, ready=lambda: listens(port)):
        _targets_come_and_go(agent, f"127.0.0.1:{port}")


def _targets_come_and_go(agent: DevAgent, scraper: str) -> None:
    with _metrics_server() as metrics_port:
        _register(agent, "metrics-1", metrics_port, ["scraped", "x"])
        _register(agent, "metrics-2", metrics_port, ["other"])
        wait_until(lambda: _healths(scraper) == ["up"], within_s=WAIT_S_MAX, what="one target is scraped")
        (target,) = _targets(scraper)
        found = as_object(at(target, "discoveredLabels"))
        assert at(target, "scrapeUrl") == f"http://127.0.0.1:{metrics_port}/metrics"
        assert at(target, "labels.team") == "blue"
        assert found["__meta_consul_service"] == "metrics"
        assert found["__meta_consul_service_id"] == "metrics-1"
        assert found["__meta_consul_tags"] == ",scraped,x,"
        assert found["__meta_consul_dc"] == "dc1"
        assert found["__meta_consul_node"] == "judge"
        assert found["__meta_consul_health"] == "passing"
        call(agent.http_address, "PUT", "/v1/agent/service/deregister/metrics-1")
        wait_until(lambda: _targets(scraper) == [], within_s=WAIT_S_MAX, what="no target is left")


def _configured(directory: Path, agent: DevAgent, more: str = "") -> Path:
    config = directory / "scrape.yml"
    config.write_text(_CONFIG.format(address=agent.http_address, more=more))
    return config


@contextlib.contextmanager
def _metrics_server() -> Generator[int]:
    with HTTPServer(("127.0.0.1", 0), _Metrics) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


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


def _targets(scraper: str) -> list[Json]:
    return as_list(at(call(scraper, "GET", "/api/v1/targets?state=active"), "data.activeTargets"))


def _healths(scraper: str) -> list[Json]:
    return [at(target, "health") for target in _targets(scraper)]
