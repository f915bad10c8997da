"""A real agent behind a Unix socket and HTTPS, asked by the real command line; certificates replaced while it runs."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
from collections.abc import Mapping
from pathlib import Path

from lictor.api.asynchronous import AsyncClient
from lictor.api.blocking import Client
from lictor.api.calls import status
from lictor.api.settings import Settings, parse_address
from tests.server.certificates import Authority, Pair
from tests.support.agents import DevAgent, dev_agent, environment_for_commands, program_of
from tests.support.api import listens
from tests.support.conditions import wait_until
from tests.support.ports import free_port
from tests.support.processes import running

_COMMAND_S_MAX = 60


def _lictor(environment: Mapping[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [program_of("lictor"), *arguments],
        env={**os.environ, **environment_for_commands(), **environment},
        capture_output=True,
        text=True,
        timeout=_COMMAND_S_MAX,
        check=False,
    )


def _settings(directory: Path, authority: Authority, pair: Pair, port: int) -> dict[str, object]:
    return {
        "addresses": {"http": f"127.0.0.1 unix://{directory / 'http.sock'}", "https": "127.0.0.1"},
        "ports": {"https": port},
        "unix_sockets": {"mode": "0600"},
        "ca_file": authority.ca_file,
        "cert_file": pair.cert_file,
        "key_file": pair.key_file,
        "verify_incoming_https": True,
    }


def test_the_command_line_comes_in_by_a_unix_socket_and_by_https(tmp_path: Path) -> None:
    authority, port = Authority(tmp_path / "tls"), free_port()
    own = authority.client()
    with dev_agent("lictor", tmp_path, _settings(tmp_path, authority, authority.server(), port)) as agent:
        by_socket = {"CONSUL_HTTP_ADDR": f"unix://{tmp_path / 'http.sock'}"}
        assert _lictor(by_socket, "kv", "put", "by", "socket").returncode == 0
        by_environment = {
            "CONSUL_HTTP_ADDR": f"localhost:{port}",
            "CONSUL_HTTP_SSL": "true",
            "CONSUL_CACERT": authority.ca_file,
            "CONSUL_CLIENT_CERT": own.cert_file,
            "CONSUL_CLIENT_KEY": own.key_file,
        }
        assert _lictor(by_environment, "kv", "get", "by").stdout == "socket\n"
        flags = [
            f"-http-addr=https://127.0.0.1:{port}",
            f"-ca-path={_roots(tmp_path / 'roots', authority)}",
            f"-client-cert={own.cert_file}",
            f"-client-key={own.key_file}",
            "-tls-server-name=server.dc1.consul",
        ]
        assert _lictor({}, "kv", "get", *flags, "by").stdout == "socket\n"
        refused = _lictor({}, "kv", "get", *flags[:2], "by")
        assert (refused.returncode, "Traceback" in refused.stderr) == (1, False)
        assert f"https://127.0.0.1:{port}" in agent.program.log()
    assert not (tmp_path / "http.sock").exists()


def test_both_clients_come_in_by_https(tmp_path: Path) -> None:
    authority, port = Authority(tmp_path / "tls"), free_port()
    own = authority.client()
    settings = Settings(
        endpoint=parse_address(f"https://127.0.0.1:{port}"),
        ca_file=authority.ca_file,
        client_cert=own.cert_file,
        client_key=own.key_file,
        tls_server_name="server.dc1.consul",
    )

    async def leader() -> str:
        async with AsyncClient(settings) as client:
            return await client.send(status.leader())

    with dev_agent("lictor", tmp_path, _settings(tmp_path, authority, authority.server(), port)):
        with Client(settings) as client:
            assert client.send(status.leader())
        assert asyncio.run(leader())


def test_the_builtin_proxy_reaches_its_agent_by_https(tmp_path: Path) -> None:
    authority, port = Authority(tmp_path / "tls"), free_port()
    own = authority.client()
    with dev_agent("lictor", tmp_path, _settings(tmp_path, authority, authority.server(), port)):
        entry = free_port()
        proxy = [program_of("lictor"), "connect", "proxy", "-service=me", f"-upstream=db:{entry}"]
        proxy += [f"-http-addr=https://127.0.0.1:{port}", "-tls-server-name=server.dc1.consul"]
        proxy += [f"-ca-path={_roots(tmp_path / 'roots', authority)}"]
        proxy += [f"-client-cert={own.cert_file}", f"-client-key={own.key_file}"]
        with running(
            "proxy", proxy, tmp_path, environment=environment_for_commands(), ready=lambda: listens(entry)
        ) as program:
            assert "proxy.listener.started" in program.log()


def _roots(directory: Path, authority: Authority) -> Path:
    """A directory of certificates as people make one: without the names that OpenSSL looks for."""
    directory.mkdir()
    shutil.copy(authority.ca_file, directory / "ca.pem")
    return directory


def test_a_reload_takes_the_certificate_that_the_files_hold_then(tmp_path: Path) -> None:
    authority, port = Authority(tmp_path / "tls"), free_port()
    pair, later = authority.issue("first", ["localhost", "first"]), authority.issue("second", ["localhost", "second"])
    with dev_agent("lictor", tmp_path, _settings(tmp_path, authority, pair, port)) as agent:
        context = ssl.create_default_context(cafile=authority.ca_file)
        own = authority.client()
        context.load_cert_chain(own.cert_file, own.key_file)
        assert _name_shown(port, context) == "first"
        shutil.copy(later.cert_file, pair.cert_file)
        shutil.copy(later.key_file, pair.key_file)
        _reload(agent)
        wait_until(lambda: _name_shown(port, context) == "second", within_s=10, what="the new certificate is shown")
        Path(pair.cert_file).write_text("broken", encoding="ascii")
        _reload(agent)
        agent.program.wait_until(lambda: "agent.reload.failed" in agent.program.log(), "the failure is told")
        assert pair.cert_file in agent.program.log()
        assert _name_shown(port, context) == "second"


def _reload(agent: DevAgent) -> None:
    os.kill(agent.program.pid, signal.SIGHUP)


def _name_shown(port: int, context: ssl.SSLContext) -> str:
    """The last name of the certificate that the agent shows."""
    with (
        socket.create_connection(("127.0.0.1", port), timeout=10) as sock,
        context.wrap_socket(sock, server_hostname="localhost") as secured,
    ):
        certificate = secured.getpeercert()
        assert certificate is not None
        names = [str(name[1]) for name in certificate["subjectAltName"] if name[0] == "DNS"]
    return names[-1]


def test_a_start_without_the_certificate_ends_with_the_file_and_the_reason(tmp_path: Path) -> None:
    path = tmp_path / "agent.json"
    wrong = {"ports": {"https": free_port()}, "cert_file": "/nowhere.pem", "key_file": "/nowhere-key.pem"}
    path.write_text(json.dumps(wrong), encoding="utf-8")
    ports = [f"-{name}-port={free_port()}" for name in ("http", "dns", "server", "grpc")]
    ended = _lictor({}, "agent", "-dev", f"-config-file={path}", *ports)
    assert ended.returncode == 1
    assert "cert_file: /nowhere.pem cannot be read: no such file" in ended.stderr
    assert "Traceback" not in ended.stderr
