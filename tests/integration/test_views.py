"""Views of a client agent in front of real servers: they follow, survive the loss of servers, and tell their age."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import dns.exception
import dns.message
import dns.query
import pytest

from tests.support.repeating import Repeating
from tests.support.server_cluster import Answer, ServerCluster

pytestmark = pytest.mark.slow
AGENT = 9
CACHED = "/v1/health/service/web?cached"


def write_port(cluster: ServerCluster, through: int, port: int) -> bool:
    """Register the one instance of `web` with another port; whether that was acknowledged."""
    body = {"Node": "ext", "Address": "192.0.2.7", "Service": {"Service": "web", "Port": port}}
    answer = cluster.ask(through, "/v1/catalog/register", "PUT", json.dumps(body))
    return answer.status == 200


def cached_port(answer: Answer) -> int:
    """The port in an answer; 0 for none."""
    rows: list[dict[str, dict[str, int]]] = json.loads(answer.body) if answer.status == 200 else []
    return rows[0]["Service"]["Port"] if rows else 0


def dns_answers(cluster: ServerCluster, name: str, kind: str) -> list[str]:
    """The answers of the agent's DNS; empty when there is none."""
    try:
        reply = dns.query.udp(dns.message.make_query(name, kind), cluster.address(AGENT), timeout=5, port=8600)
    except (OSError, dns.exception.DNSException):
        return []
    lines = [line for answer in reply.answer for line in answer.to_text().splitlines()]
    return [" ".join(line.split()[4:]) for line in lines]


def dns_port(cluster: ServerCluster) -> int:
    answers = dns_answers(cluster, "web.service.consul", "SRV")
    return int(answers[0].split()[2]) if answers else 0


class Reader(Repeating):
    """Reads the agent's view again and again; keeps what must not be."""

    def __init__(self, cluster: ServerCluster) -> None:
        super().__init__(every_s=0.005)
        self.faults: list[str] = []
        self.reads = self.port = self.index = 0
        self._cluster = cluster

    def step(self) -> None:
        answer = self._cluster.ask(AGENT, CACHED)
        port, index = cached_port(answer), int(answer.headers.get("X-Consul-Index", "0"))
        if answer.status != 200:
            self.faults.append(f"{answer.status}: {answer.body}")
        elif port < self.port or index < self.index:
            self.faults.append(f"back from {self.port} at {self.index} to {port} at {index}")
        self.reads, self.port, self.index = self.reads + 1, port, index


def test_views_go_on_without_a_gap_when_servers_are_lost_and_stay_when_all_are(tmp_path: Path) -> None:
    cluster = ServerCluster(tmp_path, 3)
    with cluster.running():
        assert write_port(cluster, 1, 1000)
        cluster.start_client(AGENT)
        cluster.until(lambda: cached_port(cluster.ask(AGENT, CACHED)) == 1000, "the agent answers")
        cluster.until(lambda: dns_port(cluster) == 1000, "its DNS answers")
        assert dns_answers(cluster, "ext.node.consul", "A") == ["192.0.2.7"]
        assert dns_answers(cluster, "7.2.0.192.in-addr.arpa", "PTR") == ["ext.node.dc1.consul."]
        port = 1000
        with Reader(cluster) as reader:
            # Each server is lost once, that of the agent among them, with changes before and after.
            for lost in (1, 2, 3):
                through = lost % 3 + 1
                port += 1
                cluster.until(lambda: write_port(cluster, through, port), "a write")  # noqa: B023 waited for at once
                cluster.kill(lost)
                port += 1
                cluster.until(lambda: write_port(cluster, through, port), "a write")  # noqa: B023 waited for at once
                cluster.until(lambda: reader.port == port, f"the view has {port}")  # noqa: B023 waited for at once
                cluster.until(lambda: dns_port(cluster) == port, f"DNS has {port}")  # noqa: B023 waited for at once
                cluster.start(lost)
                cluster.until(lambda: len(cluster.peers(lost, mode="stale")) == 3, "it is back")  # noqa: B023
        assert reader.faults == []
        assert reader.reads > 20
        for number in (1, 2, 3):
            cluster.kill(number)
        cluster.until(lambda: int(cluster.ask(AGENT, CACHED).headers.get("Age", "0")) >= 3, "its age is told")
        answer = cluster.ask(AGENT, CACHED)
        assert (cached_port(answer), answer.headers["X-Cache"]) == (port, "HIT")
        assert dns_port(cluster) == port
        assert cluster.ask(AGENT, "/v1/health/service/never-asked?cached").status == 500
        for number in (1, 2, 3):
            cluster.start(number)
        port += 1
        cluster.until(lambda: write_port(cluster, 1, port), "a write")
        cluster.until(lambda: cached_port(cluster.ask(AGENT, CACHED)) == port, "the view follows again")
        cluster.until(lambda: cluster.ask(AGENT, CACHED).headers.get("Age") == "0", "it is young again")
        cluster.until(lambda: dns_port(cluster) == port, "DNS follows again")


