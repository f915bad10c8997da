"""Writes of every kind while the leader is killed or stands still: what was acknowledged is there, once; what was
refused for sure is not; and nobody is told of a mistake of ours."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias
from urllib.parse import quote

import pytest

from lictor_jepsen.clients.base import surely_undone
from tests.support.server_cluster import Answer, ServerCluster

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

AGENT: Final = 4
"""An agent that is no server: it sends on what it is asked, and may try another server."""
ASK_S_MAX: Final = 5.0
MORE: Final = 15
"""How many writes of each kind are acknowledged between two faults, and after the last."""
Fault: TypeAlias = Callable[[ServerCluster], None]


class Write(NamedTuple):
    """One request that makes something of a name that nothing else has."""

    method: str
    path: str
    body: str = ""


@dataclass(frozen=True)
class Kind:
    """What is written, and how it is found again."""

    of: Callable[[str], Write]
    listed: str
    """The path that lists all of the kind."""
    name: Callable[[dict[str, str]], str]
    """Of one that is listed; empty for what is not of this test."""
    is_done: Callable[[str], bool]
    """Whether the body of an answer with status 200 says so."""
    copies: int = 1
    """How many of one name are listed when it was written once."""


def is_true(body: str) -> bool:
    return body.strip() == "true"


def has_id(body: str) -> bool:
    return bool(json.loads(body)["ID"])


def of_the_last_part(row: dict[str, str]) -> str:
    return row["Key"].split("/")[1]


def transaction(name: str) -> Write:
    sets = [{"KV": {"Verb": "cas", "Index": 0, "Key": f"txn/{name}/{half}", "Value": "MQ=="}} for half in "ab"]
    return Write("PUT", "/v1/txn", json.dumps(sets))


def kinds(session: str) -> dict[str, Kind]:
    """All kinds; `session` holds the locks."""
    held = f"acquire={session}"
    return {
        "txn": Kind(transaction, "/v1/kv/txn/?recurse", of_the_last_part, lambda body: "Results" in body, copies=2),
        "cas": Kind(
            lambda name: Write("PUT", f"/v1/kv/cas/{name}?cas=0", "1"), "/v1/kv/cas/?recurse", of_the_last_part, is_true
        ),
        "lock": Kind(
            lambda name: Write("PUT", f"/v1/kv/lock/{name}?{held}", "1"),
            "/v1/kv/lock/?recurse",
            lambda row: of_the_last_part(row) if row.get("Session") == session else "",
            is_true,
        ),
        "session": Kind(
            lambda name: Write("PUT", "/v1/session/create", json.dumps({"Name": name, "Checks": []})),
            "/v1/session/list",
            lambda row: row["Name"],
            has_id,
        ),
        "query": Kind(
            lambda name: Write("POST", "/v1/query", json.dumps({"Name": name, "Service": {"Service": "web"}})),
            "/v1/query",
            lambda row: row["Name"],
            has_id,
        ),
        "config": Kind(
            lambda name: Write("PUT", "/v1/config?cas=0", json.dumps({"Kind": "service-defaults", "Name": name})),
            "/v1/config/service-defaults",
            lambda row: row["Name"],
            is_true,
        ),
        "intention": Kind(
            lambda name: Write(
                "PUT",
                f"/v1/connect/intentions/exact?source=web&destination={quote(name)}",
                json.dumps({"Action": "allow"}),
            ),
            "/v1/connect/intentions",
            lambda row: row["DestinationName"],
            is_true,
        ),
    }


class Writer:
    """Writes of one kind, one after another, at one server or agent after another."""

    def __init__(self, cluster: ServerCluster, kind: Kind) -> None:
        self.acknowledged: set[str] = set()
        self.refused: set[str] = set()
        """By an answer that says that nothing was done."""
        self.wrong: list[tuple[str, Answer]] = []
        """Answers that nobody should get."""
        self.kind = kind
        self._cluster = cluster
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def start(self) -> None:
        self._thread.start()

    def end(self) -> None:
        self._ends.set()
        self._thread.join()

    def _run(self) -> None:
        number = 0
        while not self._ends.is_set():
            number += 1
            self._write(1 + number % AGENT, f"n{number}")

    def _write(self, at: int, name: str) -> None:
        method, path, body = self.kind.of(name)
        answer = self._cluster.ask(at, path, method, body, timeout_s=ASK_S_MAX)
        if answer.status == 0:
            self._ends.wait(0.05)  # killed, or it stands still
        elif answer.status == 200 and self.kind.is_done(answer.body):
            self.acknowledged.add(name)
        elif surely_undone(answer.status, answer.body):
            self.refused.add(name)
        elif answer.status != 500 or "internal" in answer.body or not answer.body.strip():
            self.wrong.append((name, answer))


@contextmanager
def written(cluster: ServerCluster) -> Generator[dict[str, Writer]]:
    """Writers of all kinds while the block runs."""
    made = cluster.ask(1, "/v1/session/create", "PUT", json.dumps({"Checks": []}))
    session: str = json.loads(made.body)["ID"]
    writers = {name: Writer(cluster, kind) for name, kind in kinds(session).items()}
    for writer in writers.values():
        writer.start()
    try:
        yield writers
    finally:
        for writer in writers.values():
            writer.end()


def go_on(cluster: ServerCluster, writers: dict[str, Writer]) -> None:
    """Wait until more writes of every kind were acknowledged."""
    wanted = {name: len(writer.acknowledged) + MORE for name, writer in writers.items()}
    cluster.until(
        lambda: all(len(writer.acknowledged) >= wanted[name] for name, writer in writers.items()), "writes of all kinds"
    )


def kill_and_start(cluster: ServerCluster) -> None:
    leader = cluster.leader()
    cluster.kill(leader)
    cluster.leader()
    cluster.start(leader)


def pause(cluster: ServerCluster) -> None:
    """Let the leader stand still until another leads."""
    leader = cluster.leader()
    others = [number for number in cluster.programs if number not in (leader, AGENT)]
    old = cluster.ask(leader, "/v1/status/leader").body
    os.kill(cluster.programs[leader].pid, signal.SIGSTOP)
    try:
        cluster.until(
            lambda: all(cluster.ask(one, "/v1/status/leader").body not in (old, "", '""') for one in others),
            "another leader",
        )
    finally:
        os.kill(cluster.programs[leader].pid, signal.SIGCONT)


def found(cluster: ServerCluster, at: int, kind: Kind) -> Counter[str]:
    """How often each name is there."""
    mode = "&" if "?" in kind.listed else "?"
    rows: list[dict[str, str]] = []

    def is_answered() -> bool:
        answer = cluster.ask(at, f"{kind.listed}{mode}consistent")
        if answer.status == 200:
            rows[:] = json.loads(answer.body)
        return answer.status == 200

    cluster.until(is_answered, f"{kind.listed} of {at}")
    return Counter(map(kind.name, rows))


@pytest.mark.parametrize("fault", [kill_and_start, pause], ids=["killed", "paused"])
def test_writes_of_every_kind_outlive_the_leader(fault: Fault, tmp_path: Path) -> None:
    with ServerCluster(tmp_path, 3).running() as cluster:
        cluster.start_client(AGENT)
        cluster.until(lambda: cluster.put(AGENT, "k", "1"), "a write through the agent")
        with written(cluster) as writers:
            for _ in range(2):
                go_on(cluster, writers)
                fault(cluster)
                cluster.leader()
            go_on(cluster, writers)
        for at in (1, 2, 3, AGENT):
            for name, writer in writers.items():
                there = found(cluster, at, writer.kind)
                assert writer.acknowledged - set(there) == set(), f"{name}: acknowledged, and lost at {at}"
                assert writer.refused & set(there) == set(), f"{name}: refused for sure, and done at {at}"
                odd = {one for one, count in there.items() if one and count != writer.kind.copies}
                assert odd == set(), f"{name}: by halves, or twice, at {at}"
        assert {name: writer.wrong for name, writer in writers.items() if writer.wrong} == {}
        for program in cluster.programs.values():
            assert "Traceback" not in program.log()
