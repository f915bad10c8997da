"""`lictor tls`, `keygen` and `keyring` where files, the real Consul and keys that exist are needed."""

import base64
import json
import os
import ssl
import stat
from pathlib import Path

import pytest

from tests.client.conftest import Command
from tests.client.fake_agent import Reply, Seen, fake_agent
from tests.support.agents import environment_for_commands, program_of, put_consul_on_path
from tests.support.ports import free_port, free_ports
from tests.support.processes import running

put_consul_on_path()


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty directory to work in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_key_is_for_its_owner_alone_whatever_the_umask(lonely_command: Command, here: Path) -> None:
    before = os.umask(0)
    try:
        assert lonely_command("tls", "ca", "create").exit_code == 0
        assert lonely_command("tls", "cert", "create", "-cli").exit_code == 0
    finally:
        os.umask(before)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in here.iterdir()}
    assert modes == {
        "consul-agent-ca.pem": 0o644,
        "consul-agent-ca-key.pem": 0o600,
        "dc1-cli-consul-0.pem": 0o644,
        "dc1-cli-consul-0-key.pem": 0o600,
    }


def test_files_that_are_there_are_left_alone(lonely_command: Command, here: Path) -> None:
    (here / "consul-agent-ca-key.pem").write_text("mine")
    refused = lonely_command("tls", "ca", "create")
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "consul-agent-ca-key.pem already exists" in refused.stderr
    assert [path.name for path in here.iterdir()] == ["consul-agent-ca-key.pem"]
    assert (here / "consul-agent-ca-key.pem").read_text() == "mine"
    assert lonely_command("tls", "ca", "create", "-domain=other").exit_code == 0
    (here / "dc1-client-other-0-key.pem").write_text("mine")
    made = lonely_command("tls", "cert", "create", "-client", "-domain=other")
    assert made.lines[1:] == ["==> Saved dc1-client-other-1.pem", "==> Saved dc1-client-other-1-key.pem"]


def test_nothing_is_left_of_a_pair_that_cannot_be_written(lonely_command: Command, here: Path) -> None:
    long = "d" * 240  # the certificate's name is short enough for a file, the key's is not
    refused = lonely_command("tls", "ca", "create", f"-domain={long}")
    assert (refused.exit_code, list(here.iterdir())) == (1, [])
    assert "cannot write" in refused.stderr


def test_a_certificate_that_outlives_its_ca_is_told(lonely_command: Command, here: Path) -> None:
    lonely_command("tls", "ca", "create", "-days=2")
    made = lonely_command("tls", "cert", "create", "-client")
    assert (made.exit_code, made.stderr.startswith("the CA ends before the certificate, at 2")) == (0, True)
    assert lonely_command("tls", "cert", "create", "-client", "-days=1").stderr == ""


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("tls", "ca", "create", "-domain=a/b"), "cannot be part of a file's name"),
        (("tls", "cert", "create", "-cli", "-dc=../x"), "cannot be part of a file's name"),
        (("tls", "cert", "create", "-cli", "-domain="), "cannot be part of a file's name"),
        (("tls", "cert", "create"), "one of them: -server, -client or -cli"),
        (("tls", "cert", "create", "-cli"), "no such file or directory; `lictor tls ca create` makes one"),
        (("tls", "cert", "create", "-cli", "-ca=."), "is a directory"),
        (("tls", "ca", "create", "-days=99999"), "days must be 1 to 36525"),
    ],
    ids=str,
)
def test_what_cannot_be_made_is_told_and_leaves_nothing(
    lonely_command: Command, here: Path, words: tuple[str, ...], reason: str
) -> None:
    refused = lonely_command(*words)
    assert (refused.exit_code, list(here.iterdir())) == (1, [])
    assert reason in refused.stderr


def test_a_new_key_has_32_bytes_and_is_new(lonely_command: Command) -> None:
    first, second = (lonely_command("keygen").stdout for _ in range(2))
    assert len(base64.b64decode(first, validate=False)) == 32
    assert first != second


KEYS = [
    {"WAN": True, "Datacenter": "dc1", "Keys": {"b=": 1, "a=": 2}, "PrimaryKeys": {"a=": 2}, "NumNodes": 2},
    {"WAN": False, "Datacenter": "dc1", "Segment": "", "Keys": {"a=": 3}, "PrimaryKeys": {"a=": 3}, "NumNodes": 3},
    {"WAN": False, "Datacenter": "dc1", "Segment": "s", "Keys": None, "PrimaryKeys": None, "NumNodes": 1},
]  # fmt: skip


