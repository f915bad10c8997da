"""Simulated agents are members with services and views, as far as their servers and their parent can tell."""

import json

from lictor_bench import agents
from lictor_bench.agents import Vigil, crowds
from lictor_bench.agents_load import AGENT, Order
from lictor_bench.servers import lictor, running
from tests.support.conditions import wait_until

COUNT = 7


def test_agents_register_follow_a_change_and_are_found_critical_once_they_are_gone() -> None:
    with running(lictor()) as cluster, Vigil(cluster).kept() as vigil:
        server = cluster.servers[0]
        with crowds(cluster, COUNT) as crowd:
            assert sum(figures.agents for figures in crowd.order(Order(ready=True))) == COUNT
            members = [member["Name"] for member in json.loads(server.get("/v1/agent/members") or b"[]")]
            assert sorted(name for name in members if name.startswith(AGENT)) == [
                f"{AGENT}{number:05d}" for number in range(COUNT)
            ]
            services = json.loads(server.get(f"/v1/catalog/node/{AGENT}00003") or b"{}")["Services"]
            assert len(services) == agents.SERVICES
            agents.register(server, "first")
            figures = crowd.order(Order(mark="first"))
            assert [one.complete for one in figures] == [True, True]
            assert sum(len(one.seen) for one in figures) == COUNT
            assert not vigil.accused
            for process in crowd.processes:
                process.kill()
        wait_until(lambda: len(vigil.accused) == COUNT, within_s=60, what="agents without their process are critical")
