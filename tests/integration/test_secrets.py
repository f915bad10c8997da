"""Secrets stay where they belong: planted in everything that takes one, they are in nothing that comes out.

And what is kept on disk is readable by its owner alone.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import socket
import stat
import subprocess
import tarfile
import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from lictor_agent.http.routes import ROUTES
from tests.support.agents import environment_for_commands, program_of
from tests.support.ports import free_ports
from tests.support.processes import Program, running

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

MANAGEMENT = "5ec2e700-0000-4000-8000-00000000aaaa"
AGENT_TOKEN = "5ec2e700-0000-4000-8000-00000000bbbb"
DEFAULT_TOKEN = "5ec2e700-0000-4000-8000-00000000cccc"
SERVICE_TOKEN = "5ec2e700-0000-4000-8000-00000000dddd"
CHECK_TOKEN = "5ec2e700-0000-4000-8000-00000000eeee"
HEADER_TOKEN = "5ec2e700-0000-4000-8000-00000000ffff"
URL_TOKEN = "5ec2e700-0000-4000-8000-0000000a0000"
BEARER_TOKEN = "5ec2e700-0000-4000-8000-0000000b0000"
WATCH_TOKEN = "5ec2e700-0000-4000-8000-0000000c0000"
CHECK_PASSWORD = "planted-in-a-check-header"
RECOVERY_TOKEN = "5ec2e700-0000-4000-8000-0000000d0000"
REPLICATION_TOKEN = "5ec2e700-0000-4000-8000-0000000e0000"
LOGIN_JWT = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqdWRnZSIsInN1YiI6InBsYW50ZWQifQ.cGxhbnRlZC1zaWduYXR1cmU"
"""Well formed, and signed by nobody."""
URL_PASSWORD = "planted-in-a-check-url"
GOSSIP_KEY = "cGxhbnRlZC1nb3NzaXAta2V5LTMyLWJ5dGVzLWhlcmU="
KINDS = ("agent", "event", "key", "node", "query", "service", "session")
TOKENS = (
    AGENT_TOKEN,
    DEFAULT_TOKEN,
    SERVICE_TOKEN,
    CHECK_TOKEN,
    HEADER_TOKEN,
    URL_TOKEN,
    BEARER_TOKEN,
    WATCH_TOKEN,
)
PLANTED = (
    *TOKENS,
    MANAGEMENT,
    RECOVERY_TOKEN,
    REPLICATION_TOKEN,
    CHECK_PASSWORD,
    URL_PASSWORD,
    GOSSIP_KEY[:24],
    "eyJpc3MiOiJqdWRnZSIs",
    "cGxhbnRlZC1zaWduYX",
    "PRIVATE KEY",
)
SHOW_SECRETS = (
    "/v1/acl/token",
    "/v1/acl/info/",
    "/v1/acl/list",
    "/v1/acl/auth-method/",
    "/v1/agent/connect/ca/leaf/",
    "/v1/kv/",
    "/v1/snapshot",
    "/v1/operator/keyring",
)
"""What shows a secret to who may see it, since that is what it is for."""
STREAMS = ("/v1/agent/monitor",)
TAILS = ("", "web", "judge", "passing", "service-defaults/web", "sidecar")


@dataclass
class Session:
    """One running agent, and all that it ever said."""

    program: Program
    port: int
    said: dict[str, bytes] = field(default_factory=dict[str, bytes])

    def ask(
        self,
        method: str,
        target: str,
        body: object = None,
        headers: Mapping[str, str] | None = None,
        *,
        keeps: bool = True,
    ) -> tuple[int, bytes]:
        """Ask, and keep the answer, head and body, unless it is to show a secret."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        try:
            connection.request(method, target, data, dict(headers or {}))
            answer = connection.getresponse()
            text = answer.read()
            if keeps:
                self.keep(f"{method} {target}", str(answer.getheaders()).encode() + text)
            return answer.status, text
        finally:
            connection.close()

    def keep(self, name: str, text: bytes) -> None:
        self.said[name] = self.said.get(name, b"") + text

    def leaks(self) -> list[str]:
        """Which secret is in what."""
        return [
            f"{secret} in {name}: ...{shown(text, secret.encode())}..."
            for name, text in self.said.items()
            for secret in PLANTED
            if secret.encode() in text
        ]


def shown(text: bytes, secret: bytes) -> str:
    at = text.index(secret)
    return text[max(at - 150, 0) : at + 20].decode(errors="replace")


