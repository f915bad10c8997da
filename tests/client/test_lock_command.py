"""`lictor lock` and `lictor event` as processes, beside the real Consul's `consul lock`."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from lictor.api.blocking import Client
from lictor.api.calls import event, kv, session
from lictor.api.settings import Settings, parse_address
from tests.client.conftest import Command
from tests.support.agents import DevAgent, Product, dev_agent, environment_for_commands, program_of
from tests.support.conditions import wait_until

WITHIN_S = 30


def run(product: Product, agent: DevAgent, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [program_of(product), *arguments],
        env={**os.environ, **environment_for_commands(agent.http_address), "SHELL": "/bin/sh"},
        input=stdin,
        capture_output=True,
        text=True,
        timeout=WITHIN_S,
        check=False,
    )


class Holder:
    """A process that holds a lock until it is let go."""

    def __init__(self, product: Product, agent: DevAgent, directory: Path, *options: str) -> None:
        number = len(list(directory.iterdir()))
        self.started, self._end = directory / f"{number}.started", directory / f"{number}.end"
        line = f"touch {self.started}; while [ ! -e {self._end} ]; do sleep 0.05; done"
        self.process = subprocess.Popen(
            [program_of(product), "lock", *options, line],
            env={**os.environ, **environment_for_commands(agent.http_address), "SHELL": "/bin/sh"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def until_held(self) -> Holder:
        wait_until(self.started.exists, within_s=WITHIN_S, what="a lock that is held")
        return self

    def let_go(self) -> int:
        self._end.touch()
        return self.process.wait(WITHIN_S)


def test_the_command_finds_its_token_and_the_exit_code_says_what_was_asked_for(live_agent: DevAgent) -> None:
    done = run(
        "lictor", live_agent, "lock", "cmd/a", 'echo "$LICTOR_FENCING_TOKEN $LICTOR_LOCK_INDEX $CONSUL_LOCK_HELD"'
    )
    token, index, held = done.stdout.split()
    assert (done.returncode, int(token) > 0, index, held) == (0, True, "1", "true")
    assert run("lictor", live_agent, "lock", "cmd/a", "exit 3").returncode == 0
    assert run("lictor", live_agent, "lock", "-child-exit-code", "cmd/a", "exit 3").returncode == 2
    assert run("lictor", live_agent, "lock", "-shell=false", "cmd/a", "/none/such").returncode == 1
    assert run("lictor", live_agent, "lock", "-pass-stdin", "cmd/a", "cat", stdin="said").stdout == "said"
    assert run("lictor", live_agent, "lock", "cmd/a", "cat", stdin="said").stdout == ""
    with Client(Settings(endpoint=parse_address(live_agent.http_address))) as client:
        assert client.send(kv.keys("cmd/a")) == [], "nothing is left"


def test_a_command_ends_with_its_lock(live_agent: DevAgent, tmp_path: Path) -> None:
    holder = Holder("lictor", live_agent, tmp_path, "cmd/lost").until_held()
    with Client(Settings(endpoint=parse_address(live_agent.http_address))) as client:
        entry = client.send(kv.get("cmd/lost/.lock"))
        assert entry is not None
        began = time.monotonic()
        client.send(session.destroy(entry.session))
        assert holder.process.wait(WITHIN_S) == 1
        assert time.monotonic() - began < 10


def test_a_stopped_command_gives_its_lock_up(live_agent: DevAgent, tmp_path: Path) -> None:
    holder = Holder("lictor", live_agent, tmp_path, "cmd/stopped").until_held()
    holder.process.terminate()
    assert holder.process.wait(WITHIN_S) == 1
    assert run("lictor", live_agent, "lock", "-timeout=10s", "cmd/stopped", "true").returncode == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("lock",), "a key prefix and a command are needed"),
        (("lock", "-n", "0", "x", "true"), "-n must be at least 1"),
        (("lock", "-timeout=-1s", "x", "true"), "must not be below 0"),
        (("lock", "-try=soon", "x", "true"), "-try: invalid duration"),
        (("lock", "/", "true"), "the key prefix is empty"),
        (("event",), "-name is needed"),
        (("event", "-name=x", "a", "b"), "too many arguments"),
        (("event", "-name=x", "-tag=a"), "Cannot provide tag filter without service filter"),
    ],
)
def test_wrong_input_is_told(command: Command, arguments: tuple[str, ...], said: str) -> None:
    printed = command(*arguments)
    assert printed.exit_code == 1
    assert said in printed.stderr


def test_an_event_is_fired(command: Command, live_settings: Settings) -> None:
    printed = command("event", "-name=deployed", "-node=.*", "1.2.3")
    with Client(live_settings) as client:
        newest = client.send(event.events("deployed"))[-1]
    assert printed.stdout == f"Event ID: {newest.id}\n"
    assert (newest.payload, newest.node_filter) == (b"1.2.3", ".*")


Excluded = Callable[[Product], bool]


@pytest.mark.needs("consul")
@pytest.mark.slow
@pytest.mark.parametrize("server", ["lictor", "consul"])
@pytest.mark.parametrize(
    ("options", "first"), [((), ("lictor",)), ((), ("consul",)), (("-n=2",), ("lictor", "consul"))]
)
def test_locks_of_both_products_exclude_one_another_at_both_servers(
    server: Product, options: tuple[str, ...], first: tuple[Product, ...], tmp_path: Path
) -> None:
    files = tmp_path / "files"
    files.mkdir()
    with dev_agent(server, tmp_path) as agent:
        holders = [Holder(product, agent, files, *options, "both").until_held() for product in first]
        products: tuple[Product, ...] = ("lictor", "consul")
        for product in products:
            done = run(product, agent, "lock", "-timeout=1s", *options, "both", "echo had")
            assert (done.returncode, done.stdout) == (1, ""), product
        for holder in holders:
            assert holder.let_go() == 0
        for product in products:
            done = run(product, agent, "lock", "-timeout=20s", *options, "both", "echo had")
            assert (done.returncode, done.stdout) == (0, "had\n"), (product, done.stderr)
