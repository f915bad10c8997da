"""The commands of the README and of the quickstart do what the documents say, run as they are written."""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import subprocess
import tempfile
import urllib.error
import urllib.request
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.conditions import wait_until
from tests.support.documents import ROOT
from tests.support.processes import START_S_MAX, STOP_S_MAX
from tests.support.requirements import lack, need_consul_discovery
from tests.support.walk import run_walk, steps_under

# The documents use the default ports, since a reader does; only the tests of this module do.
PORTS = (8300, 8500, 8502, 8600, 9090, 9191, 21000, 21001, 6390, 6391, 8090, 8091, 9095)
WALK_S_MAX = 240.0
"""Ten times what a walk takes: other tests run at the same time."""
LEADER = "http://127.0.0.1:8500/v1/status/leader"


@pytest.fixture
def default_ports() -> Iterator[None]:
    """The default ports, for one walk at a time. Skips when something else holds one of them."""
    with (Path(tempfile.gettempdir()) / f"lictor-tests-default-ports-{os.getuid()}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for port in PORTS:
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind(("127.0.0.1", port))
                except OSError:
                    lack(f"port {port} of this machine is in use")
        yield


def _has_leader() -> bool:
    try:
        with urllib.request.urlopen(LEADER, timeout=5) as answer:
            return bool(answer.read() != b'""')
    except (urllib.error.URLError, OSError):
        return False


@contextmanager
def make_run() -> Generator[None]:
    """`make run` in the foreground of another terminal, in the environment that these tests run in, as it is.

    One that is older than the lock file would be made anew under all of them.
    """
    process = subprocess.Popen(
        ["make", "--old-file=.venv/.installed", "run"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        wait_until(_has_leader, within_s=START_S_MAX, what="a leader")
        yield
    finally:
        os.killpg(process.pid, signal.SIGINT)
        printed, _ = process.communicate(timeout=STOP_S_MAX)
    assert "8500" in printed
    assert "8600" in printed


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.needs("dig", "curl", "make")
@pytest.mark.usefixtures("default_ports")
def test_the_walk_of_the_readme_works_as_written() -> None:
    walk = steps_under((ROOT / "README.md").read_text(), "## A walk in five minutes")
    with make_run():
        run_walk(walk, ROOT, timeout_s=WALK_S_MAX)


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.needs("dig", "curl", "make", "redis-server", "redis-cli", "nginx", "wrk", "prometheus", "promtool")
@pytest.mark.usefixtures("default_ports")
def test_the_walk_of_the_quickstart_works_as_written() -> None:
    need_consul_discovery(ROOT / "config" / "examples" / "walk" / "prometheus.yml")
    walk = steps_under((ROOT / "docs" / "quickstart.md").read_text(), "## The walk")
    with make_run():
        run_walk(walk, ROOT, timeout_s=WALK_S_MAX)


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_the_three_servers_of_the_operators_page_work_as_written() -> None:
    run_walk(
        steps_under((ROOT / "docs" / "OPERATING.md").read_text(), "## Three servers to try"), ROOT, timeout_s=WALK_S_MAX
    )


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.needs("curl")
def test_the_page_of_tls_works_as_written() -> None:
    run_walk(steps_under((ROOT / "docs" / "TLS.md").read_text(), "## From nothing"), ROOT, timeout_s=WALK_S_MAX)


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.needs("dig")
def test_the_page_of_access_control_works_as_written() -> None:
    walk = steps_under((ROOT / "docs" / "ACL.md").read_text(), "## From nothing to nothing allowed")
    run_walk(walk, ROOT, timeout_s=WALK_S_MAX)
