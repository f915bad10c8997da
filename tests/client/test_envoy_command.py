"""`lictor connect envoy`: which proxy, where the agent serves, what is printed. It runs in tests/connect_proxy."""

from __future__ import annotations

import json
import socket
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from lictor.api.settings import Settings
from lictor.cli.api import Api
from lictor.cli.envoy_start import admin_address, door_of
from lictor.cli.errors import CommandError
from lictor_connect_proxy.xds.bootstrap import AgentDoor
from tests.client.conftest import Command
from tests.client.fake_agent import FakeAgent, Reply, Seen, fake_agent
from tests.support.agents import DevAgent
from tests.support.recorder.json_types import at, parse

SIDECAR = {
    "Name": "web",
    "Port": 8080,
    "Connect": {"SidecarService": {"Proxy": {"Config": {"envoy_stats_tags": ["team=a"]}}}},
}


def put(agent: DevAgent, path: str, body: object = None) -> None:
    """Ask the agent with PUT."""
    request = urllib.request.Request(
        f"http://{agent.http_address}{path}", method="PUT", data=json.dumps(body).encode() if body else None
    )
    with urllib.request.urlopen(request, timeout=20) as answer:
        assert answer.status == 200


@pytest.fixture
def registered(live_agent: DevAgent) -> Iterator[DevAgent]:
    """The agent with the service web and its sidecar."""
    put(live_agent, "/v1/agent/service/register", SIDECAR)
    yield live_agent
    put(live_agent, "/v1/agent/service/deregister/web")


def test_the_configuration_is_printed_and_nothing_else(command: Command, registered: DevAgent) -> None:
    printed = command("connect", "envoy", "-sidecar-for=web", "-bootstrap", "-admin-bind=localhost:19007")
    assert (printed.exit_code, printed.stderr) == (0, "")
    made = parse(printed.stdout.encode())
    assert at(made, "node.id") == "web-sidecar-proxy"
    assert at(made, "node.cluster") == "web"
    assert at(made, "admin.address.socket_address.port_value") == 19007
    assert {"tag_name": "team", "fixed_value": "a"} in json.loads(printed.stdout)["stats_config"]["stats_tags"]


def test_it_leads_to_the_socket_of_the_agent_that_is_on_this_host(command: Command, registered: DevAgent) -> None:
    made = parse(command("connect", "envoy", "-sidecar-for=web", "-bootstrap").stdout.encode())
    path = at(made, "static_resources.clusters.0.load_assignment.endpoints.0.lb_endpoints.0.endpoint.address.pipe.path")
    assert Path(str(path)).is_socket()


def test_without_central_configuration_nobody_is_asked_about_it(command: Command, live_agent: DevAgent) -> None:
    printed = command("connect", "envoy", "-proxy-id=nobody", "-no-central-config", "-bootstrap")
    assert at(parse(printed.stdout.encode()), "node.cluster") == "nobody"


def test_a_gateway_is_registered_and_found_again(command: Command, live_agent: DevAgent) -> None:
    flags = ["-gateway=terminating", "-service=far", "-address=127.0.0.1:8443", "-register", "-bootstrap"]
    printed = command("connect", "envoy", *flags)
    assert printed.exit_code == 0
    assert printed.stderr == "==> Registered service: far\n"
    assert at(parse(printed.stdout.encode()), "node.id") == "far"
    again = command("connect", "envoy", "-gateway=terminating", "-bootstrap")
    assert at(parse(again.stdout.encode()), "node.cluster") == "far"
    put(live_agent, "/v1/agent/service/deregister/far")


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ([], "-sidecar-for, -proxy-id or -gateway"),
        (["-sidecar-for=nobody"], "no sidecar proxy is registered for 'nobody'"),
        (["-proxy-id=nobody"], "no proxy 'nobody'"),
        (["-proxy-id=web"], "'web' is no proxy and no gateway"),
        (["-gateway=mesh"], "no mesh-gateway is registered"),
        (["-gateway=door"], "'door' is none of terminating, mesh, ingress"),
        (["-sidecar-for=web", "-register"], "-register is for gateways"),
        (["-sidecar-for=web", "-gateway=mesh"], "each name a proxy"),
        (["-gateway=ingress", "-expose-servers"], "-expose-servers is for mesh gateways"),
        (["-sidecar-for=web", "-admin-bind=19000"], "-admin-bind: '19000' is not host:port"),
        (["-sidecar-for=web", "-drain=soon"], "-drain"),
        (["-sidecar-for=web", "-grpc-addr=https://127.0.0.1:1"], "-ca-file"),
    ],
)
def test_what_cannot_be_is_told(command: Command, registered: DevAgent, flags: list[str], words: str) -> None:
    printed = command("connect", "envoy", "-bootstrap", *flags)
    assert printed.exit_code == 1
    assert words in printed.stderr
    assert printed.stdout == ""


