"""Several servers as real processes on one machine, each on a loopback address of its own with the usual ports."""

from __future__ import annotations

import base64
import contextlib
import http.client
import itertools
import json
import os
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from tests.support.agents import environment_for_commands, program_of
from tests.support.conditions import wait_until
from tests.support.processes import Program, running

__all__ = ["WITHIN_S", "Answer", "Launch", "ServerCluster"]

WITHIN_S = 60.0
"""How long anything may take on a machine that runs other tests."""
_nets = itertools.count((os.getpid() * 7) % 200)


class Answer(NamedTuple):
    """What a server answered over HTTP; status 0 when it did not."""

    status: int
    body: str
    headers: dict[str, str]


class Launch(NamedTuple):
    """How the process of one agent is started where that is not as usual."""

    prefix: Sequence[str] = ()
    """What runs the command."""
    command: Sequence[str] = ()
    """What takes the place of `lictor`."""
    environment: Mapping[str, str] = {}


class ServerCluster:
    """Servers by number, from 1 on. `settings` stands in every server's configuration file."""

    def __init__(self, directory: Path, size: int, settings: dict[str, object] | None = None) -> None:
        self.directory = directory
        self.size = size
        self.settings = {"performance": {"raft_multiplier": 1}, **(settings or {})}
        self.programs: dict[int, Program] = {}
        self.launches: dict[int, Launch] = {}
        """Of those whose processes are not started as usual, which is as forks, from their next start on."""
        self._contexts: dict[int, ExitStack] = {}
        self.move()

    def move(self) -> None:
        """Give every server that starts from now on another address."""
        self._net = f"127.{1 + os.getpid() % 250}.{next(_nets) % 250 + 1}"

    def address(self, number: int) -> str:
        return f"{self._net}.{number}"

    def start(self, number: int, *arguments: str, joins: Sequence[int] = (1, 2), expect: int | None = None) -> Program:
        """Start one server; it does not lead or follow yet when this returns."""
        path = self.directory / f"s{number}.json"
        joined = [self.address(one) for one in joins if one != number] or [self.address(number)]
        path.write_text(json.dumps({**self.settings, "retry_join": joined}))
        argv = ["agent", "-server", f"-node=s{number}", f"-config-file={path}"]
        argv += [f"-bind={self.address(number)}", f"-client={self.address(number)}"]
        argv += [f"-data-dir={self.directory / f'd{number}'}", "-dns-port=8600"]
        expected = self.size if expect is None else expect
        if expected:
            argv.append(f"-bootstrap-expect={expected}")
        return self._run(f"s{number}", number, [*argv, *arguments])

    def start_client(
        self, number: int, *arguments: str, joins: Sequence[int] = (1, 2, 3), settings: dict[str, object] | None = None
    ) -> Program:
        """Start an agent that is no server, named `c` and its number, with `settings` in place of the servers'."""
        path = self.directory / f"c{number}.json"
        chosen = self.settings if settings is None else settings
        path.write_text(json.dumps({**chosen, "retry_join": [self.address(one) for one in joins]}))
        argv = ["agent", f"-node=c{number}", f"-config-file={path}"]
        argv += [f"-bind={self.address(number)}", f"-client={self.address(number)}"]
        argv += [f"-data-dir={self.directory / f'd{number}'}", "-dns-port=8600"]
        return self._run(f"c{number}", number, [*argv, *arguments])

    def _run(self, name: str, number: int, arguments: Sequence[str]) -> Program:
        launch = self.launches.get(number, Launch())
        argv = [*launch.prefix, *(launch.command or [program_of("lictor")]), *arguments]
        environment = {**environment_for_commands(), **launch.environment}
        context = ExitStack()
        program = context.enter_context(
            running(name, argv, self.directory, environment=environment, forks=number not in self.launches)
        )
        self.programs[number], self._contexts[number] = program, context
        return program

    def kill(self, number: int) -> None:
        """End it at once, as a crash does."""
        self.programs.pop(number).kill()
        with contextlib.suppress(BaseException):
            self._contexts.pop(number).close()

    def stop(self, number: int) -> int:
        """End it by SIGTERM; its exit code."""
        code = self.programs.pop(number).stop()
        self._contexts.pop(number).close()
        return code

    @contextlib.contextmanager
    def running(self) -> Generator[ServerCluster]:
        """Start all while the block runs, from the moment on that all have the set of servers and know one leader.

        Votes alone make a leader. One that is killed before its set has reached anybody leaves no cluster behind.
        """
        try:
            for number in range(1, self.size + 1):
                self.start(number)
            self.until(
                lambda: all(len(self.peers(number, mode="stale")) == self.size for number in self.programs),
                "a set of servers that all have",
            )
            self.leader()
            yield self
        finally:
            for number in list(self.programs):
                self.kill(number)

    def ask(self, number: int, path: str, method: str = "GET", body: str = "", timeout_s: float = 15.0) -> Answer:
        """One request to one server."""
        connection = http.client.HTTPConnection(self.address(number), 8500, timeout=timeout_s)
        try:
            connection.request(method, path, body)
            answer = connection.getresponse()
            return Answer(answer.status, answer.read().decode(), dict(answer.headers))
        except (OSError, http.client.HTTPException) as error:
            return Answer(0, str(error), {})
        finally:
            connection.close()

    def put(self, number: int, key: str, value: str) -> bool:
        """Whether the write was acknowledged."""
        answer = self.ask(number, f"/v1/kv/{key}", "PUT", value)
        return (answer.status, answer.body.strip()) == (200, "true")

    def value(self, number: int, key: str, mode: str = "") -> str | None:
        """The value of a key as one server has it; None when there is none, or no answer."""
        answer = self.ask(number, f"/v1/kv/{key}?{mode}")
        return base64.b64decode(json.loads(answer.body)[0]["Value"]).decode() if answer.status == 200 else None

    def leader(self) -> int:
        """The number of the server that all who run agree to be led by."""
        found: list[str] = []

        def agreed() -> bool:
            found[:] = [self.ask(number, "/v1/status/leader").body.strip('"\n') for number in self.programs]
            return len(set(found)) == 1 and found[0].startswith(self._net)

        self.until(agreed, "one leader whom all know")
        return int(found[0].partition(":")[0].rpartition(".")[2])

    def peers(self, number: int, mode: str = "") -> dict[str, bool]:
        """The servers by name, and whether they vote; in the mode `stale` as this one has them."""
        answer = self.ask(number, f"/v1/operator/raft/configuration?{mode}")
        if answer.status != 200:
            return {}
        return {one["Node"]: one["Voter"] for one in json.loads(answer.body)["Servers"]}

    def until(self, condition: Callable[[], bool], what: str) -> None:
        wait_until(condition, within_s=WITHIN_S, what=what)
