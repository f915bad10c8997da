"""HAProxy finds its servers by `server-template` and SRV records of our DNS."""

import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.support.agents import DevAgent
from tests.support.api import WAIT_S_MAX, call, listens
from tests.support.conditions import wait_until
from tests.support.ports import free_port
from tests.support.processes import running
from tests.support.recorder.json_types import Json
from tests.support.web import Page, page_server

pytestmark = [pytest.mark.slow, pytest.mark.needs("haproxy")]

_CONFIG = """
global
  maxconn 64
defaults
  mode http
  timeout connect 2s
  timeout client 5s
  timeout server 5s
resolvers registry
  nameserver agent 127.0.0.1:{dns}
  accepted_payload_size 8192
  resolve_retries 3
  timeout resolve 200ms
  timeout retry 200ms
  hold valid 200ms
  hold nx 200ms
  hold obsolete 0s
frontend in
  bind 127.0.0.1:{port}
  default_backend web
backend web
  balance roundrobin
  http-response set-header X-Server %s
  server-template web 4 _web._tcp.service.consul resolvers registry resolve-prefer ipv4 init-addr none check inter 200ms
"""


def test_servers_come_and_go_with_their_instances(agent: DevAgent, tmp_path: Path) -> None:
    port = free_port()
    config = tmp_path / "haproxy.cfg"
    config.write_text(_CONFIG.format(dns=agent.ports["dns"], port=port))
    with (
        page_server(Page(200, b"one")) as one,
        page_server(Page(200, b"two")) as two,
        running("haproxy", ["haproxy", "-db", "-f", str(config)], tmp_path, ready=lambda: listens(port)),
    ):
        assert _answer(port) == "503"
        _register(agent, "web-1", one)
        _register(agent, "web-2", two)
        _wait_for(port, {"one", "two"})
        call(agent.http_address, "PUT", "/v1/agent/check/fail/service:web-1")
        _wait_for(port, {"two"})
        call(agent.http_address, "PUT", "/v1/agent/check/pass/service:web-1")
        call(agent.http_address, "PUT", "/v1/agent/service/deregister/web-2")
        _wait_for(port, {"one"})


def _wait_for(port: int, wanted: set[str]) -> None:
    wait_until(
        lambda: {_answer(port) for _ in range(8)} == wanted, within_s=WAIT_S_MAX, what=f"HAProxy serves {wanted} alone"
    )


def _answer(port: int) -> str:
    """Who answers through HAProxy; the status when nobody does."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as answer:
            return str(answer.read().decode())
    except urllib.error.HTTPError as error:
        return str(error.code)


def _register(agent: DevAgent, service_id: str, port: int) -> None:
    body: Json = {
        "ID": service_id,
        "Name": "web",
        "Address": "127.0.0.1",
        "Port": port,
        "Check": {"TTL": "60s", "Status": "passing"},
    }
    call(agent.http_address, "PUT", "/v1/agent/service/register", body)
