"""`lictor monitor`, as a process beside a real agent."""

from __future__ import annotations

import signal
import subprocess
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager

import pytest

from lictor.api.blocking import Client
from lictor.api.errors import AgentError, TimedOutError
from lictor.api.settings import Settings, parse_address
from tests.client.conftest import Command
from tests.client.fake_agent import Reply, fake_agent
from tests.support.agents import DevAgent, program_of
from tests.support.conditions import wait_until


@contextmanager
def monitoring(agent: DevAgent, *flags: str) -> Generator[subprocess.Popen[str]]:
    words = [program_of("lictor"), "monitor", f"-http-addr={agent.http_address}", *flags]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def test_lines_are_shown_until_it_is_interrupted(live_agent: DevAgent) -> None:
    with monitoring(live_agent, "-log-level=debug") as process:
        assert process.stdout is not None
        seen: list[str] = []

        def shown() -> bool:
            url = f"{live_agent.http_address}/v1/catalog/nodes?monitored"
            with urllib.request.urlopen(url if url.startswith("http") else f"http://{url}", timeout=10):
                pass
            assert process.stdout is not None
            seen.append(process.stdout.readline())
            return "http.request.answered" in seen[-1]

        wait_until(shown, within_s=30, what="a line of the log")
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=20) == 0


def test_an_unknown_level_is_told(command: Command) -> None:
    printed = command("monitor", "-log-level=loud")
    assert printed.exit_code == 1
    assert "Unknown log level: loud" in printed.stderr


def test_no_agent_is_told(lonely_command: Command) -> None:
    assert lonely_command("monitor").exit_code == 1


def test_parts_come_as_they_are_and_a_refusal_is_raised() -> None:
    with fake_agent(lambda _: Reply(body=b"one\ntwo\n")) as agent:
        client = Client(Settings(endpoint=parse_address(agent.address)))
        assert b"".join(client.parts("/v1/agent/monitor", ())) == b"one\ntwo\n"
    with fake_agent(lambda _: Reply(status=429, body=b"too many")) as agent:
        client = Client(Settings(endpoint=parse_address(agent.address)))
        with pytest.raises(AgentError, match="too many"):
            next(client.parts("/v1/agent/monitor", ()))
    with fake_agent(lambda _: Reply(breaks_off=True)) as agent:
        client = Client(Settings(endpoint=parse_address(agent.address)))
        with pytest.raises(TimedOutError):
            next(client.parts("/v1/agent/monitor", ()))
