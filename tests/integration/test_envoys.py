"""Real Envoys, a real agent: what is configured is carried out, changes disturb nothing, an agent may come and go."""

from __future__ import annotations

import json
import socket
import ssl
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.agents import program_of
from tests.support.conditions import wait_until
from tests.support.echo import echo_server
from tests.support.envoy_mesh import BACKEND, FRONTEND, EnvoyMesh, arrives, connected, envoy_mesh
from tests.support.lone_server import LoneServer
from tests.support.ports import free_port

pytestmark = [pytest.mark.needs("envoy"), pytest.mark.slow]
WITHIN_S = 60.0
PROXY = f"{BACKEND}-sidecar-proxy"
LISTENERS = ("listener_manager.listener_modified", "listener_manager.listener_in_place_updated")


@contextmanager
def mesh(directory: Path) -> Generator[EnvoyMesh]:
    """A mesh through which connections arrive."""
    server = LoneServer(directory)
    with server.agent(kill=False), echo_server() as backend, envoy_mesh(directory, server, backend) as made:
        wait_until(lambda: arrives(made.port), within_s=WITHIN_S, what="a connection arrives")
        yield made


def index_of(made: EnvoyMesh) -> int:
    index = made.proxies()[PROXY]["PolicyIndex"]
    assert isinstance(index, int)
    return index


def test_intentions_are_carried_out_and_the_agent_knows_which(tmp_path: Path) -> None:
    with mesh(tmp_path) as made, connected(made.port) as stream:
        for action, expected in (("deny", False), ("allow", True)):
            before = index_of(made)
            made.intend(action)
            wait_until(lambda: index_of(made) > before, within_s=WITHIN_S, what=f"the Envoy judges by {action}")  # noqa: B023
            assert arrives(made.port) is expected
        stream.sendall(b"still here")
        assert stream.recv(64) == b"still here"


def test_new_root_and_leaves_change_no_listener_and_cut_no_connection(tmp_path: Path) -> None:
    with mesh(tmp_path) as made, connected(made.port) as stream:
        before = {name: made.far.figure(name) for name in LISTENERS}
        serials = made.far.ask("/certs")
        made.put("/v1/connect/ca/configuration", {"Provider": "consul", "Config": {"PrivateKeyBits": 384}})
        wait_until(lambda: made.far.ask("/certs") != serials, within_s=WITHIN_S, what="other certificates are in use")
        wait_until(lambda: arrives(made.port), within_s=WITHIN_S, what="a connection by the new ones")
        stream.sendall(b"still here")
        assert stream.recv(64) == b"still here"
        assert {name: made.far.figure(name) for name in LISTENERS} == before


def test_without_the_agent_all_goes_on_and_when_it_is_back_nothing_is_sent_again(tmp_path: Path) -> None:
    server = LoneServer(tmp_path)
    names = ("cluster_manager.cds.update_success", "listener_manager.lds.update_success")
    with echo_server() as backend:
        first = server.agent(kill=False)
        with first as agent, envoy_mesh(tmp_path, server, backend) as made:
            wait_until(lambda: arrives(made.port), within_s=WITHIN_S, what="a connection arrives")
            before = {name: made.far.figure(name) for name in names}
            agent.stop()
            assert arrives(made.port)
            assert made.far.is_ready()
            with server.agent(kill=False):
                wait_until(lambda: PROXY in made.proxies(), within_s=WITHIN_S, what="the Envoy is back")
                assert index_of(made) > 0
                assert {name: made.far.figure(name) for name in names} == before
                made.intend("deny")
                wait_until(lambda: not arrives(made.port), within_s=WITHIN_S, what="the new agent's word counts")


def test_what_an_envoy_rejects_is_shown_and_the_rest_is_served(tmp_path: Path) -> None:
    with mesh(tmp_path) as made, socket.create_server(("127.0.0.1", 0)) as taken:
        port, entry = int(taken.getsockname()[1]), free_port()
        upstreams = [
            {"DestinationName": BACKEND, "LocalBindPort": made.port},
            {"DestinationName": "other", "LocalBindPort": port},
        ]
        sidecar = {"Port": entry, "Proxy": {"Upstreams": upstreams}}
        made.put("/v1/agent/service/register", {"Name": "web", "Port": 1, "Connect": {"SidecarService": sidecar}})

        def rejected() -> str:
            return json.dumps(made.proxies().get("web-sidecar-proxy", {}).get("Rejected", []))

        wait_until(lambda: "in use" in rejected(), within_s=WITHIN_S, what="the rejection is shown")
        assert f"127.0.0.1:{port}" in rejected()
        assert arrives(made.port)


