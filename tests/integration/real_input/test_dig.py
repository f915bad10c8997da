"""`dig` asks the agent's DNS."""

import re
import subprocess
from collections.abc import Generator
from pathlib import Path

import pytest

from tests.support.agents import DevAgent, Product, dev_agent
from tests.support.api import WAIT_S_MAX, call
from tests.support.conditions import wait_until
from tests.support.recorder.json_types import Json

pytestmark = [pytest.mark.slow, pytest.mark.needs("dig")]


@pytest.fixture(scope="module")
def named(product: Product, tmp_path_factory: pytest.TempPathFactory) -> Generator[DevAgent]:
    """An agent that serves the names of one service with two instances."""
    with dev_agent(product, Path(tmp_path_factory.mktemp("agent"))) as agent:
        for number in (1, 2):
            service: Json = {"Service": "web", "Port": 8000 + number, "Tags": [f"t{number}"]}
            body: Json = {"Node": f"n{number}", "Address": f"192.0.2.{number}", "Service": service}
            call(agent.http_address, "PUT", "/v1/catalog/register", body)
        wait_until(
            lambda: len(_dig(agent, "+short", "web.service.consul").split()) == 2,
            within_s=WAIT_S_MAX,
            what="both instances have a name",
        )
        yield agent


def test_addresses(named: DevAgent) -> None:
    assert sorted(_dig(named, "+short", "web.service.consul").split()) == ["192.0.2.1", "192.0.2.2"]


def test_addresses_over_tcp(named: DevAgent) -> None:
    assert sorted(_dig(named, "+tcp", "+short", "web.service.consul").split()) == ["192.0.2.1", "192.0.2.2"]


def test_service_records(named: DevAgent) -> None:
    lines = _dig(named, "+short", "web.service.consul", "SRV").splitlines()
    assert sorted(lines) == ["1 1 8001 n1.node.dc1.consul.", "1 1 8002 n2.node.dc1.consul."]


def test_a_tag_selects(named: DevAgent) -> None:
    assert _dig(named, "+short", "t2.web.service.consul") == "192.0.2.2\n"


def test_a_name_by_rfc_2782(named: DevAgent) -> None:
    assert _dig(named, "+short", "_web._t1.service.consul", "SRV") == "1 1 8001 n1.node.dc1.consul.\n"


def test_reverse(named: DevAgent) -> None:
    assert _dig(named, "+short", "-x", "192.0.2.1") == "n1.node.dc1.consul.\n"


def test_an_unknown_name_is_nxdomain_with_a_start_of_authority(named: DevAgent) -> None:
    answer = _dig(named, "nobody.service.consul")
    assert "status: NXDOMAIN" in answer
    assert re.search(r"^consul\.\s+0\s+IN\s+SOA\s", answer, re.MULTILINE)


def test_another_zone_is_refused(named: DevAgent) -> None:
    assert "status: REFUSED" in _dig(named, "example.com")


def _dig(agent: DevAgent, *arguments: str) -> str:
    argv = ["dig", "@127.0.0.1", "-p", str(agent.ports["dns"]), "+tries=1", "+time=5", *arguments]
    return subprocess.run(argv, capture_output=True, text=True, timeout=30, check=True).stdout
