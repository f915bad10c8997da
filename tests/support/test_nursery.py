"""Forks that are `lictor`: what a test sees of them is what it sees of the program."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.api import listens
from tests.support.conditions import wait_until
from tests.support.nursery import can_fork, fork, run
from tests.support.nursery_door import stand_in
from tests.support.ports import free_port
from tests.support.processes import process_is_alive

LICTOR = str(Path(sys.executable).parent / "lictor")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["version"], b""),
        (["nonsense"], b""),
        (["kv", "get", "-http-addr=127.0.0.1:1", "x"], b""),
        (["validate", "here"], b""),
        (["validate", "--help"], b""),
    ],
)
def test_a_fork_prints_and_returns_what_the_program_does(arguments: list[str], text: bytes, tmp_path: Path) -> None:
    (tmp_path / "here").write_text("{")
    words = [LICTOR, *arguments]
    environment = {**os.environ, "NO_COLOR": "1"}
    started = subprocess.run(words, cwd=tmp_path, env=environment, input=text, capture_output=True, check=False)
    forked = run(words, tmp_path, environment, text, 60)
    assert (forked.returncode, forked.stdout, forked.stderr) == (started.returncode, started.stdout, started.stderr)


def test_input_and_environment_reach_a_fork(tmp_path: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "CONSUL_HTTP_ADDR": "127.0.0.1:2"}
    told = run([LICTOR, "kv", "put", "x", "-"], tmp_path, environment, b"text", 60)
    assert (told.returncode, b"127.0.0.1:2" in told.stderr) == (1, True)


def test_a_fork_that_is_killed_says_so_and_one_that_has_ended_gets_no_signal(tmp_path: Path) -> None:
    with open(os.devnull, "r+b") as nothing:
        process = fork(
            [LICTOR, "agent", "-dev", f"-http-port={free_port()}"],
            tmp_path,
            os.environ,
            (nothing, nothing, nothing),
            new_session=True,
        )
    assert process.poll() is None
    assert os.getsid(process.pid) == process.pid
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.01)
    process.send_signal(signal.SIGKILL)
    assert process.wait(30) == -signal.SIGKILL
    process.send_signal(signal.SIGKILL)
    assert (process.poll(), process.returncode) == (-signal.SIGKILL, -signal.SIGKILL)
    assert not process_is_alive(process.pid)


def test_what_is_read_before_any_module_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    assert can_fork([LICTOR, "agent"], {"CONSUL_HTTP_ADDR": "x"})
    assert not can_fork([LICTOR, "agent"], {"LD_PRELOAD": "x"})
    assert not can_fork(["/usr/bin/consul", "agent"])
    monkeypatch.setenv("LICTOR_TESTS_START", "1")
    assert not can_fork([LICTOR, "agent"])


@pytest.mark.slow
def test_a_stand_in_prints_passes_signals_on_and_ends_as_the_program(tmp_path: Path) -> None:
    program = tmp_path / "consul"
    with stand_in(program):
        told = subprocess.run([program, "version"], capture_output=True, text=True, timeout=60, check=False)
        assert (told.returncode, told.stderr) == (0, "")
        assert told.stdout.startswith("Lictor v")
        assert subprocess.run([program, "nonsense"], capture_output=True, timeout=60, check=False).returncode == 127
        with (tmp_path / "log").open("wb") as log:
            ports = [f"-{name}-port={free_port()}" for name in ("http", "dns", "server", "grpc")]
            started = subprocess.Popen([program, "agent", "-dev", *ports], stdout=log, stderr=log)
        try:
            path = tmp_path / "log"
            wait_until(lambda: "raft.leader.elected" in path.read_text(), within_s=60, what="an agent that leads")
            started.send_signal(signal.SIGTERM)
            assert started.wait(60) == 1, "the code of Consul for a server that is ended"
            assert "agent.process.ending" in path.read_text()
        finally:
            started.kill()
            started.wait()


@pytest.mark.slow
def test_a_stand_in_that_is_killed_takes_the_fork_with_it(tmp_path: Path) -> None:
    program, port = tmp_path / "consul", free_port()
    ports = [f"-http-port={port}", *(f"-{name}-port={free_port()}" for name in ("dns", "server", "grpc"))]
    with stand_in(program):
        started = subprocess.Popen([program, "agent", "-dev", *ports], stdout=subprocess.DEVNULL)
        try:
            wait_until(lambda: listens(port), within_s=60, what="an agent")
        finally:
            started.kill()
            started.wait()
        wait_until(lambda: not listens(port), within_s=60, what="its end")
