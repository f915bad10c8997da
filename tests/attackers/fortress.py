"""What is attacked: a server with everything that closes doors, a proxy beside it, and one server with a key alone.

HTTP is plain at loopback, as a first step into the house; all else speaks TLS and asks for certificates, and every
token is denied what no rule allows.
"""

from __future__ import annotations

import http.client
import json
import shutil
import socket
import ssl
import tempfile
import uuid
from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.attackers.kinds import Door
from tests.server.certificates import Authority, Pair
from tests.support.agents import environment_for_commands, program_of
from tests.support.api import listens
from tests.support.ports import free_port
from tests.support.processes import Program, process_is_alive, running
from tests.support.server_cluster import ServerCluster

__all__ = ["KEY", "MANAGEMENT", "NAME", "Fortress", "fortress"]

MANAGEMENT: Final = "6d2f0c4e-6c1a-4a0a-9a54-3f1c1f4c8a11"
"""The token that may do everything."""
KEY: Final = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="
"""What agents of the keyed server prove."""
_ANONYMOUS: Final = "00000000-0000-0000-0000-000000000002"
NAME: Final = "consul.example.com"
"""By which the agent may be asked."""
_PORTS: Final = {Door.HTTP: 8500, Door.HTTPS: 8501, Door.GRPC: 8502, Door.RPC: 8300, Door.RAFT: 8300, Door.JOIN: 8301}


