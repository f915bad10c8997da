"""Runs the commands of a scenario with one program against an agent and returns what they printed."""

import os
import re
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

from tests.support.nursery import can_fork, run
from tests.support.recorder.cli_scenario import CliScenario, Command
from tests.support.recorder.http_runner import HttpRunner
from tests.support.recorder.json_types import Json
from tests.support.recorder.normal_form import NormalForm

COMMAND_S_MAX = 30.0
_SETTLE_S_MAX = 20.0
_AGAIN_S = 0.1
_NOBODY = "127.0.0.1:1"
_VERSION = re.compile(r"(?<![\d.])v?\d+\.\d+\.\d+(?![\d.])(?::[\w.]*)?")
_SHORT_ID = re.compile(r"\b(?=[0-9a-f]*[0-9])[0-9a-f]{8}\b")
_INDEX = re.compile(r'\b((?:Create|Modify)Index(?:": |\s+))[1-9]\d*')
_FIGURE = re.compile(r"((?:^(?:Size|Index|Term) +)|\bsnapshot to index )\d+$", re.MULTILINE)
_SNAPSHOT_ID = re.compile(r"\b\d+-\d+-\d{13}\b")
_LONG_TIME = re.compile(r"\b[A-Z][a-z]+day, \d\d-[A-Z][a-z]{2}-\d\d \d\d:\d\d:\d\d UTC\b")
_GO_TIME = re.compile(r"\b20\d\d-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)? \+0000 UTC\b")
_HASH = re.compile(r'("Hash": ")[0-9A-Za-z+/=]{44}(?=")|(\bHash: +)[0-9a-f]{64}$', re.MULTILINE)
_INDEX_TOLD = re.compile(r"\b((?:Create|Modify) Index: +)[1-9]\d*$", re.MULTILINE)
_LONG_INPUT_CHARS = 2_000


class CliRunner:
    """One run of one scenario of `program` beside an agent that listens on `ports`, in an empty `directory`."""

    def __init__(self, program: str, ports: Mapping[str, int], directory: Path) -> None:
        self._program = program
        self._address = f"127.0.0.1:{ports['http']}"
        self._directory = directory
        self._http = HttpRunner(ports)
        self._normal_form = NormalForm(ports, str(directory))
        # What is said of errors is each program's own, also which ids it names: those must not count for the others.
        self._errors = NormalForm(ports, str(directory))

    def run(self, scenario: CliScenario) -> list[Json]:
        """Every command's exchange, in the form a cassette keeps."""
        exchanges: list[Json] = []
        for step in scenario.steps:
            if isinstance(step, Command):
                exchanges.append(self._exchange(step))
            else:
                self._http.step(step)
        return exchanges

    def _exchange(self, command: Command) -> Json:
        for name, content in command.files.items():
            path = self._directory / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        done = self._until_settled(command)
        if command.own_words and done.stdout.strip():
            output = "<in own words>"
        else:
            output = self._kept(done.stdout, self._normal_form)
        if command.sections_only:
            output = _sections(output)
        request: dict[str, Json] = {"arguments": list[Json](command.arguments)}
        if command.stdin:
            long = len(command.stdin) > _LONG_INPUT_CHARS
            request["stdin"] = f"<{len(command.stdin)} characters>" if long else command.stdin
        if command.files:
            request["files"] = dict(command.files)
        if not command.reachable:
            request["agent"] = "none"
        response: dict[str, Json] = {
            "exit_code": done.returncode,
            "stdout": list[Json](output.split("\n")) if output else [],
            "stderr": _first_line(self._kept(done.stderr, self._errors)),
        }
        return {"step": command.name, "request": request, "response": response}

    def _until_settled(self, command: Command) -> subprocess.CompletedProcess[bytes]:
        deadline = time.monotonic() + _SETTLE_S_MAX
        while True:
            done = self._run(command)
            if command.until in done.stdout.decode(errors="replace") or time.monotonic() > deadline:
                return done
            time.sleep(_AGAIN_S)

    def _run(self, command: Command) -> subprocess.CompletedProcess[bytes]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("CONSUL_", "LICTOR_"))}
        address = self._address if command.reachable else _NOBODY
        words = [self._program, *(self._http.filled(argument) for argument in command.arguments)]
        environment = {**inherited, "CONSUL_HTTP_ADDR": address}
        if can_fork(words):
            return run(words, self._directory, environment, command.stdin.encode(), COMMAND_S_MAX)
        return subprocess.run(
            words,
            cwd=self._directory,
            env=environment,
            input=command.stdin.encode(),
            capture_output=True,
            timeout=COMMAND_S_MAX,
            check=False,
        )

    def _kept(self, output: bytes, form: NormalForm) -> str:
        text = _INDEX.sub(r"\1<index>", output.decode(errors="backslashreplace"))
        text = _SNAPSHOT_ID.sub("<snapshot id>", _FIGURE.sub(r"\1<figure>", text))
        text = _INDEX_TOLD.sub(r"\1<index>", _HASH.sub(r"\1\2<hash>", text))
        text = _GO_TIME.sub("<time>", _LONG_TIME.sub("<long time>", text))
        text = _SHORT_ID.sub("<short id>", form.text(text))
        return _VERSION.sub("<version>", text)


def _first_line(text: str) -> str:
    """The first line, and a sign when more follow: usage texts and traces are each program's own."""
    line, _, more = text.partition("\n")
    return f"{line} …" if more.strip() else line


def _sections(text: str) -> str:
    """The lines that are not indented."""
    return "\n".join(line for line in text.split("\n") if not line.startswith("\t"))