def test_an_admin_api_that_others_reach_is_warned_of(capsys: pytest.CaptureFixture[str]) -> None:
    assert admin_address("localhost:19000") == ("127.0.0.1", 19000)
    assert admin_address("[::1]:1") == ("::1", 1)
    assert capsys.readouterr().err == ""
    assert admin_address("0.0.0.0:19000") == ("0.0.0.0", 19000)
    assert "can read this Envoy's configuration" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("offer", "given", "expected"),
    [
        ({"Socket": "/nowhere", "Addresses": ["127.0.0.1:8502"]}, "", AgentDoor(host="127.0.0.1", port=8502)),
        ({"Socket": "", "Addresses": ["0.0.0.0:8502"]}, "", AgentDoor(host="127.0.0.1", port=8502)),
        ({"Socket": "", "Addresses": ["[::1]:8502"]}, "", AgentDoor(host="::1", port=8502)),
        ({}, "unix:///run/x.sock", AgentDoor(path="/run/x.sock")),
        ({}, "127.0.0.2:9", AgentDoor(host="127.0.0.2", port=9)),
    ],
)
def test_the_door_is_the_one_that_can_be_reached(
    offer: Mapping[str, object], given: str, expected: AgentDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CONSUL_GRPC_ADDR", raising=False)
    body = json.dumps({"Socket": "", "Addresses": [], "TLS": False, **offer}).encode()
    with fake_agent(_answering(body)) as agent:
        api = _api(agent)
        assert door_of(api, api.settings(), given) == expected
        api.close()


def test_a_socket_that_this_user_may_use_comes_first(tmp_path: Path) -> None:
    path = tmp_path / "x.sock"
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        body = json.dumps({"Socket": str(path), "Addresses": ["127.0.0.1:8502"], "TLS": False}).encode()
        with fake_agent(_answering(body)) as agent:
            api = _api(agent)
            assert door_of(api, api.settings(), "") == AgentDoor(path=str(path))
            api.close()


def test_an_agent_that_serves_nobody_is_told_with_what_to_do() -> None:
    body = json.dumps({"Socket": "/nowhere", "Addresses": [], "TLS": False}).encode()
    with fake_agent(_answering(body)) as agent:
        api = _api(agent)
        with pytest.raises(CommandError, match=r"ports\.grpc"):
            door_of(api, api.settings(), "")
        api.close()


def test_an_agent_that_knows_no_such_question_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with fake_agent(lambda seen: Reply(status=404, body=b"no such path")) as agent:
        api = _api(agent)
        with pytest.raises(CommandError, match="-grpc-addr"):
            door_of(api, api.settings(), "")
        api.close()


def test_tls_brings_the_ca_and_the_name_to_expect(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    file.write_text("PEM\n")
    settings = Settings(ca_file=str(file), tls_server_name="server.dc1.consul")
    api = Api({}, "", stale=False)
    door = door_of(api, settings, "https://127.0.0.1:8502")
    assert (door.tls, door.ca_pem, door.server_name) == (True, "PEM", "server.dc1.consul")


def _answering(body: bytes) -> Callable[[Seen], Reply]:
    def answer(seen: Seen) -> Reply:
        assert seen.target == "/v1/agent/connect/xds"
        return Reply(body=body)

    return answer


def _api(agent: FakeAgent) -> Api:
    return Api({"http_addr": agent.address}, "", stale=False)
