"""DNS of a client agent while all servers are away: answers as long as it may, their age told, a reload followed."""

from __future__ import annotations

import json
from pathlib import Path

import dns.exception
import dns.message
import dns.query
import dns.rcode
import pytest

from tests.support.server_cluster import ServerCluster

pytestmark = pytest.mark.slow
AGENT = 9
NAME = "web.service.consul"
BOUND_S = 8


class Lonely:
    """A server with one instance of `web`, and an agent whose DNS is asked."""

    def __init__(self, directory: Path) -> None:
        self.cluster = ServerCluster(directory, 1)
        self._directory = directory

    def start(self) -> None:
        body = {"Node": "ext", "Address": "192.0.2.7", "Service": {"Service": "web", "Port": 80}}
        put = json.dumps(body)
        self.cluster.until(lambda: self.cluster.ask(1, "/v1/catalog/register", "PUT", put).status == 200, "a write")
        self.cluster.start_client(AGENT, joins=(1,), settings=self.settings(f"{BOUND_S}s"))

    def settings(self, max_stale: str) -> dict[str, object]:
        return {
            "dns_config": {"enable_age_txt": True, "max_stale": max_stale},
            "telemetry": {"disable_hostname": True},
        }

    def reload(self, max_stale: str) -> None:
        path = self._directory / f"c{AGENT}.json"
        given = json.loads(path.read_text())
        path.write_text(json.dumps({**given, **self.settings(max_stale)}))
        assert self.cluster.ask(AGENT, "/v1/agent/reload", "PUT").status == 200

    def ask(self, name: str = NAME) -> dns.message.Message | None:
        asked = dns.message.make_query(name, "A")
        address = self.cluster.address(AGENT)
        try:
            return dns.query.udp(asked, address, timeout=5, port=8600, one_rr_per_rrset=True)
        except (OSError, dns.exception.DNSException):
            return None

    def answers(self) -> list[str]:
        reply = self.ask()
        return [] if reply is None else [str(row).split()[-1] for row in reply.answer]

    def code(self, name: str = NAME) -> dns.rcode.Rcode | None:
        reply = self.ask(name)
        return None if reply is None else reply.rcode()

    def age_s(self) -> int:
        """What the answer tells of its age; -1 when it tells nothing."""
        reply = self.ask()
        told = [] if reply is None else [str(row) for row in reply.additional]
        return next((int(one.split('"')[1].removeprefix("age_s=")) for one in told if "age_s=" in one), -1)

    def figures(self) -> dict[str, float]:
        found = json.loads(self.cluster.ask(AGENT, "/v1/agent/metrics").body)
        gauges = {one["Name"]: float(one["Value"]) for one in found["Gauges"]}
        return gauges | {one["Name"]: float(one["Sum"]) for one in found["Counters"]}

    def explained(self) -> dict[str, object]:
        found: dict[str, object] = json.loads(
            self.cluster.ask(AGENT, f"/v1/internal/dns/explain?name={NAME}").body or "{}"
        )
        return found


def test_an_agent_without_servers_answers_while_it_may_and_says_how_old_its_answers_are(tmp_path: Path) -> None:
    lonely = Lonely(tmp_path)
    until = lonely.cluster.until
    with lonely.cluster.running():
        lonely.start()
        until(lambda: lonely.answers() == ["192.0.2.7"], "the agent's DNS answers")
        until(lambda: lonely.age_s() == 0, "it says that it is current")
        until(lambda: lonely.figures().get("consul.dns.age") == 0.0, "so does the gauge")
        lonely.cluster.kill(1)
        until(lambda: lonely.age_s() >= 3, "its age is told")
        assert lonely.answers() == ["192.0.2.7"]
        assert lonely.figures()["consul.dns.age"] > 2
        assert lonely.code("never-asked.service.consul") == dns.rcode.SERVFAIL
        until(lambda: lonely.code() == dns.rcode.SERVFAIL, "it is older than it may be")
        why = lonely.explained()
        assert (why["Code"], "older than it may be" in str(why["Reason"])) == ("SERVFAIL", True)
        until(lambda: lonely.figures().get("consul.dns.stale_queries", 0.0) > 0, "stale answers are counted")
        lonely.reload("1h")
        assert lonely.answers() == ["192.0.2.7"], "a reload lets it answer again"
        assert lonely.age_s() >= BOUND_S
        lonely.cluster.start(1)
        until(lambda: lonely.age_s() == 0, "it follows again")
        assert lonely.explained()["AgeSeconds"] == 0.0