def put(cluster: ServerCluster, path: str, body: Mapping[str, object], method: str = "PUT") -> None:
    answer = cluster.ask(1, path, method, json.dumps(body))
    assert answer.status == 200, answer.body


def test_prepared_queries_and_gateways_are_answered_from_memory(tmp_path: Path) -> None:
    cluster = ServerCluster(tmp_path, 1)
    gateway = {"Service": "gw", "Kind": "ingress-gateway", "Port": 8443}
    listener = {"Port": 8080, "Protocol": "tcp", "Services": [{"Name": "web"}]}
    with cluster.running():
        cluster.until(lambda: write_port(cluster, 1, 1000), "a write")
        # The node that the test itself asks from.
        near = {"Node": "here", "Address": "127.0.0.1", "Service": {"Service": "web", "Port": 2000}}
        put(cluster, "/v1/catalog/register", near)
        put(cluster, "/v1/catalog/register", {"Node": "edge", "Address": "192.0.2.8", "Service": gateway})
        put(cluster, "/v1/config", {"Kind": "ingress-gateway", "Name": "gw", "Listeners": [listener]})
        put(cluster, "/v1/query", {"Name": "near", "Service": {"Service": "web", "Near": "_ip"}}, "POST")
        put(
            cluster,
            "/v1/query",
            {"Name": "t-", "Service": {"Service": "${name.suffix}"}, "Template": {"Type": "name_prefix_match"}},
            "POST",
        )
        cluster.start_client(AGENT)

        def answered() -> bool:
            ports = [answer.split()[2] for answer in dns_answers(cluster, "near.query.consul", "SRV")]
            return (
                ports == ["2000", "1000"]
                and dns_answers(cluster, "t-gw.query.consul", "A") == ["192.0.2.8"]
                and dns_answers(cluster, "web.ingress.consul", "A") == ["192.0.2.8"]
            )

        cluster.until(answered, "the agent's DNS answers")
        cluster.kill(1)
        cluster.until(lambda: int(cluster.ask(AGENT, CACHED).headers.get("Age", "0")) >= 6, "the server is gone")
        assert answered()
        assert dns_answers(cluster, "nobody.query.consul", "A") == []


def test_virtual_addresses_are_the_same_at_servers_and_agents_and_after_a_start(tmp_path: Path) -> None:
    cluster = ServerCluster(tmp_path, 1)
    name = "Web.Virtual.consul"

    def listed(through: int) -> list[dict[str, str]]:
        answer = cluster.ask(through, "/v1/internal/service-virtual-ip")
        rows: list[dict[str, str]] = json.loads(answer.body) if answer.status == 200 else []
        return rows

    def register(service: str) -> None:
        proxy = {"Service": f"{service}-proxy", "Kind": "connect-proxy", "Proxy": {"DestinationServiceName": service}}
        put(cluster, "/v1/catalog/register", {"Node": "ext", "Address": "192.0.2.7", "Service": {**proxy, "Port": 1}})

    with cluster.running():
        cluster.until(lambda: write_port(cluster, 1, 1000), "a write")
        register("gone")
        register("web")
        put(cluster, "/v1/catalog/deregister", {"Node": "ext", "ServiceID": "gone-proxy"})
        cluster.start_client(AGENT)
        cluster.until(lambda: dns_answers(cluster, name, "A") == ["240.0.0.2"], "the agent's DNS answers")
        cluster.kill(1)
        assert dns_answers(cluster, name, "ANY") == ["240.0.0.2"]
        assert dns_answers(cluster, name, "AAAA") == dns_answers(cluster, "gone.virtual.consul", "A") == []
        cluster.start(1)
        cluster.until(lambda: listed(1) == [{"Service": "web", "Address": "240.0.0.2"}], "the server is back")
        register("db")
        cluster.until(lambda: dns_answers(cluster, "db.virtual.dc1.consul", "A") == ["240.0.0.1"], "the agent follows")
        assert (
            listed(AGENT)
            == listed(1)
            == [
                {"Service": "db", "Address": "240.0.0.1"},
                {"Service": "web", "Address": "240.0.0.2"},
            ]
        )