@contextmanager
def session(directory: Path, acl: Mapping[str, object]) -> Generator[Session]:
    """An agent that is a server and keeps what it knows on disk, with a secret wherever one may stand."""
    ports = free_ports("http", "dns", "server", "grpc")
    config = {
        "server": True,
        "bootstrap": True,
        "node_name": "judge",
        "bind_addr": "127.0.0.1",
        "data_dir": str(directory / "data"),
        "log_level": "trace",
        "enable_debug": True,
        "enable_local_script_checks": True,
        "encrypt": GOSSIP_KEY,
        "ports": {**ports, "serf_lan": -1, "serf_wan": -1},
        "connect": {"enabled": True},
        "acl": {
            **acl,
            "enable_token_persistence": True,
            "tokens": {
                "master": MANAGEMENT,
                "agent": AGENT_TOKEN,
                "default": DEFAULT_TOKEN,
                "agent_master": RECOVERY_TOKEN,
                "replication": REPLICATION_TOKEN,
            },
        },
        "services": [{"name": "filed", "port": 1, "token": SERVICE_TOKEN}],
        "watches": [{"type": "key", "key": "a", "token": WATCH_TOKEN, "args": ["true"], "handler_type": "script"}],
    }
    path = directory / "agent.json"
    path.write_text(json.dumps(config))
    path.chmod(0o600)
    command = [program_of("lictor"), "agent", "-config-file", str(path)]
    environment = {**environment_for_commands(), "CONSUL_HTTP_TOKEN": ""}
    with running("lictor", command, directory, environment=environment, ready=lambda: _leads(ports["http"])) as program:
        yield Session(program, ports["http"])