def test_keys_are_listed_pool_by_pool(lonely_command: Command) -> None:
    with fake_agent(lambda _: Reply(body=json.dumps(KEYS).encode())) as fake:
        keys = lonely_command("keyring", "-list", "-relay-factor=3", f"-http-addr={fake.address}")
        primary = lonely_command("keyring", "-list-primary", "-local-only", f"-http-addr={fake.address}")
    assert keys.lines == [
        "==> Gathering installed encryption keys...",
        "", "WAN:", "  a= [2/2]", "  b= [1/2]",
        "", "dc1 (LAN):", "  a= [3/3]",
        "", "dc1 (LAN) [s]:",
    ]  # fmt: skip
    assert [line for line in primary.lines if "[" in line] == ["  a= [2/2]", "  a= [3/3]", "dc1 (LAN) [s]:"]
    assert [seen.target for seen in fake.seen] == [
        "/v1/operator/keyring?relay-factor=3",
        "/v1/operator/keyring?local-only=true",
    ]


@pytest.mark.parametrize(("flag", "method"), [("-install", "POST"), ("-use", "PUT"), ("-remove", "DELETE")])
def test_keys_are_changed(lonely_command: Command, flag: str, method: str) -> None:
    def answer(seen: Seen) -> Reply:
        return Reply(body=b"")

    with fake_agent(answer) as fake:
        printed = lonely_command("keyring", f"{flag}=a=", f"-http-addr={fake.address}")
    assert (printed.exit_code, len(printed.lines)) == (0, 1)
    (seen,) = fake.seen
    assert (seen.method, seen.target, json.loads(seen.body)) == (method, "/v1/operator/keyring", {"Key": "a="})


@pytest.mark.slow
@pytest.mark.needs("consul")
def test_the_real_consul_serves_and_asks_for_these_certificates(
    lonely_command: Command, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ports = {**free_ports("http", "https", "dns", "server", "grpc"), "serf_lan": free_port(digits=4),
             "serf_wan": free_port(digits=4)}  # fmt: skip
    lonely_command("tls", "ca", "create", "-name-constraint")
    lonely_command("tls", "cert", "create", "-server")
    lonely_command("tls", "cert", "create", "-cli")
    settings = {
        "ports": ports,
        "ca_file": "consul-agent-ca.pem",
        "cert_file": "dc1-server-consul-0.pem",
        "key_file": "dc1-server-consul-0-key.pem",
        "verify_incoming": True,
        "verify_outgoing": True,
        "verify_server_hostname": True,
    }
    (here / "agent.json").write_text(json.dumps(settings))
    monkeypatch.setenv("LICTOR_HTTP_ADDR", f"https://localhost:{ports['https']}")
    flags = [
        "-ca-file=consul-agent-ca.pem",
        "-client-cert=dc1-cli-consul-0.pem",
        "-client-key=dc1-cli-consul-0-key.pem",
    ]
    with running(
        "consul-agent",
        [program_of("consul"), "agent", "-dev", "-config-file", "agent.json"],
        here,
        environment=environment_for_commands(),
        ready=lambda: lonely_command("kv", "put", *flags, "a", "1").exit_code == 0,
        kill=True,
    ):
        assert lonely_command("kv", "get", *flags, "a").stdout == "1\n"
        nameless = lonely_command("kv", "get", "-ca-file=consul-agent-ca.pem", "a")
        assert (nameless.exit_code, "certificate" in nameless.stderr) == (1, True)


def test_lictor_itself_trusts_these_certificates(lonely_command: Command, here: Path) -> None:
    lonely_command("tls", "ca", "create")
    lonely_command("tls", "cert", "create", "-server")
    lonely_command("tls", "cert", "create", "-client")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain("dc1-server-consul-0.pem", "dc1-server-consul-0-key.pem")
    context.load_verify_locations("consul-agent-ca.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    flags = ["-ca-file=consul-agent-ca.pem", "-client-cert=dc1-client-consul-0.pem",
             "-client-key=dc1-client-consul-0-key.pem", "-tls-server-name=server.dc1.consul"]  # fmt: skip
    with fake_agent(lambda _: Reply(body=b'["x"]'), tls=context) as fake:
        printed = lonely_command("kv", "get", "-keys", f"-http-addr={fake.address}", *flags)
    assert (printed.exit_code, printed.stdout) == (0, "x\n"), printed.stderr
