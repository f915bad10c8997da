"""A stay in a cluster that the test started: with a token, over TLS, paused by a command of the file."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import msgspec
import pytest

from tests.support.ports import free_port

LICTOR = Path(sys.executable).with_name("lictor")
TOKEN = "8f8a2d1e-0000-4000-8000-000000000001"
START_S_MAX = 60.0
FAULT = """
[[fault]]
name = "pause"
begin = ["sh", "-c", "kill -STOP $(cat {folder}/{node}.pid)"]
end = ["sh", "-c", "kill -CONT $(cat {folder}/{node}.pid)"]
"""


def _run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [str(LICTOR), *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=110, check=False)


class Host:
    """One server with access control and HTTPS, and the file that describes it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.http, self.https = free_port(), free_port()
        assert _run(folder, "tls", "ca", "create").returncode == 0
        assert _run(folder, "tls", "cert", "create", "-server").returncode == 0
        settings = {
            "ports": {"http": self.http, "https": self.https, "dns": -1, "grpc": -1, "server": free_port()}
            | {"serf_lan": free_port(), "serf_wan": -1},
            "ca_file": "consul-agent-ca.pem",
            "cert_file": "dc1-server-consul-0.pem",
            "key_file": "dc1-server-consul-0-key.pem",
            "acl": {"enabled": True, "default_policy": "deny", "tokens": {"master": TOKEN}},
        }
        (folder / "agent.json").write_text(json.dumps(settings))
        (folder / "token").write_text(TOKEN)
        text = (
            f'name = "staging"\ntoken_file = "token"\nca_file = "consul-agent-ca.pem"\n'
            f'[[server]]\nname = "s1"\nhttp = "https://127.0.0.1:{self.https}"\n'
        )
        (folder / "cluster.toml").write_text(text + FAULT.replace("{folder}", str(folder)))
        words = ("agent", "-server", "-bootstrap-expect=1", "-node=s1", "-data-dir=data", "-bind=127.0.0.1")
        self.log = (folder / "log").open("wb")
        self.process = subprocess.Popen(
            [str(LICTOR), *words, "-config-file=agent.json", f"-pid-file={folder}/s1.pid"],
            cwd=folder,
            stdout=self.log,
            stderr=self.log,
        )

    def ask(self, method: str, path: str, body: bytes | None = None) -> bytes:
        headers = {"X-Consul-Token": TOKEN}
        url = f"http://127.0.0.1:{self.http}{path}"
        with urlopen(Request(url, body, headers, method=method), timeout=10) as answer:
            told: bytes = answer.read()
            return told

    def wait(self) -> None:
        ends = time.monotonic() + START_S_MAX
        while True:
            try:
                self.ask("PUT", "/v1/kv/own", b"1")
                return
            except OSError:
                assert time.monotonic() < ends, (self.folder / "log").read_text()
                time.sleep(0.2)  # the server is asked again, until it serves

    def keys(self) -> list[str]:
        try:
            return msgspec.json.decode(self.ask("GET", "/v1/kv/?keys"), type=list[str])
        except HTTPError:
            return []

    def stop(self) -> None:
        self.process.kill()
        self.process.wait(20)
        self.log.close()


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    found = Host(tmp_path)
    try:
        found.wait()
        yield found
    finally:
        found.stop()


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_a_stay_is_judged_leaves_nothing_behind_and_keeps_the_token_to_itself(host: Host, tmp_path: Path) -> None:
    words = ("torture", "--cluster", "cluster.toml", "--seconds=9", "--workload=lock", "--store=store", "--seed=2")
    dry = _run(tmp_path, *words, "--dry-run")
    assert dry.returncode == 0, dry.stderr
    assert "kill -STOP" in dry.stdout
    assert not (tmp_path / "store").exists(), "a dry run does nothing"
    refused = _run(tmp_path, *words)
    assert refused.returncode == 1, "nobody said yes"
    assert not (tmp_path / "store").exists()
    ended = _run(tmp_path, *words, "--yes")
    [folder] = [path for path in (tmp_path / "store").iterdir() if path.is_dir()]
    results = json.loads((folder / "results.json").read_text())
    wrong = {name for name, found in results["findings"].items() if found["verdict"] == "invalid"}
    assert not wrong, (ended.stdout, ended.stderr)
    assert results["findings"]["faults"]["verdict"] == "valid", results["findings"]
    assert results["counts"]["acquire"]["ok"] > 0
    assert host.keys() == ["own"]
    assert json.loads(host.ask("GET", "/v1/session/list")) == []
    assert all(TOKEN not in path.read_text() for path in folder.iterdir() if path.is_file())
    os.kill(host.process.pid, 0)


@pytest.mark.slow
def test_a_token_that_may_not_write_is_unknown_and_never_green(host: Host, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("8f8a2d1e-0000-4000-8000-000000000009")
    words = ("torture", "--cluster=cluster.toml", "--seconds=3", "--nemesis=none", "--yes", "--store=store")
    assert _run(tmp_path, *words).returncode == 2
    assert host.keys() == ["own"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--workload=membership",), "needs a cluster of its own"),
        (("--workload=tea",), "'tea' is none"),
        (("--nemesis=earthquake",), "the file has pause"),
    ],
)
def test_what_cannot_be_run_as_a_guest_is_refused(tmp_path: Path, words: tuple[str, ...], said: str) -> None:
    (tmp_path / "c.toml").write_text('[[server]]\nname = "s1"\nhttp = "http://127.0.0.1:1"\n' + FAULT)
    ended = _run(tmp_path, "torture", "--cluster=c.toml", *words)
    assert ended.returncode == 2
    assert said in ended.stderr
