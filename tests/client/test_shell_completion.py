"""Completion in the shells themselves, typed into a terminal."""

import contextlib
import os
import pty
import select
import shutil
import signal
import sys
import time
from collections.abc import Generator, Iterator, Mapping
from pathlib import Path

import pytest

from lictor.api.blocking import Client
from lictor.api.calls import agent, kv
from lictor.api.settings import Settings, parse_address
from lictor.cli.shells import script
from tests.support.agents import DevAgent, environment_for_commands
from tests.support.conditions import wait_until

BIN = str(Path(sys.executable).parent)
_WITHIN_S = 30.0


class Terminal:
    """A shell in a terminal of its own."""

    def __init__(self, words: list[str], environment: Mapping[str, str], directory: Path) -> None:
        self._pid, self._terminal = pty.fork()
        if self._pid == 0:
            os.chdir(directory)
            os.execve(words[0], words, dict(environment))
        self.seen = ""

    def type(self, text: str) -> None:
        """Type, as a person would."""
        os.write(self._terminal, text.encode())

    def wait_for(self, text: str) -> None:
        """Read until `text` is on the screen."""
        until = time.monotonic() + _WITHIN_S
        while text not in self.seen:
            left_s = until - time.monotonic()
            ready, _, _ = select.select([self._terminal], [], [], max(left_s, 0))
            assert ready, f"{text!r} did not come within {_WITHIN_S} s; seen: {self.seen!r}"
            self.seen += os.read(self._terminal, 65_536).decode(errors="replace").replace("\a", "")

    def completes(self, typed: str, completed: str) -> None:
        """The tab key makes `completed` of `typed`, which is then taken away again."""
        self.seen = ""
        self.type(typed)
        self.wait_for(typed)
        self.type("\t")
        self.wait_for(completed)
        self.type("\x15")

    def end(self) -> None:
        """Close the terminal, which ends the shell."""
        os.close(self._terminal)
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)


@contextlib.contextmanager
def shell(name: str, directory: Path, address: str, setup: str) -> Generator[Terminal]:
    """An interactive shell that has run `setup`."""
    program = shutil.which(name)
    assert program is not None
    flags = {"bash": ["--noprofile", "--norc", "-i"], "zsh": ["-f", "-i"]}[name]
    environment = {
        "PATH": f"{BIN}:{os.environ['PATH']}",
        "HOME": str(directory),
        "ZDOTDIR": str(directory),
        "TERM": "dumb",
        "PS1": "$ ",
        "LC_ALL": "C.UTF-8",
        "COLUMNS": "200",
        **environment_for_commands(address),
    }
    file = directory / "setup"
    file.write_text(setup)
    terminal = Terminal([program, *flags], environment, directory)
    try:
        terminal.type(f". {file}; echo rea''dy\n")
        terminal.wait_for("ready")
        yield terminal
    finally:
        terminal.end()


@pytest.fixture(scope="module")
def stocked(live_agent: DevAgent) -> Iterator[str]:
    """The address of an agent with a service and keys."""
    with Client(Settings(endpoint=parse_address(live_agent.http_address))) as client:
        client.send(agent.register_service({"Name": "completed-web"}))
        for key in ("completion/deep/one", "completion/deep/two", "completion/flat"):
            client.send(kv.put(key, b"x"))
        wait_until(lambda: bool(client.send(kv.keys("completion/"))), within_s=20, what="the keys are there")
        yield live_agent.http_address
        client.send(agent.deregister_service("completed-web"))
        client.send(kv.delete_tree("completion/"))


@pytest.mark.slow
@pytest.mark.parametrize("name", [pytest.param(one, marks=pytest.mark.needs(one)) for one in ("bash", "zsh")])
def test_a_shell_completes_commands_flags_and_names(name: str, stocked: str, tmp_path: Path) -> None:
    setup = "autoload -U compinit && compinit -i -D\n" if name == "zsh" else ""
    with shell(name, tmp_path, stocked, setup + script(name)) as terminal:
        terminal.completes("lictor memb", "lictor members ")
        terminal.completes("lictor operator raft lis", "raft list-peers ")
        terminal.completes("lictor kv get -recur", "-recurse ")
        terminal.completes("lictor members -form", "-format=")
        terminal.completes("lictor members -format=js", "-format=json ")
        terminal.completes("lictor kv get completion/fl", "completion/flat ")
        terminal.completes("lictor kv get completion/de", "completion/deep/")
        terminal.completes("lictor catalog nodes -service=completed-", "-service=completed-web ")
        terminal.completes("lictor intention check completed-", "check completed-web ")


@pytest.mark.slow
@pytest.mark.needs("bash")
def test_a_shell_that_knows_no_name_offers_files(tmp_path: Path) -> None:
    (tmp_path / "backup.snap").touch()
    with shell("bash", tmp_path, "127.0.0.1:1", script("bash")) as terminal:
        terminal.completes("lictor snapshot restore back", "restore backup.snap")


@pytest.mark.slow
@pytest.mark.needs("fish")
def test_fish_completes_commands_flags_names_and_files(stocked: str, tmp_path: Path) -> None:
    import subprocess

    (tmp_path / "backup.snap").touch()
    file = tmp_path / "lictor.fish"
    file.write_text(script("fish"))
    environment = {
        "PATH": f"{BIN}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        **environment_for_commands(stocked),
    }

    def offered(line: str) -> list[str]:
        code = f"source {file}; complete -C {line!r}"
        done = subprocess.run(
            ["fish", "--no-config", "-c", code], env=environment, cwd=tmp_path, capture_output=True, text=True,
            check=True, timeout=60,
        )  # fmt: skip
        return [one.split("\t")[0] for one in done.stdout.splitlines()]

    assert offered("lictor memb") == ["members"]
    assert offered("lictor kv get -recur") == ["-recurse"]
    assert offered("lictor members -format=js") == ["-format=json"]
    assert offered("lictor kv get completion/") == ["completion/deep/", "completion/flat"]
    assert offered("lictor catalog nodes -service=completed-") == ["-service=completed-web"]
    assert "backup.snap" in offered("lictor snapshot restore back")
