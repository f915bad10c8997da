"""The real agent that the client's tests speak to: one for all of a test process."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from lictor.api.settings import Settings, parse_address
from lictor.cli.program import run
from tests.client.senders import Sender
from tests.support.agents import DevAgent, dev_agent


@dataclass(frozen=True)
class Printed:
    """What a command printed, and its exit code."""

    exit_code: int
    stdout: str
    stderr: str

    @property
    def lines(self) -> list[str]:
        """The lines of stdout."""
        return self.stdout.splitlines()


Command = Callable[..., Printed]


@pytest.fixture(scope="session")
def live_agent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DevAgent]:
    """A running development agent."""
    with dev_agent("lictor", tmp_path_factory.mktemp("agent"), {}) as agent:
        yield agent


@pytest.fixture
def live_settings(live_agent: DevAgent) -> Settings:
    """How to reach it."""
    return Settings(endpoint=parse_address(live_agent.http_address))


@pytest.fixture(params=["blocking", "asyncio"])
def send(request: pytest.FixtureRequest) -> Sender:
    """Sends one call with either client."""
    return Sender(request.param)


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, live_agent: DevAgent) -> Command:
    """Runs a command line in this process against the running agent."""
    monkeypatch.setenv("CONSUL_HTTP_ADDR", live_agent.http_address)
    return _runner(capsys)


@pytest.fixture
def lonely_command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Command:
    """Runs a command line in this process where there is no agent."""
    monkeypatch.setenv("LICTOR_HTTP_ADDR", "127.0.0.1:1")
    return _runner(capsys)


def _runner(capsys: pytest.CaptureFixture[str]) -> Command:
    def call(*arguments: str) -> Printed:
        capsys.readouterr()
        try:
            exit_code = run(arguments)
        except SystemExit as ended:
            exit_code = int(str(ended.code or 0))
        captured = capsys.readouterr()
        return Printed(exit_code, captured.out, captured.err)

    return call
