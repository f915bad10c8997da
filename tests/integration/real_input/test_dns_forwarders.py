"""dnsmasq and unbound: both forward our domain to the agent, and the agent asks both as its recursors."""

import contextlib
import subprocess
from collections.abc import Callable, Generator
from pathlib import Path
from typing import TypeAlias

import dns.exception
import dns.message
import dns.query
import pytest

from tests.support.agents import DevAgent, Product, dev_agent
from tests.support.api import WAIT_S_MAX, call
from tests.support.conditions import wait_until
from tests.support.ports import free_port
from tests.support.processes import running
from tests.support.recorder.json_types import Json

pytestmark = [pytest.mark.slow]

MANY = 60
_ADDRESS = "203.0.113.80"
_LARGE = 40

Forwarder: TypeAlias = Callable[[Path, int, int], "contextlib.AbstractContextManager[None]"]
"""Runs on a port of 127.0.0.1 and has our domain from the agent at the other."""

_UNBOUND = """
server:
  directory: "{directory}"
  chroot: ""
  username: ""
  pidfile: ""
  use-syslog: no
  logfile: ""
  interface: 127.0.0.1
  port: {port}
  access-control: 127.0.0.0/8 allow
  do-not-query-localhost: no
  do-daemonize: no
  module-config: "iterator"
  use-caps-for-id: yes
  edns-buffer-size: 1232
  num-threads: 1
  local-zone: "2.0.192.in-addr.arpa." nodefault
remote-control:
  control-enable: no
auth-zone:
  name: "test.example."
  zonefile: "{directory}/test.example.zone"
forward-zone:
  name: "consul."
  forward-addr: 127.0.0.1@{agent}
forward-zone:
  name: "2.0.192.in-addr.arpa."
  forward-addr: 127.0.0.1@{agent}
"""
_ZONE = f"""\
@ 60 IN SOA ns hostmaster 1 3600 600 86400 60
@ 60 IN NS ns
ns 60 IN A 203.0.113.53
www 60 IN A {_ADDRESS}
"""


@contextlib.contextmanager
def _dnsmasq(directory: Path, port: int, agent_port: int) -> Generator[None]:
    argv = [
        "dnsmasq",
        "--keep-in-foreground",
        "--conf-file=/dev/null",
        "--pid-file=",
        "--user=",
        "--no-resolv",
        "--no-hosts",
        "--log-facility=-",
        "--listen-address=127.0.0.1",
        "--bind-interfaces",
        f"--port={port}",
        f"--server=/consul/127.0.0.1#{agent_port}",
        f"--rev-server=192.0.2.0/24,127.0.0.1#{agent_port}",
        f"--host-record=www.test.example,{_ADDRESS}",
        *(f"--host-record=many.test.example,198.51.100.{number}" for number in range(1, _LARGE + 1)),
    ]
    with running("dnsmasq", argv, directory, ready=lambda: _answers(port)):
        yield


@contextlib.contextmanager
def _unbound(directory: Path, port: int, agent_port: int) -> Generator[None]:
    many = "".join(f"many 60 IN A 198.51.100.{number}\n" for number in range(1, _LARGE + 1))
    (directory / "test.example.zone").write_text(f"$ORIGIN test.example.\n{_ZONE}{many}")
    path = directory / "unbound.conf"
    path.write_text(_UNBOUND.format(directory=directory, port=port, agent=agent_port))
    with running("unbound", ["unbound", "-d", "-p", "-c", path], directory, ready=lambda: _answers(port)):
        yield


FORWARDERS = [
    pytest.param(_dnsmasq, marks=pytest.mark.needs("dnsmasq"), id="dnsmasq"),
    pytest.param(_unbound, marks=pytest.mark.needs("unbound"), id="unbound"),
]


@pytest.fixture(params=FORWARDERS)
def both(request: pytest.FixtureRequest, product: Product, tmp_path: Path) -> Generator[tuple[DevAgent, int]]:
    """An agent and the port of a forwarder; each has the other for the names that are not its own."""
    forwarder: Forwarder = request.param
    port = free_port()
    with (
        dev_agent(product, tmp_path, {"recursors": [f"127.0.0.1:{port}"]}) as agent,
        forwarder(tmp_path, port, agent.ports["dns"]),
    ):
        for number in range(1, MANY + 1):
            _register(agent, f"n{number}", f"192.0.2.{number}", {"Service": "large", "Port": 8000 + number})
        _register(agent, "n1", "192.0.2.1", {"Service": "web", "Port": 80, "Tags": ["first"]})
        _register(agent, "n2", "192.0.2.2", {"Service": "hosted", "Port": 81, "Address": "www.test.example"})
        wait_until(
            lambda: bool(_asked(agent.ports["dns"], "hosted.service.consul", "SRV").answer),
            within_s=WAIT_S_MAX,
            what="all names are there",
        )
        yield agent, port


@pytest.mark.needs("dig")
def test_the_domain_is_forwarded(both: tuple[DevAgent, int]) -> None:
    _, port = both
    assert _dig(port, "web.service.consul") == ["192.0.2.1"]
    assert _dig(port, "first.web.service.consul") == ["192.0.2.1"]
    assert _dig(port, "web.service.consul", "SRV") == ["1 1 80 n1.node.dc1.consul."]
    assert _dig(port, "WEB.Service.Consul") == ["192.0.2.1"]
    assert _dig(port, "nobody.service.consul") == []
    assert _dig(port, "-x", "192.0.2.1") == ["n1.node.dc1.consul."]
    assert _dig(port, "+tcp", "web.service.consul") == ["192.0.2.1"]
    assert _dig(port, "hosted.service.consul") == ["www.test.example.", _ADDRESS]


@pytest.mark.needs("dig")
def test_a_large_service_is_forwarded_whole(both: tuple[DevAgent, int]) -> None:
    _, port = both
    assert len(_dig(port, "+tcp", "+bufsize=1232", "large.service.consul")) >= MANY // 2
    assert _dig(port, "+bufsize=1232", "large.service.consul", "SRV")


@pytest.mark.needs("dig")
def test_other_names_are_asked_there(both: tuple[DevAgent, int]) -> None:
    agent, _ = both
    port = agent.ports["dns"]
    assert _dig(port, "www.test.example") == [_ADDRESS]
    assert _dig(port, "+tcp", "www.test.example") == [_ADDRESS]
    assert _dig(port, "+noedns", "www.test.example") == [_ADDRESS]
    assert _dig(port, "+dnssec", "www.test.example") == [_ADDRESS]
    assert _dig(port, "nobody.test.example") == []
    assert len(_dig(port, "+noedns", "many.test.example")) == _LARGE, "dig asks again over TCP"
    assert len(_dig(port, "+tcp", "many.test.example")) == _LARGE


def _register(agent: DevAgent, node: str, address: str, service: dict[str, Json]) -> None:
    body: Json = {"Node": node, "Address": address, "Service": service}
    call(agent.http_address, "PUT", "/v1/catalog/register", body)


def _answers(port: int) -> bool:
    try:
        return bool(_asked(port, "www.test.example", "A").answer)
    except (OSError, dns.exception.DNSException):
        return False


def _asked(port: int, name: str, kind: str) -> dns.message.Message:
    return dns.query.udp(dns.message.make_query(name, kind), "127.0.0.1", timeout=2, port=port)


def _dig(port: int, *arguments: str) -> list[str]:
    argv = ["dig", "@127.0.0.1", "-p", str(port), "+tries=2", "+time=10", "+short", *arguments]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=True)
    return done.stdout.split("\n")[:-1]
