"""A cluster of others: one server with access control, HTTPS and DNS, and the file that describes it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Final, TypeVar
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import msgspec

from tests.support.ports import free_port

__all__ = ["GUEST", "LICTOR", "Host", "hosting", "lictor"]

T = TypeVar("T")
LICTOR: Final = Path(sys.executable).with_name("lictor")
_OWNER: Final = "8f8a2d1e-0000-4000-8000-000000000001"
GUEST: Final = "8f8a2d1e-0000-4000-8000-000000000002"
"""The token that the guest is given: with the rights that the documents tell, and no other."""
_ANONYMOUS: Final = "00000000-0000-0000-0000-000000000002"
_START_S_MAX: Final = 60.0
_RULES: Final = """
key_prefix "jepsen/" { policy = "write" }
session_prefix "" { policy = "write" }
service_prefix "jepsen-" { policy = "write" }
node_prefix "x-jepsen-" { policy = "write" }
node_prefix "" { policy = "read" }
"""
_ANYBODY: Final = """
service_prefix "jepsen-" { policy = "read" }
node_prefix "x-jepsen-" { policy = "read" }
"""
_FAULT: Final = """
[[fault]]
name = "pause"
begin = ["sh", "-c", "kill -STOP $(cat {folder}/{node}.pid)"]
end = ["sh", "-c", "kill -CONT $(cat {folder}/{node}.pid)"]
"""


def lictor(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the product there."""
    command = [str(LICTOR), *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=110, check=False)


class Host:
    """One server, at 127.0.0.1."""

    def __init__(self, folder: Path, program: Sequence[str], *, name: str = "s1") -> None:
        """`name` is what the file calls it; its own is s1."""
        self.folder = folder
        self._numbers = count(1)
        self.http, self.https, self.dns = free_port(), free_port(), free_port()
        assert lictor(folder, "tls", "ca", "create").returncode == 0
        assert lictor(folder, "tls", "cert", "create", "-server").returncode == 0
        settings = {
            "ports": {"http": self.http, "https": self.https, "dns": self.dns, "grpc": -1, "server": free_port()}
            | {"serf_lan": free_port(), "serf_wan": -1},
            "ca_file": "consul-agent-ca.pem",
            "cert_file": "dc1-server-consul-0.pem",
            "key_file": "dc1-server-consul-0-key.pem",
            "acl": {
                "enabled": True,
                "default_policy": "deny",
                "tokens": {"master": _OWNER, "agent": _OWNER},
            },
            "session_ttl_min": "1s",
            "dns_config": {"max_stale": "2s"},
        }
        (folder / "agent.json").write_text(json.dumps(settings))
        (folder / "token").write_text(GUEST)
        text = (
            'name = "staging"\ntoken_file = "token"\nca_file = "consul-agent-ca.pem"\n'
            "session_ttl_min_s = 1.0\ndns_max_stale_s = 2.0\n"
            f'[[server]]\nname = "{name}"\nhttp = "https://127.0.0.1:{self.https}"\ndns = "127.0.0.1:{self.dns}"\n'
        )
        fault = _FAULT.replace("{folder}", str(folder)).replace("{node}", "s1")
        (folder / "cluster.toml").write_text(text + fault)
        words = ("agent", "-server", "-bootstrap-expect=1", "-node=s1", "-data-dir=data", "-bind=127.0.0.1")
        self._log = (folder / "log").open("wb")
        self.process = subprocess.Popen(
            [*program, *words, "-config-file=agent.json", f"-pid-file={folder}/s1.pid"],
            cwd=folder,
            stdout=self._log,
            stderr=self._log,
        )

    def ask(self, method: str, path: str, body: object = None) -> bytes:
        """As the owner."""
        data = None if body is None else json.dumps(body).encode()
        request = Request(f"http://127.0.0.1:{self.http}{path}", data, {"X-Consul-Token": _OWNER}, method=method)
        with urlopen(request, timeout=10) as answer:
            told: bytes = answer.read()
            return told

    def told(self, path: str, kind: type[T]) -> T:
        """What the owner reads there."""
        return msgspec.json.decode(self.ask("GET", path), type=kind)

    def open(self) -> None:
        """Wait until it serves; then the guest has a token, and anybody may ask DNS for what guests register."""
        ends = time.monotonic() + _START_S_MAX
        while True:
            try:
                self.ask("PUT", "/v1/kv/own", 1)
                break
            except OSError:
                assert time.monotonic() < ends, (self.folder / "log").read_text()
                time.sleep(0.2)  # the server is asked again, until it serves
        self.ask("PUT", "/v1/acl/policy", {"Name": "anybody", "Rules": _ANYBODY})
        self.let_anybody_see()
        self.token(_RULES, GUEST)

    def token(self, rules: str, secret: str = "") -> str:
        """A token with these rights."""
        name = f"p{next(self._numbers)}"
        self.ask("PUT", "/v1/acl/policy", {"Name": name, "Rules": rules})
        wanted = {"Policies": [{"Name": name}], **({"SecretID": secret} if secret else {})}
        made = msgspec.json.decode(self.ask("PUT", "/v1/acl/token", wanted), type=dict[str, object])
        return str(made["SecretID"])

    def let_anybody_see(self, *, nothing: bool = False) -> None:
        """Whether who shows no token, such as DNS, is shown what guests register."""
        policies = [] if nothing else [{"Name": "anybody"}]
        self.ask("PUT", f"/v1/acl/token/{_ANONYMOUS}", {"AccessorID": _ANONYMOUS, "Policies": policies})

    def faults(self, begin: str, end: str) -> None:
        """Another fault in the file than to pause the server."""
        path = self.folder / "cluster.toml"
        text = path.read_text().partition("[[fault]]")[0]
        words = f'[[fault]]\nname = "fault"\nbegin = ["sh", "-c", "{begin}"]\nend = ["sh", "-c", "{end}"]\n'
        path.write_text(text + words)

    @property
    def owner_url(self) -> str:
        """Where it is asked in plain HTTP, with the rights of its owner."""
        return f"http://:{_OWNER}@127.0.0.1:{self.http}"

    def left(self) -> dict[str, list[object]]:
        """What there is beside what was there before."""
        try:
            keys = self.told("/v1/kv/?keys", list[str])
        except HTTPError:
            keys = []
        services = {
            *self.told("/v1/agent/services", dict[str, object]),
            *self.told("/v1/catalog/services", dict[str, object]),
        }
        nodes = [row["Node"] for row in self.told("/v1/catalog/nodes", list[dict[str, object]])]
        found: dict[str, list[object]] = {
            "keys": [key for key in keys if key != "own"],
            "services": [*sorted(services - {"consul"})],
            "nodes": [node for node in nodes if node != "s1"],
            "sessions": [*self.told("/v1/session/list", list[object])],
        }
        return {what: shown for what, shown in found.items() if shown}

    def close(self) -> None:
        """End it."""
        self.process.kill()
        self.process.wait(20)
        self._log.close()


@contextmanager
def hosting(folder: Path, program: Sequence[str] = (str(LICTOR),), *, name: str = "s1") -> Generator[Host]:
    """One that serves."""
    host = Host(folder, program, name=name)
    try:
        host.open()
        yield host
    finally:
        host.close()
