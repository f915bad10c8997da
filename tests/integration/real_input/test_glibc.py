"""glibc's resolver asks the agent: /etc/resolv.conf has no ports, so all of it runs in namespaces of its own."""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from tests.support.agents import Product, dev_agent
from tests.support.api import WAIT_S_MAX, call
from tests.support.conditions import wait_until
from tests.support.recorder.json_types import Json
from tests.support.requirements import lack

pytestmark = [pytest.mark.slow, pytest.mark.needs_root, pytest.mark.needs("unshare", "ip", "getent", "mount")]

MANY = 200
"""More addresses than fit into any datagram that a resolver asks for."""
_LEAST = 3
"""Addresses in an answer to who takes 512 bytes."""
_ROOT = Path(__file__).parents[3]
_NAMESPACES = ("unshare", "--net", "--mount", "--propagation", "private")
_PREPARE = """
set -e
ip link set lo up
mount --bind "$1/resolv.conf" /etc/resolv.conf
mount --bind "$1/nsswitch.conf" /etc/nsswitch.conf
shift
exec "$@"
"""


def test_a_large_service_is_found_as_the_resolver_and_the_settings_let_it(product: Product, tmp_path: Path) -> None:
    found = _resolved(product, tmp_path, {}, ["large.service.consul"], options="timeout:20")
    assert len(found["large.service.consul"]) == _LEAST


def test_a_truncated_answer_is_asked_for_again_over_tcp(product: Product, tmp_path: Path) -> None:
    found = _resolved(product, tmp_path, {"enable_truncate": True}, ["large.service.consul"], options="timeout:20")
    assert len(found["large.service.consul"]) == MANY


def test_edns_lets_more_addresses_come(product: Product, tmp_path: Path) -> None:
    found = _resolved(product, tmp_path, {}, ["large.service.consul"], options="timeout:20 edns0")
    assert _LEAST < len(found["large.service.consul"]) < MANY


def test_names_are_found_in_both_families_by_search_and_by_alias(product: Product, tmp_path: Path) -> None:
    names = ["web", "six.service.consul", "hosted.service.consul", "nobody.service.consul", "WEB.Service.Consul"]
    found = _resolved(product, tmp_path, {}, names, options="timeout:20 use-vc")
    assert found == {
        "web": ["192.0.2.1"],
        "six.service.consul": ["2001:db8::6"],
        "hosted.service.consul": ["192.0.2.1"],
        "nobody.service.consul": [],
        "WEB.Service.Consul": ["192.0.2.1"],
    }


def _resolved(
    product: Product, directory: Path, dns_config: Mapping[str, object], names: Sequence[str], *, options: str
) -> Mapping[str, list[str]]:
    """What getaddrinfo(3) finds for each of `names` where the agent is the machine's name server."""
    (directory / "resolv.conf").write_text(f"nameserver 127.0.0.1\nsearch service.consul\noptions {options}\n")
    (directory / "nsswitch.conf").write_text("hosts: dns\n")
    job = json.dumps({"product": product, "directory": str(directory), "dns_config": dns_config, "names": names})
    argv = [*_NAMESPACES, "sh", "-c", _PREPARE, "sh", str(directory), sys.executable, "-m", __name__, job]
    if subprocess.run([*_NAMESPACES, "true"], capture_output=True, check=False, timeout=20).returncode:
        lack("may not make namespaces of its own")
    done = subprocess.run(argv, cwd=_ROOT, capture_output=True, text=True, check=False, timeout=110)
    assert done.returncode == 0, done.stdout + done.stderr
    found: Mapping[str, list[str]] = json.loads(done.stdout.splitlines()[-1])
    return found


def _main(job: str) -> None:
    asked = json.loads(job)
    directory = Path(asked["directory"])
    config = {"dns_config": asked["dns_config"], "addresses": {"dns": "127.0.0.1"}}
    with dev_agent(asked["product"], directory, config, ["-dns-port", "53"]) as agent:
        for number in range(MANY):
            _register(agent.http_address, f"n{number}", f"198.51.100.{number + 1}", {"Service": "large", "Port": 1})
        _register(agent.http_address, "w", "192.0.2.1", {"Service": "web", "Port": 1})
        _register(agent.http_address, "s", "2001:db8::6", {"Service": "six", "Port": 1})
        _register(agent.http_address, "h", "192.0.2.3", {"Service": "hosted", "Port": 1, "Address": "w.node.consul"})
        wait_until(lambda: bool(_getaddrinfo("hosted.service.consul")), within_s=WAIT_S_MAX, what="all names are there")
        print(json.dumps({name: _getaddrinfo(name) for name in asked["names"]}))


def _getaddrinfo(name: str) -> list[str]:
    """A process for each name: glibc reads its configuration once."""
    done = subprocess.run(["getent", "ahosts", name], capture_output=True, text=True, check=False, timeout=60)
    return sorted({line.split()[0] for line in done.stdout.splitlines() if " STREAM" in line})


def _register(http_address: str, node: str, address: str, service: dict[str, Json]) -> None:
    call(http_address, "PUT", "/v1/catalog/register", {"Node": node, "Address": address, "Service": service})


if __name__ == "__main__":
    _main(sys.argv[1])
