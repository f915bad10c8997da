"""The command as a process: it starts fast, ends quietly when interrupted, and survives readers that go away."""

import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.client.fake_agent import Reply, Seen, fake_agent
from tests.support.agents import DevAgent, environment_for_commands
from tests.support.conditions import wait_until

LICTOR = str(Path(sys.executable).parent / "lictor")
_HEAVY = ("aiohttp", "asyncio", "structlog", "rich", "cryptography", "lictor_config", "lictor_agent", "lictor_server")


def started(*arguments: str, address: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [LICTOR, *arguments],
        env={**os.environ, **environment_for_commands(address)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_command_imports_only_what_it_needs() -> None:
    code = (
        "import sys; from lictor.cli.program import run; run(['kv', 'get', '-http-addr=127.0.0.1:1', 'a']);"
        f"print([name for name in {_HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_a_command_needs_little_processor(live_agent: DevAgent) -> None:
    """Counted in processor time, which other tests beside it lengthen less than the clock's."""
    times: list[float] = []
    for _ in range(5):
        before = _children_s()
        with started("kv", "get", "-keys", address=live_agent.http_address) as process:
            process.communicate(timeout=20)
        times.append(_children_s() - before)
        assert process.returncode == 0
    assert min(times) < 0.4, f"{min(times):.3f} s; a quiet machine needs an eighth of a second"


def _children_s() -> float:
    """Processor time of all children that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def test_an_interrupt_ends_a_command_without_a_traceback() -> None:
    with fake_agent(lambda _: Reply(after_s=1)) as fake, started("kv", "get", "a", address=fake.address) as process:
        wait_until(lambda: bool(fake.seen), within_s=20, what="the command has asked")
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=20)
    assert (process.returncode, stdout, stderr.strip()) == (130, "", "")


@pytest.mark.parametrize("arguments", [("kv", "get", "-recurse"), ("kv", "get", "-keys"), ("kv", "export")])
def test_a_reader_that_goes_away_ends_a_command_quietly(arguments: tuple[str, ...]) -> None:
    def many(seen: Seen) -> Reply:
        if "keys" in seen.target:
            return Reply(body=b"[" + b",".join(b'"key%05d"' % number for number in range(50_000)) + b"]")
        row = b'{"LockIndex":0,"Key":"k%05d","Flags":0,"Value":"AAAA","CreateIndex":1,"ModifyIndex":1}'
        return Reply(body=b"[" + b",".join(row % number for number in range(20_000)) + b"]")

    with fake_agent(many) as fake, started(*arguments, address=fake.address) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait(timeout=20) == 141


def test_values_are_read_from_stdin_and_written_as_bytes(live_agent: DevAgent) -> None:
    environment = {**os.environ, **environment_for_commands(live_agent.http_address)}
    value = bytes(range(256))
    put = subprocess.run(
        [LICTOR, "kv", "put", "bytes", "-"], input=value, env=environment, capture_output=True, check=True
    )
    assert put.stdout == b"Success! Data written to: bytes\n"
    get = subprocess.run([LICTOR, "kv", "get", "bytes"], env=environment, capture_output=True, check=True)
    assert get.stdout == value + b"\n"
    subprocess.run([LICTOR, "kv", "delete", "bytes"], env=environment, capture_output=True, check=True)


def test_an_agent_that_cannot_have_its_port_says_so(live_agent: DevAgent) -> None:
    with started("agent", "-dev", f"-http-port={live_agent.ports['http']}", "-dns-port=-1", "-server-port=20001",
                 "-grpc-port=-1", address="") as process:  # fmt: skip
        stdout, stderr = process.communicate(timeout=30)
    assert process.returncode == 1
    assert str(live_agent.ports["http"]) in stdout + stderr