def _leads(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/v1/status/leader")
        return len(connection.getresponse().read()) > 4
    except OSError:
        return False
    finally:
        connection.close()


def give_rights(one: Session) -> None:
    """The secrets become those of tokens that may do nearly everything, one of them next to nothing."""
    management = {"X-Consul-Token": MANAGEMENT}
    for name, rights in {"most": "write", "little": "read"}.items():
        rules = "\n".join(f'{kind}_prefix "" {{ policy = "{rights}" }}' for kind in KINDS)
        policy = {"Name": name, "Rules": rules if name == "most" else 'key "a" { policy = "read" }'}
        assert one.ask("PUT", "/v1/acl/policy", policy, management)[0] == 200
    for number, secret in enumerate(TOKENS):
        name = "little" if secret in (BEARER_TOKEN, CHECK_TOKEN) else "most"
        token = {
            "AccessorID": f"00000000-0000-4000-8000-{number:012}",
            "SecretID": secret,
            "Description": "planted",
            "Policies": [{"Name": name}],
        }
        assert one.ask("PUT", "/v1/acl/token", token, management, keeps=False)[0] == 200
    one.ask("PUT", "/v1/acl/token", {"SecretID": URL_TOKEN, "Policies": [{"Name": "none"}]}, management)
    one.ask("PUT", "/v1/acl/token", {"SecretID": [URL_TOKEN]}, management)
    one.ask("PUT", "/v1/acl/token", {"AccessorID": URL_TOKEN, "SecretID": HEADER_TOKEN}, management)
    one.ask("DELETE", "/v1/acl/token/00000000-0000-4000-8000-000000000009", None, {"X-Consul-Token": BEARER_TOKEN})
    method = {"Name": "jwt", "Type": "jwt", "Config": {"JWTValidationPubKeys": [f"no key {BEARER_TOKEN}"]}}
    one.ask("PUT", "/v1/acl/auth-method", method, management)
    log_in(one, management)
    one.ask("PUT", "/v1/acl/binding-rule", {"AuthMethod": "none", "Selector": "x ==", "BindName": "a"}, management)
    for target in ("/v1/acl/token/self", "/v1/acl/tokens", "/v1/acl/policy/name/most"):
        one.ask("GET", target, None, {"X-Consul-Token": BEARER_TOKEN}, keeps=target != "/v1/acl/token/self")


def log_in(one: Session, management: Mapping[str, str]) -> None:
    """Tokens of others, most of them good for nothing."""
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    pem = key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()
    keys = {"JWTValidationPubKeys": [pem], "BoundIssuer": "judge"}
    kubernetes = {"Host": "https://127.0.0.1:1", "CACert": pem, "ServiceAccountJWT": LOGIN_JWT}
    for name, kind, config in (("keys", "jwt", keys), ("kube", "kubernetes", kubernetes)):
        method = {"Name": name, "Type": kind, "Config": config}
        one.ask("PUT", "/v1/acl/auth-method", method, management, keeps=False)
        for bearer in (LOGIN_JWT, LOGIN_JWT[:-4], f"{LOGIN_JWT}.{LOGIN_JWT}", f"{LOGIN_JWT}\n"):
            one.ask("POST", "/v1/acl/login", {"AuthMethod": name, "BearerToken": bearer})
            one.ask("POST", "/v1/acl/login", {"AuthMethod": [name], "BearerToken": {"x": bearer}})


def use(one: Session) -> None:
    """All that has to do with a secret, well done and badly done."""
    check = {
        "Name": "door",
        "HTTP": f"http://user:{URL_PASSWORD}@127.0.0.1:1/",
        "Interval": "10s",
        "Header": {"Authorization": [CHECK_PASSWORD]},
    }
    for name, place in {"refused": "127.0.0.1:1", "unknown": "nowhere.invalid", "wrong": "[::1"}.items():
        target = f"http://user:{URL_PASSWORD}@{place}/"
        one.ask("PUT", "/v1/agent/check/register", {"Name": name, "HTTP": target, "Interval": "1s"})
    service = {"Name": "web", "Port": 80, "Token": SERVICE_TOKEN, "Check": check}
    one.ask("PUT", f"/v1/agent/service/register?token={SERVICE_TOKEN}", service)
    one.ask(
        "PUT", "/v1/agent/service/register", {**service, "ID": "web2", "Port": "no"}, {"X-Consul-Token": SERVICE_TOKEN}
    )
    one.ask("PUT", f"/v1/agent/check/register?token={CHECK_TOKEN}", {**check, "Token": CHECK_TOKEN})
    one.ask("PUT", "/v1/agent/check/register", {**check, "Header": {"Authorization": {"x": CHECK_PASSWORD}}})
    sidecar: dict[str, object] = {
        "Name": "sidecar",
        "Port": 1,
        "Connect": {"SidecarService": {"Port": 21500}},
        "Token": SERVICE_TOKEN,
    }
    one.ask("PUT", "/v1/agent/service/register", sidecar)
    for slot in ("agent", "default", "replication", "agent_master", "agent_recovery", "nothing"):
        one.ask("PUT", f"/v1/agent/token/{slot}", {"Token": DEFAULT_TOKEN}, {"X-Consul-Token": MANAGEMENT})
        one.ask("PUT", f"/v1/agent/token/{slot}", f'{{"Token": "{DEFAULT_TOKEN}", "Token": {DEFAULT_TOKEN}}}'.encode())
        one.ask("PUT", f"/v1/agent/token/{slot}", {"Token": [DEFAULT_TOKEN]})
    for method, path in (("GET", "/v1/kv/a"), ("PUT", "/v1/kv/a"), ("GET", "/v1/nowhere"), ("BREW", "/v1/kv/a")):
        one.ask(method, f"{path}?token={URL_TOKEN}&x=%zz")
        one.ask(method, f"{path}?token={URL_TOKEN}&index=none")
        one.ask(method, path, headers={"X-Consul-Token": HEADER_TOKEN})
        one.ask(method, path, headers={"Authorization": f"Bearer {BEARER_TOKEN}"})
    one.ask("GET", f"/v1/agent/services?token={URL_TOKEN}&filter=nonsense")
    one.ask("GET", f"/v1/catalog/service/web?token={URL_TOKEN}&ns=other")
    one.ask("PUT", f"/v1/session/create?token={URL_TOKEN}", b"{")
    one.ask("PUT", "/v1/acl/bootstrap")
    one.ask("PUT", "/v1/acl/logout", headers={"X-Consul-Token": HEADER_TOKEN})
    one.ask("POST", "/v1/acl/login", {"AuthMethod": "none", "BearerToken": BEARER_TOKEN})
    for verb in ("POST", "PUT", "DELETE"):
        one.ask(verb, "/v1/operator/keyring", {"Key": GOSSIP_KEY})
    _break(one, f"GET /v1/kv/a?token={URL_TOKEN} HTTP/9.9\r\n\r\n")
    _break(one, f"GET /v1/kv/a HTTP/1.1\r\nX-Consul-Token: {HEADER_TOKEN}\x01\r\nbad header\r\n\r\n")
    _break(one, f"X-Consul-Token: {HEADER_TOKEN}\r\n\r\n")


def _break(one: Session, head: str) -> None:
    with socket.create_connection(("127.0.0.1", one.port), timeout=10) as wire:
        wire.sendall(head.encode())
        one.keep("a broken head", wire.recv(65536))


def look(one: Session) -> None:
    """Everything that can be read."""
    for route in ROUTES:
        if "GET" not in route.endpoints or route.path.startswith((*SHOW_SECRETS, *STREAMS)):
            continue
        tails: tuple[str, ...] = TAILS if route.path.endswith("/") else ("",)
        if route.path == "/debug/pprof/":
            tails = ("", "goroutine", "heap", "cmdline", "profile?seconds=1", "trace?seconds=1", "symbol")
        for tail in tails:
            one.ask("GET", route.path + tail, headers={"X-Consul-Token": MANAGEMENT})
    one.ask("GET", "/v1/agent/metrics?format=prometheus", headers={"X-Consul-Token": MANAGEMENT})


@contextmanager
def monitored(one: Session) -> Generator[None]:
    """The stream of the log, as long as the block runs."""
    connection = http.client.HTTPConnection("127.0.0.1", one.port, timeout=60)
    connection.request("GET", "/v1/agent/monitor?loglevel=trace", headers={"X-Consul-Token": MANAGEMENT})
    answer = connection.getresponse()
    assert answer.status == 200

    def read() -> None:
        with contextlib.suppress(OSError, ValueError, http.client.HTTPException):  # it was ended
            while part := answer.read1(65536):
                one.keep("the monitor", part)

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    try:
        yield
    finally:
        assert connection.sock is not None
        connection.sock.shutdown(socket.SHUT_RDWR)
        thread.join(10)
        connection.close()


def debug(one: Session, directory: Path) -> None:
    """The bundle of `lictor debug`, each file of it."""
    bundle = directory / "bundle"
    environment = {**os.environ, **environment_for_commands(f"127.0.0.1:{one.port}"), "CONSUL_HTTP_TOKEN": MANAGEMENT}
    command = [program_of("lictor"), "debug", "-duration=10s", "-interval=5s", f"-output={bundle}"]
    done = subprocess.run(command, env=environment, capture_output=True, timeout=120, check=False)
    one.keep("the output of lictor debug", done.stdout + done.stderr)
    assert done.returncode == 0, done.stderr
    packed = bundle.with_name("bundle.tar.gz")
    assert stat.S_IMODE(packed.stat().st_mode) == 0o600
    with tarfile.open(packed) as archive:
        for member in archive.getmembers():
            file = archive.extractfile(member)
            if file is not None:
                one.keep(f"{member.name} of the bundle", file.read())


def commands(one: Session, directory: Path) -> None:
    """What the command line says, most of all when something is wrong."""
    reachable, away = f"-http-addr=127.0.0.1:{one.port}", "-http-addr=127.0.0.1:1"
    file = directory / "wrong.json"
    tokens = {"default": {"secret": DEFAULT_TOKEN}, "agent": [AGENT_TOKEN], "unknown": MANAGEMENT}
    file.write_text(
        json.dumps({"encrypt": [GOSSIP_KEY], "acl": {"tokens": tokens}, "services": {"token": SERVICE_TOKEN}})
    )
    short = directory / "short.json"
    short.write_text(json.dumps({"encrypt": GOSSIP_KEY[:-8], "data_dir": str(directory / "none")}))
    for arguments in (
        ["members", f"-token={URL_TOKEN}", away],
        ["kv", "get", f"-token={URL_TOKEN}", reachable, "missing"],
        ["kv", "get", f"-token={URL_TOKEN}", "-nonsense", "a"],
        ["acl", "token", "read", "-id=none", f"-token={URL_TOKEN}", reachable],
        ["keyring", f"-install={GOSSIP_KEY}", reachable],
        ["validate", str(file)],
        ["validate", str(short)],
        ["agent", "-config-file", str(file)],
        ["agent", "-config-file", str(short), "-bind=203.0.113.1"],
        ["agent", f"-encrypt={GOSSIP_KEY[:-4]}", "-dev", "-bind=nonsense"],
    ):
        environment = {**os.environ, **environment_for_commands(), "CONSUL_HTTP_TOKEN": MANAGEMENT}
        done = subprocess.run(
            [program_of("lictor"), *arguments], env=environment, capture_output=True, timeout=60, check=False
        )
        one.keep(f"lictor {arguments[0]}", done.stdout + done.stderr)


def loose(directory: Path) -> list[str]:
    """What others on this machine could read or enter."""
    found: list[str] = []
    for path in (directory, *directory.rglob("*")):
        mode = stat.S_IMODE(path.lstat().st_mode)
        # In a directory that only its owner enters, nobody else reads what is no secret, either.
        is_plain = path.name in ("node-id", "servers.json") and stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        if mode & 0o077 and not is_plain:
            found.append(f"{path}: {mode:04o}")
    return found


@pytest.mark.parametrize("acl", [{}, {"enabled": True, "default_policy": "deny"}], ids=["off", "on"])
def test_no_secret_is_in_anything_that_comes_out(tmp_path: Path, acl: dict[str, object]) -> None:
    with session(tmp_path, acl) as one:
        if acl:
            give_rights(one)
        with monitored(one):
            use(one)
            look(one)
            commands(one, tmp_path)
            debug(one, tmp_path)
        assert loose(tmp_path / "data") == []
    one.keep("the log", one.program.log().encode())
    assert b"http.request.answered" in one.said["the log"], "at trace everything is told"
    assert b"http.request.answered" in one.said["the monitor"]
    assert one.leaks() == []
