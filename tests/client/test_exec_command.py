"""`lictor exec` beside agents that allow it: ours and the real Consul's."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lictor.api.blocking import Client
from lictor.api.calls import kv, session
from lictor.api.settings import Settings, parse_address
from tests.client.conftest import Command
from tests.support.agents import DevAgent, dev_agent, environment_for_commands, program_of, put_consul_on_path
from tests.support.conditions import wait_until

put_consul_on_path()
LICTOR = str(Path(sys.executable).parent / "lictor")


@pytest.fixture(scope="module")
def willing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DevAgent]:
    """An agent that takes commands from others."""
    with dev_agent("lictor", tmp_path_factory.mktemp("willing"), {"disable_remote_exec": False}) as agent:
        yield agent


def ran(program: str, agent: DevAgent, *words: str, stdin: bytes = b"") -> "subprocess.CompletedProcess[bytes]":
    environment = {**os.environ, **environment_for_commands(agent.http_address)}
    words = ("exec", "-wait=3s", *words)
    return subprocess.run([program, *words], env=environment, input=stdin, capture_output=True, timeout=60, check=False)


def left(agent: DevAgent) -> tuple[list[str], int]:
    """Keys and sessions that are there."""
    with Client(Settings(endpoint=parse_address(agent.http_address))) as client:
        return client.send(kv.keys("_rexec")), len(client.send(session.sessions()))


def test_a_command_is_run_and_nothing_is_left_of_it(willing: DevAgent) -> None:
    done = ran(LICTOR, willing, "echo out; echo err >&2")
    assert (done.returncode, done.stderr) == (0, b"")
    assert sorted(done.stdout.splitlines()) == sorted(
        [
            b"    judge: out",
            b"    judge: err",
            b"    judge:",
            b"==> judge: finished with exit code 0",
            b"1 / 1 node(s) completed / acknowledged",
        ]
    )
    assert left(willing) == ([], 0)


def test_a_command_that_fails_somewhere_is_told_by_the_exit_code(willing: DevAgent) -> None:
    done = ran(LICTOR, willing, "exit 3")
    assert (done.returncode, done.stdout.splitlines()[0]) == (2, b"==> judge: finished with exit code 3")


def test_a_script_comes_on_stdin(willing: DevAgent) -> None:
    done = ran(LICTOR, willing, "-", stdin=b"#!/bin/sh\nprintf '\\377'\n")
    assert b"    judge: \xff\n" in done.stdout


def test_nodes_that_filters_do_not_find_are_not_asked(willing: DevAgent) -> None:
    for filters in (["-node=^nobody$"], ["-service=^web$"]):
        done = ran(LICTOR, willing, *filters, "echo x")
        assert (done.returncode, done.stdout) == (0, b"0 / 0 node(s) completed / acknowledged\n")


def test_an_agent_takes_no_commands_unless_it_is_told_to(live_agent: DevAgent) -> None:
    done = ran(LICTOR, live_agent, "echo x")
    assert (done.returncode, done.stdout) == (0, b"0 / 0 node(s) completed / acknowledged\n")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_who_is_interrupted_leaves_nothing_behind(willing: DevAgent, number: signal.Signals) -> None:
    environment = {**os.environ, **environment_for_commands(willing.http_address)}
    words = [LICTOR, "exec", "-verbose", "sleep 3"]
    with subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        wait_until(lambda: any(key.endswith("/ack") for key in left(willing)[0]), within_s=30, what="it runs")
        process.send_signal(number)
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 128 + number
    assert b"Traceback" not in errors
    assert left(willing) == ([], 0)


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ((), "Must specify a command to execute"),
        (("-tag=x", "a"), "Cannot provide tag filter without service filter"),
        (("-node=(", "a"), "Invalid node filter: error parsing regexp"),
        (("-wait=x", "a"), "-wait: "),
        (("-wait-repl=x", "a"), "-wait-repl: "),
        (("-prefix=/", "a"), "-prefix is empty"),
        (("-shell=false", "-"), "a script needs a shell"),
        (("x" * 600_000,), "put it on the nodes first"),
        (("a",), "could not reach the agent"),
    ],
    ids=str,
)
def test_what_cannot_be_asked_for_is_told(lonely_command: Command, words: tuple[str, ...], reason: str) -> None:
    refused = lonely_command("exec", *words)
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert reason in refused.stderr


@pytest.mark.slow
@pytest.mark.needs("consul")
def test_either_programs_agents_understand_the_other_ones_command(willing: DevAgent, tmp_path: Path) -> None:
    with dev_agent("consul", tmp_path, {"disable_remote_exec": False}) as consul:
        for program, agent in ((LICTOR, consul), (program_of("consul"), willing)):
            done = ran(program, agent, "-verbose", "for i in 1 2 3; do echo $i; sleep 0.7; done; exit 4")
            lines = done.stdout.decode().splitlines()
            assert done.returncode == 2, lines
            for line in ("acknowledged", "finished with exit code 4"):
                assert f"==> judge: {line}" in lines
            assert [line for line in lines if line in ("    judge: 1", "    judge: 2", "    judge: 3")] == [
                f"    judge: {number}" for number in (1, 2, 3)
            ]
            script = ran(program, agent, "-", stdin=b"echo script\n")
            assert b"    judge: script\n" in script.stdout
            words = ran(program, agent, "-shell=false", "echo", "a  b")
            assert b"    judge: a  b\n" in words.stdout
            assert left(agent) == ([], 0)