@dataclass
class Fortress:
    """Everything that an attack needs to know."""

    cluster: ServerCluster
    authority: Authority
    good: Pair
    """The certificate of a server."""
    client: Pair
    unix: str
    """The path of the Unix socket."""
    revoked: str
    """A token that was good for a moment."""
    keyed: tuple[str, int]
    """The server port of the server with a key."""
    recursor: int
    """The port of the recursor that the agent asks; an attack answers there."""
    proxy: Program
    public: int
    admin: int
    leaf: Pair
    roots: str
    """A leaf of the mesh, and the file with its roots."""
    node_id: str
    mesh: Authority
    """The CA of the mesh, as the operator gave it."""
    trust_domain: str
    scratch: Path
    waiting: dict[Door, socket.socket]
    """Connections that said one byte, when all this began."""
    foreign: str = field(default_factory=lambda: str(uuid.uuid4()))
    """A token that another datacenter made."""

    @property
    def host(self) -> str:
        """The agent's address."""
        return self.cluster.address(1)

    def place(self, door: Door) -> tuple[str, int]:
        """Where a door is."""
        if door in (Door.DNS_TCP, Door.DNS_UDP):
            return self.host, 8600
        if door is Door.PROXY:
            return self.host, self.public
        if door is Door.ADMIN:
            return "127.0.0.1", self.admin
        return self.host, _PORTS[door]

    def context(
        self, pair: Pair | None, *, alpn: str = "", trusting: str = "", version: ssl.TLSVersion | None = None
    ) -> ssl.SSLContext:
        """TLS of a visitor who shows `pair`, and looks at nothing of the other end but its CA."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.load_verify_locations(trusting or self.authority.ca_file)
        if pair is not None:
            context.load_cert_chain(pair.cert_file, pair.key_file)
        if alpn:
            context.set_alpn_protocols([alpn])
        if version is not None:
            context.minimum_version = version
        return context

    def programs_live(self) -> bool:
        """Whether server and proxy still run."""
        return all(process_is_alive(one.pid) for one in (self.cluster.programs[1], self.proxy))

    def api(self, method: str, path: str, body: object = None, token: str = MANAGEMENT) -> tuple[int, bytes]:
        """One request to the plain HTTP API."""
        return _api(self.host, method, path, body, token)


def _api(host: str, method: str, path: str, body: object, token: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(host, 8500, timeout=30)
    try:
        text = None if body is None else json.dumps(body)
        connection.request(method, path, text, {"X-Consul-Token": token} if token else {})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def _let_dns_speak(host: str) -> None:
    """Who has no token may see the servers, as somebody who asks DNS must."""
    rules = 'service "consul" { policy = "read" } node_prefix "" { policy = "read" }'
    status, body = _api(host, "PUT", "/v1/acl/policy", {"Name": "dns", "Rules": rules}, MANAGEMENT)
    assert status == 200, body
    anonymous = {"AccessorID": _ANONYMOUS, "Policies": [{"Name": "dns"}]}
    status, body = _api(host, "PUT", f"/v1/acl/token/{_ANONYMOUS}", anonymous, MANAGEMENT)
    assert status == 200, body


def _is_open(host: str) -> bool:
    try:
        return _api(host, "GET", "/v1/acl/token/self", None, MANAGEMENT)[0] == 200
    except OSError:
        return False


@contextmanager
def fortress(directory: Path) -> Generator[Fortress]:
    """It stands while the block runs, from the moment on that everybody who may come in can."""
    authority = Authority(directory / "tls")
    good = authority.server()
    recursor = free_port()
    sockets = Path(tempfile.mkdtemp(prefix="at-", dir="/tmp"))  # its path must be short
    cluster = ServerCluster(directory / "tls", 1, {})
    path = str(sockets / "http.sock")
    mesh = Authority(directory / "mesh", "mesh")
    cluster.settings.update(_settings(authority, mesh, good, recursor, cluster.address(1), path))
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, sockets, ignore_errors=True)
        cluster.start(1)
        stack.callback(cluster.kill, 1)
        host = cluster.address(1)
        cluster.until(lambda: _is_open(host), "a leader, and the first token")
        _let_dns_speak(host)
        made = json.loads(_api(host, "PUT", "/v1/acl/token", {"Description": "soon gone"}, MANAGEMENT)[1])
        assert _api(host, "PUT", "/v1/kv/secret", "treasure", MANAGEMENT)[0] == 200
        assert _api(host, "GET", "/v1/acl/token/self", None, made["SecretID"])[0] == 200, "it was good"
        assert _api(host, "DELETE", f"/v1/acl/token/{made['AccessorID']}", None, MANAGEMENT)[0] == 200
        api = {"Name": "api", "Port": 1, "Connect": {"SidecarService": {"Port": 2}}}
        assert _api(host, "PUT", "/v1/agent/service/register", api, MANAGEMENT)[0] == 200
        leaf = _leaf(directory / "mesh", host)
        trust_domain = json.loads(_api(host, "GET", "/v1/connect/ca/roots", None, MANAGEMENT)[1])["TrustDomain"]
        public, admin = free_port(), free_port()
        proxy = stack.enter_context(_proxy(directory, host, public, admin))
        key_port = stack.enter_context(_keyed(directory))
        standing = Fortress(
            cluster=cluster,
            authority=authority,
            good=good,
            client=authority.client(),
            unix=path,
            revoked=made["SecretID"],
            keyed=("127.0.0.1", key_port),
            recursor=recursor,
            proxy=proxy,
            public=public,
            admin=admin,
            leaf=leaf,
            roots=mesh.ca_file,
            mesh=mesh,
            trust_domain=trust_domain,
            scratch=directory,
            waiting={},
            node_id=json.loads(_api(host, "GET", "/v1/agent/self", None, MANAGEMENT)[1])["Config"]["NodeID"],
        )
        for door in Door:
            if door is not Door.DNS_UDP:
                standing.waiting[door] = stack.enter_context(_one_byte(standing, door))
        yield standing


def _one_byte(fort: Fortress, door: Door) -> socket.socket:
    if door is Door.UNIX:
        made = socket.socket(socket.AF_UNIX)
        made.connect(fort.unix)
    else:
        made = socket.create_connection(fort.place(door), timeout=10)
    first = {Door.RPC: b"\0", Door.RAFT: b"L", Door.JOIN: b"\0", Door.DNS_TCP: b"\0"}
    made.sendall(first.get(door, b"\x16" if door in (Door.HTTPS, Door.GRPC, Door.PROXY) else b"G"))
    return made


def _settings(
    authority: Authority, mesh: Authority, good: Pair, recursor: int, host: str, path: str
) -> Mapping[str, object]:
    return {
        "tls": {
            "defaults": {
                "ca_file": authority.ca_file,
                "cert_file": good.cert_file,
                "key_file": good.key_file,
                "verify_incoming": True,
                "verify_outgoing": True,
            },
            "internal_rpc": {"verify_server_hostname": True},
        },
        "ports": {"https": 8501, "grpc": 8502},
        "addresses": {"http": f"{host} unix://{path}"},
        "acl": {
            "enabled": True,
            "default_policy": "deny",
            "tokens": {"initial_management": MANAGEMENT, "agent": MANAGEMENT},
        },
        "http_config": {"allowed_hosts": [NAME]},
        "limits": {"rpc_handshake_timeout": "3s", "https_handshake_timeout": "3s"},
        "connect": {"ca_config": {"private_key": mesh.key_pem, "root_cert": Path(mesh.ca_file).read_text()}},
        "recursors": [f"127.0.0.1:{recursor}"],
    }


def _leaf(directory: Path, host: str) -> Pair:
    """A leaf of the mesh for the service `web`."""
    status, body = _api(host, "GET", "/v1/agent/connect/ca/leaf/web", None, MANAGEMENT)
    assert status == 200, body
    found = json.loads(body)
    pair = Pair(str(directory / "leaf.pem"), str(directory / "leaf-key.pem"))
    Path(pair.cert_file).write_text(found["CertPEM"])
    Path(pair.key_file).write_text(found["PrivateKeyPEM"])
    return pair


@contextmanager
def _proxy(directory: Path, host: str, public: int, admin: int) -> Generator[Program]:
    intention = {"SourceName": "web", "DestinationName": "db", "Action": "allow"}
    assert _api(host, "POST", "/v1/connect/intentions", intention, MANAGEMENT)[0] == 200
    argv = [program_of("lictor"), "connect", "proxy", "-service=db", f"-service-addr={host}:8500"]
    argv += [f"-listen={host}:{public}", f"-admin-bind=127.0.0.1:{admin}", f"-token={MANAGEMENT}"]
    argv += [f"-http-addr={host}:8500"]
    with running(
        "proxy", argv, directory, environment=environment_for_commands(), ready=lambda: listens(public, host)
    ) as program:
        yield program


@contextmanager
def _keyed(directory: Path) -> Generator[int]:
    home = directory / "keyed"
    home.mkdir()
    port = free_port()
    (home / "agent.json").write_text(json.dumps({"encrypt": KEY, "ports": {"http": -1, "dns": -1, "serf_lan": -1}}))
    argv = [program_of("lictor"), "agent", "-server", "-bootstrap-expect=1", "-bind=127.0.0.1", "-node=keyed"]
    argv += [f"-data-dir={home / 'data'}", f"-server-port={port}", f"-config-file={home / 'agent.json'}"]
    with running("keyed", argv, home, environment=environment_for_commands(), ready=lambda: listens(port)):
        yield port