def test_where_https_is_on_envoys_are_served_by_tls_and_know_by_whom(tmp_path: Path) -> None:
    lictor = program_of("lictor")
    for words in (("tls", "ca", "create"), ("tls", "cert", "create", "-server")):
        subprocess.run([lictor, *words], cwd=tmp_path, check=True, timeout=60, capture_output=True)
    ca, pair = tmp_path / "consul-agent-ca.pem", tmp_path / "dc1-server-consul-0"
    server = LoneServer(tmp_path)
    settings = {"cert_file": f"{pair}.pem", "key_file": f"{pair}-key.pem", "ca_file": str(ca)}
    (tmp_path / "tls.json").write_text(json.dumps(settings))
    flags = ["-https-port", str(free_port()), "-config-file", str(tmp_path / "tls.json")]
    grpc = f"https://127.0.0.1:{server.ports['grpc']}"
    of_envoys = ["-grpc-addr", grpc, "-ca-file", str(ca), "-tls-server-name", "server.dc1.consul"]
    with server.agent(kill=False, flags=flags), echo_server() as backend:
        with envoy_mesh(tmp_path, server, backend, of_envoys) as made:
            wait_until(lambda: arrives(made.port), within_s=WITHIN_S, what="a connection arrives")
            assert made.far.figure("cluster.local_agent.ssl.handshake") > 0
        status, text, _ = server.get("/v1/agent/connect/xds")
        assert (status, json.loads(text)["TLS"]) == (200, True)


def test_an_ingress_gateway_leads_into_the_mesh(tmp_path: Path) -> None:
    with mesh(tmp_path) as made:
        port = free_port()
        listener = {"Port": port, "Protocol": "tcp", "Services": [{"Name": BACKEND}]}
        made.put("/v1/config", {"Kind": "ingress-gateway", "Name": "edge", "Listeners": [listener]})
        with made.gateway(tmp_path, "ingress", "edge"):
            wait_until(lambda: arrives(port), within_s=WITHIN_S, what="a connection from outside arrives")
            made.put(f"/v1/connect/intentions/exact?source=edge&destination={BACKEND}", {"Action": "deny"})
            wait_until(lambda: not arrives(port), within_s=WITHIN_S, what="the gateway's source is denied")


def test_a_terminating_gateway_leads_out_of_the_mesh(tmp_path: Path) -> None:
    with mesh(tmp_path) as made, echo_server() as outside:
        legacy = {"Node": "outside", "Address": "127.0.0.1", "Service": {"Service": "legacy", "Port": outside}}
        made.put("/v1/catalog/register", legacy)
        made.put("/v1/config", {"Kind": "terminating-gateway", "Name": "exit", "Services": [{"Name": "legacy"}]})
        port = free_port()
        upstreams = [{"DestinationName": "legacy", "LocalBindPort": port}]
        sidecar = {"Port": free_port(), "Proxy": {"Upstreams": upstreams}}
        made.put("/v1/agent/service/register", {"Name": FRONTEND, "Port": 1, "Connect": {"SidecarService": sidecar}})
        with made.gateway(tmp_path, "terminating", "exit"):
            wait_until(lambda: arrives(port), within_s=WITHIN_S, what="a connection arrives outside")
            made.put(f"/v1/connect/intentions/exact?source={FRONTEND}&destination=legacy", {"Action": "deny"})
            wait_until(lambda: not arrives(port), within_s=WITHIN_S, what="what the gateway guards is denied")


def test_clients_find_the_names_of_an_ingress_gateway_in_its_certificate_and_new_ones_soon(tmp_path: Path) -> None:
    with mesh(tmp_path) as made:
        port, web = free_port(), free_port()

        def write(*hosts: str) -> None:
            listeners = [
                {"Port": port, "Protocol": "tcp", "Services": [{"Name": BACKEND}]},
                {"Port": web, "Protocol": "http", "Services": [{"Name": "page", "Hosts": list(hosts)}]},
            ]
            entry = {"Kind": "ingress-gateway", "Name": "edge", "TLS": {"Enabled": True}, "Listeners": listeners}
            made.put("/v1/config", entry)

        made.put("/v1/config", {"Kind": "service-defaults", "Name": "page", "Protocol": "http"})
        write("page.example")
        roots = json.loads(made.server.get("/v1/connect/ca/roots")[1])["Roots"]
        context = ssl.create_default_context(cadata="".join(root["RootCert"] for root in roots))

        def refusal(name: str) -> str:
            """Why a client that looks for `name` does not take the certificate; empty when it does."""
            try:
                with socket.create_connection(("127.0.0.1", port), 10) as plain:
                    context.wrap_socket(plain, server_hostname=name).close()
            except OSError as error:
                return str(error) or repr(error)
            return ""

        with made.gateway(tmp_path, "ingress", "edge"):
            for name in (f"{BACKEND}.ingress.consul", f"{BACKEND}.ingress.dc1.consul", "page.example"):
                wait_until(lambda: refusal(name) == "", within_s=WITHIN_S, what=f"{name} is in the certificate")  # noqa: B023
            assert "match" in refusal("www.example")
            with (
                socket.create_connection(("127.0.0.1", port), 10) as plain,
                context.wrap_socket(plain, server_hostname="page.example") as stream,
            ):
                assert stream.recv(1)
            write("page.example", "www.example")
            wait_until(lambda: refusal("www.example") == "", within_s=WITHIN_S, what="the new host is there")
            assert refusal("page.example") == ""
