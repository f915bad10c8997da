"""A server of one as a real process with a data directory, and what it acknowledged to those who write to it."""

from __future__ import annotations

import base64
import http.client
import json
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.support.agents import environment_for_commands, program_of
from tests.support.conditions import wait_until
from tests.support.ports import free_ports
from tests.support.processes import Program, running

__all__ = ["LoneServer"]


class LoneServer:
    """One server's ports and directory, and what it acknowledged: key by index and value."""

    def __init__(self, directory: Path, *, data_dir: Path | None = None) -> None:
        """`data_dir` is beneath `directory` when it is not given."""
        self.directory = directory
        self.data_dir = data_dir or directory / "data"
        self.ports = free_ports("http", "dns", "server", "grpc")
        self.acknowledged: dict[str, str] = {}
        self.refused: list[tuple[float, int, str]] = []
        """When, with which status, and the body."""

    @contextmanager
    def agent(
        self,
        *,
        kill: bool,
        prefix: Sequence[str] = (),
        command: Sequence[str] = (),
        flags: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
        wait: bool = True,
    ) -> Generator[Program]:
        """The agent's process: `prefix` runs it, `command` takes the place of `lictor`, `flags` are added.

        `wait` until it answers.
        """
        argv = [*prefix, *(command or [program_of("lictor")]), "agent", "-server", "-bootstrap-expect=1"]
        argv += ["-bind", "127.0.0.1", "-node", "judge", "-data-dir", str(self.data_dir)]
        for name, port in self.ports.items():
            argv += [f"-{name}-port", str(port)]
        argv += flags
        with running(
            "agent",
            argv,
            self.directory,
            environment={**environment_for_commands(), **(environment or {})},
            ready=self._ready if wait else None,
            kill=kill,
        ) as program:
            yield program

    def _ready(self) -> bool:
        try:
            return self.get("/v1/kv/?keys")[0] in (200, 404)
        except (OSError, http.client.HTTPException):
            return False

    def request(self, method: str, path: str, body: str = "") -> tuple[int, str, int]:
        """Status, body and index."""
        connection = http.client.HTTPConnection("127.0.0.1", self.ports["http"], timeout=10)
        try:
            connection.request(method, path, body)
            answer = connection.getresponse()
            return answer.status, answer.read().decode(), int(answer.headers.get("X-Consul-Index", "0"))
        finally:
            connection.close()

    def get(self, path: str) -> tuple[int, str, int]:
        return self.request("GET", path)

    def write_until_dead(self, writer: int, generation: int, value_chars: int = 1) -> None:
        """Write one key after another, noting each that was acknowledged or refused, until the agent is gone."""
        number = 0
        while True:
            key = f"{generation}/{writer}/{number}"
            value = f"value of {key}".ljust(value_chars)
            try:
                status, body, _ = self.request("PUT", f"/v1/kv/{key}", value)
            except (OSError, http.client.HTTPException):
                return
            if (status, body.strip()) == (200, "true"):
                self.acknowledged[key] = value
            else:
                self.refused.append((time.monotonic(), status, body))
            number += 1

    def wait_for_writes(self, count: int) -> None:
        """Return when `count` more writes were acknowledged."""
        wanted = len(self.acknowledged) + count
        wait_until(lambda: len(self.acknowledged) >= wanted, within_s=60, what="enough writes")

    def missing(self) -> dict[str, str]:
        """What was acknowledged and is not there."""
        found = self.everything()
        return {key: value for key, value in self.acknowledged.items() if found.get(key) != value}

    def everything(self) -> dict[str, str]:
        """All keys with their values."""
        status, body, _ = self.get("/v1/kv/?recurse")
        assert status == 200, body
        return {row["Key"]: base64.b64decode(row["Value"] or "").decode() for row in json.loads(body)}
