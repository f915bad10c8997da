"""Forks that are `lictor`: what a test sees of them is what it sees of the program."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.nursery import can_fork, fork, run
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
