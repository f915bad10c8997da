"""Certificates, keys and CAs exchanged under traffic: nobody is hung up on, and who comes next sees the new ones."""

from __future__ import annotations

import http.client
import os
import shutil
import signal
import socket
import ssl
from collections.abc import Generator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from tests.server.certificates import Authority, Pair
from tests.support.processes import Program
from tests.support.server_cluster import ServerCluster

pytestmark = pytest.mark.slow

HTTPS, GRPC, RPC = 8501, 8502, 8300
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
PING = bytes([0, 0, 8, 6, 0, 0, 0, 0, 0])
PING_ANSWERED = bytes([0, 0, 8, 6, 1, 0, 0, 0, 0])
RELOADED = "agent.configuration.reloaded"
LOST = ("agent.server.lost", "raft.link.lost", "raft.link.closed", "raft.leader.lost", "agent.lease.lost")


@dataclass(frozen=True)
class Caller:
    """Who dials: whom they believe, and what they show."""

    authority: Authority
    pair: Pair

    def dial(self, host: str, port: int, alpn: str) -> ssl.SSLSocket:
        context = ssl.create_default_context(cafile=self.authority.ca_file)
        context.load_cert_chain(self.pair.cert_file, self.pair.key_file)
        context.set_alpn_protocols([alpn])
        return context.wrap_socket(socket.create_connection((host, port), timeout=20), server_hostname="localhost")


def served(caller: Caller, host: str, port: int, alpn: str) -> bool:
    """Whether both ends believe each other: TLS 1.3 tells a caller that it is refused only when it reads."""
    try:
        with caller.dial(host, port, alpn) as sock:
            sock.settimeout(0.3)
            try:
                return sock.recv(1) != b"" or alpn == "lictor-rpc/1"
            except TimeoutError:
                return True
    except (ssl.SSLError, ConnectionError):
        return False


class HeldHttps:
    """A connection to the HTTP API that stays open."""

    def __init__(self, caller: Caller, host: str) -> None:
        self._connection = http.client.HTTPConnection(host, HTTPS)
        self._connection.sock = caller.dial(host, HTTPS, "http/1.1")

    def check(self) -> None:
        self._connection.request("GET", "/v1/status/leader")
        answer = self._connection.getresponse()
        assert (answer.status, answer.read() != b"") == (200, True)

    def close(self) -> None:
        self._connection.close()


class HeldGrpc:
    """A connection to the gRPC port, as an Envoy has it."""

    def __init__(self, caller: Caller, host: str) -> None:
        self._sock = caller.dial(host, GRPC, "h2")
        self._sock.sendall(PREFACE)
        self._numbers = iter(range(100))

    def check(self) -> None:
        number = next(self._numbers).to_bytes(8, "big")
        self._sock.sendall(PING + number)
        heard = b""
        while PING_ANSWERED + number not in heard:
            got = self._sock.recv(4096)
            assert got, "the connection was closed"
            heard += got

    def close(self) -> None:
        self._sock.close()


@contextmanager
def cluster_of(directory: Path, files: Pair, ca_file: str) -> Generator[ServerCluster]:
    """Two servers that everything must be proven to, and an agent behind all of the doors."""
    common: dict[str, object] = {
        "tls": {
            "defaults": {
                "ca_file": ca_file,
                "cert_file": files.cert_file,
                "key_file": files.key_file,
                "verify_incoming": True,
                "verify_outgoing": True,
            },
            "internal_rpc": {"verify_server_hostname": True},
        }
    }
    with ServerCluster(directory, 2, common).running() as cluster:
        cluster.start_client(3, joins=[1, 2], settings={**common, "ports": {"https": HTTPS, "grpc": GRPC}})
        cluster.until(lambda: cluster.put(3, "k", "0"), "a write over TLS")
        yield cluster


def told(program: Program, event: str, count: int) -> bool:
    """Whether a process told of something so often."""
    return program.log().count(event) == count


def losses(cluster: ServerCluster) -> list[int]:
    """How often each of `LOST` was told: while a cluster is founded links may be closed."""
    return [sum(program.log().count(event) for program in cluster.programs.values()) for event in LOST]


def test_connections_outlive_the_exchange_of_everything_and_new_ones_see_it(tmp_path: Path) -> None:
    old, new = Authority(tmp_path / "old", "old"), Authority(tmp_path / "new", "new")
    first, second = old.server("first"), new.server("second")
    files = Pair(str(tmp_path / "cert.pem"), str(tmp_path / "key.pem"))
    roots = tmp_path / "roots.pem"
    before, after = Caller(old, old.client()), Caller(new, new.client())

    def put(pair: Pair, *authorities: Authority) -> None:
        shutil.copy(pair.cert_file, files.cert_file)
        shutil.copy(pair.key_file, files.key_file)
        roots.write_text("".join(Path(one.ca_file).read_text(encoding="ascii") for one in authorities))

    put(first, old)
    with cluster_of(tmp_path, files, str(roots)) as cluster, ExitStack() as held:
        agent = cluster.address(3)
        doors = [(agent, HTTPS, "http/1.1"), (agent, GRPC, "h2"), (cluster.address(1), RPC, "lictor-rpc/1")]

        def reload(count: int) -> None:
            for program in cluster.programs.values():
                os.kill(program.pid, signal.SIGHUP)
            for program in cluster.programs.values():
                program.wait_until(partial(told, program, RELOADED, count), "the reload")

        connections = (
            held.enter_context(closing(HeldHttps(before, agent))),
            held.enter_context(closing(HeldGrpc(before, agent))),
        )
        for one in connections:
            one.check()
        assert [served(before, *door) for door in doors] == [True] * 3
        assert [served(after, *door) for door in doors] == [False] * 3

        lost = losses(cluster)
        put(first, old, new)
        reload(1)
        put(second, old, new)
        reload(2)
        for one in connections:
            one.check()
        assert [served(after, *door) for door in doors] == [True] * 3

        put(second, new)
        reload(3)
        assert [served(after, *door) for door in doors] == [True] * 3
        assert [served(before, *door) for door in doors] == [False] * 3
        for one in connections:
            one.check()
        assert cluster.put(3, "k", "1")
        assert losses(cluster) == lost

        Path(files.key_file).write_text("broken", encoding="ascii")
        reload(4)
        for program in cluster.programs.values():
            program.wait_until(partial(told, program, "agent.reload.failed", 1), "the failure is told")
            assert f"key_file: {files.key_file}" in program.log()
        assert [served(after, *door) for door in doors] == [True] * 3
        for one in connections:
            one.check()
