"""nginx behind two sidecars, under the load of `wrk`."""

import re
import subprocess
import urllib.request
from pathlib import Path

import pytest

from tests.support.agents import DevAgent
from tests.support.api import WAIT_S_MAX, listens
from tests.support.conditions import wait_until
from tests.support.mesh import mesh
from tests.support.ports import free_port
from tests.support.processes import running

_BODY = "behind the mesh\n"
_SECONDS = 2
_REQUESTS_MIN = 500
"""Far below what any machine does: this is a test of correctness under load, not of speed."""

_CONFIG = """
daemon off;
pid {directory}/nginx.pid;
error_log {directory}/nginx-error.log;
worker_processes 1;
events {{ worker_connections 256; }}
http {{
  access_log off;
  client_body_temp_path {directory}/body;
  proxy_temp_path {directory}/proxy;
  fastcgi_temp_path {directory}/fastcgi;
  uwsgi_temp_path {directory}/uwsgi;
  scgi_temp_path {directory}/scgi;
  server {{
    listen 127.0.0.1:{port};
    location / {{ return 200 "{body}"; }}
  }}
}}
"""


@pytest.mark.slow
@pytest.mark.needs("nginx", "wrk")
def test_every_request_of_a_load_is_answered(agent: DevAgent, tmp_path: Path) -> None:
    port = free_port()
    config = tmp_path / "nginx.conf"
    config.write_text(_CONFIG.format(directory=tmp_path, port=port, body=_BODY.replace("\n", "\\n")))
    argv: list[str | Path] = ["nginx", "-p", tmp_path, "-c", config, "-e", tmp_path / "nginx-error.log"]
    with (
        running("nginx", argv, tmp_path, ready=lambda: listens(port)),
        mesh(agent, tmp_path, port) as running_mesh,
    ):
        url = f"http://127.0.0.1:{running_mesh.port}/"
        wait_until(lambda: _get(url) == _BODY, within_s=WAIT_S_MAX, what="nginx answers through the mesh")
        load = subprocess.run(
            ["wrk", "-t", "1", "-c", "32", "-d", f"{_SECONDS}s", "--timeout", "10s", url],
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        ).stdout
        found = re.search(r"(\d+) requests in", load)
        assert found is not None, load
        assert int(found[1]) > _REQUESTS_MIN, load
        assert "Non-2xx" not in load, load
        assert "Socket errors" not in load, load
        assert _get(url) == _BODY


def _get(url: str) -> str:
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return str(answer.read().decode())
    except OSError:
        return ""
