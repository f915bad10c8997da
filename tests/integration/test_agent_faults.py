"""A client agent whose process, disk, clock or servers fail, as real processes: it comes back with all that it had."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Generator
from contextlib import contextmanager
from hashlib import md5
from pathlib import Path
from typing import TypeAlias

import pytest

from tests.support.altered_agent import alterations, command
from tests.support.repeating import Repeating
from tests.support.server_cluster import WITHIN_S, Launch, ServerCluster
from tests.support.small_disk import SmallDisk, small_disk

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

SERVER = 1
AGENT = 4
HOUR_S = 3600.0
Checks: TypeAlias = dict[str, tuple[str, str]]
"""Status and output by id."""


def register(cluster: ServerCluster, name: str, *checks: dict[str, str], **more: object) -> int:
    body = {"Name": name, "Port": 80, "Checks": checks, **more}
    return cluster.ask(AGENT, "/v1/agent/service/register", "PUT", json.dumps(body)).status


def tell(cluster: ServerCluster, check: str, status: str, output: str) -> int:
    body = json.dumps({"Status": status, "Output": output})
    return cluster.ask(AGENT, f"/v1/agent/check/update/{check}", "PUT", body).status


def services_here(cluster: ServerCluster) -> set[str]:
    answer = cluster.ask(AGENT, "/v1/agent/services")
    return set(json.loads(answer.body)) if answer.status == 200 else set()


def services_there(cluster: ServerCluster) -> set[str]:
    answer = cluster.ask(SERVER, f"/v1/catalog/node/c{AGENT}?stale")
    found = json.loads(answer.body) if answer.status == 200 else None
    return set(found["Services"]) if found else set()


def checks_here(cluster: ServerCluster) -> Checks:
    answer = cluster.ask(AGENT, "/v1/agent/checks")
    found: dict[str, dict[str, str]] = json.loads(answer.body) if answer.status == 200 else {}
    return {key: (one["Status"], one["Output"]) for key, one in found.items()}


def checks_there(cluster: ServerCluster) -> Checks:
    """As the catalog has them, without the one that says whether the node lives."""
    answer = cluster.ask(SERVER, f"/v1/health/node/c{AGENT}?stale")
    found: list[dict[str, str]] = json.loads(answer.body) if answer.status == 200 else []
    return {one["CheckID"]: (one["Status"], one["Output"]) for one in found if one["CheckID"] != "serfHealth"}


def node_health(cluster: ServerCluster, node: str = f"c{AGENT}") -> str:
    answer = cluster.ask(SERVER, f"/v1/health/node/{node}?stale")
    found: list[dict[str, str]] = json.loads(answer.body) if answer.status == 200 else []
    return next((one["Status"] for one in found if one["CheckID"] == "serfHealth"), "")


@contextmanager
def one_server_and_agent(directory: Path, settings: dict[str, object] | None = None) -> Generator[ServerCluster]:
    with ServerCluster(directory, 1, settings).running() as cluster:
        cluster.start_client(AGENT, joins=(SERVER,))
        cluster.until(lambda: node_health(cluster) == "passing", "an agent that is a member")
        yield cluster


class Watcher(Repeating):
    """Looks at one thing all the time while a block runs, in a thread of its own; keeps every answer that differs."""

    def __init__(self, cluster: ServerCluster, *nodes: str) -> None:
        super().__init__(every_s=0.1)
        self.lost: set[str] = set()
        """Nodes that were seen critical."""
        self.services: set[frozenset[str]] = set()
        """Of the agent, as the catalog had them."""
        self._cluster = cluster
        self._nodes = nodes

    def step(self) -> None:
        if found := services_there(self._cluster):
            self.services.add(frozenset(found))
        self.lost |= {node for node in self._nodes if node_health(self._cluster, node) == "critical"}


def test_a_killed_agent_has_its_services_checks_and_maintenance_again_and_mends_the_catalog(tmp_path: Path) -> None:
    with one_server_and_agent(tmp_path) as cluster:
        assert register(cluster, "web", {"CheckID": "slow", "TTL": "1h"}, {"CheckID": "short", "TTL": "2s"}) == 200
        assert (
            register(cluster, "db", {"CheckID": "tcp", "TCP": f"{cluster.address(SERVER)}:8500", "Interval": "1s"})
            == 200
        )
        assert tell(cluster, "slow", "warning", "a disk is full") == 200
        assert cluster.ask(AGENT, "/v1/agent/maintenance?enable=true&reason=night", "PUT").status == 200
        assert cluster.ask(AGENT, "/v1/agent/service/maintenance/db?enable=true", "PUT").status == 200
        cluster.until(lambda: checks_here(cluster)["tcp"][0] == "passing", "a check by the agent")
        kept = tmp_path / f"d{AGENT}" / "checks" / "state" / md5(b"slow", usedforsecurity=False).hexdigest()
        cluster.until(lambda: kept.exists() and "a disk is full" in kept.read_text(), "the state on the disk")
        assert tell(cluster, "short", "passing", "well") == 200
        before = checks_here(cluster)
        assert set(before) == {"slow", "short", "tcp", "_node_maintenance", "_service_maintenance:db"}
        cluster.kill(AGENT)
        cluster.until(lambda: node_health(cluster) == "critical", "the loss")
        phantom = {"Node": f"c{AGENT}", "Address": cluster.address(AGENT), "Service": {"Service": "phantom"}}
        assert cluster.ask(SERVER, "/v1/catalog/register", "PUT", json.dumps(phantom)).status == 200
        gone = json.dumps({"Node": f"c{AGENT}", "ServiceID": "web"})
        assert cluster.ask(SERVER, "/v1/catalog/deregister", "PUT", gone).status == 200
        time.sleep(2)  # the TTL of `short` is over before the agent is there again
        cluster.start_client(AGENT, joins=(SERVER,))
        cluster.until(lambda: checks_here(cluster).get("tcp", ("",))[0] == "passing", "the check by the agent again")
        again = checks_here(cluster)
        assert again["short"][0] == "critical", "nobody kept it"
        same = {"slow", "_node_maintenance", "_service_maintenance:db"}
        assert {key: again[key] for key in same} == {key: before[key] for key in same}
        assert set(again) == set(before)
        cluster.until(lambda: node_health(cluster) == "passing", "it is back")
        cluster.until(lambda: services_there(cluster) == {"web", "db"}, "neither less nor more than it has")
        cluster.until(lambda: checks_there(cluster) == checks_here(cluster), "its checks")


@pytest.mark.parametrize(("pause_s", "lease_s"), [(6.0, 2.0)])
def test_an_agent_that_stood_still_is_failed_and_back_with_everything_and_harms_nobody(
    tmp_path: Path, pause_s: float, lease_s: float
) -> None:
    settings: dict[str, object] = {"membership": {"lease_ttl": f"{lease_s:g}s", "connection_grace": "1s"}}
    with one_server_and_agent(tmp_path, settings) as cluster:
        ttl_s = pause_s * 0.75
        assert (
            register(cluster, "web", {"CheckID": "long", "TTL": "1h"}, {"CheckID": "short", "TTL": f"{ttl_s:g}s"})
            == 200
        )
        assert tell(cluster, "long", "passing", "said before") == 200
        assert tell(cluster, "short", "passing", "said before") == 200
        session = json.loads(cluster.ask(AGENT, "/v1/session/create", "PUT", "{}").body)["ID"]
        assert cluster.ask(AGENT, f"/v1/kv/lock?acquire={session}", "PUT").body.strip() == "true"
        cluster.until(lambda: checks_there(cluster) == checks_here(cluster) != {}, "the checks in the catalog")
        with Watcher(cluster, "s1") as watcher:
            began = time.monotonic()
            os.kill(cluster.programs[AGENT].pid, signal.SIGSTOP)
            try:
                cluster.until(lambda: node_health(cluster) == "critical", "its silence")
                seen_s = time.monotonic() - began
                cluster.until(
                    lambda: cluster.ask(SERVER, f"/v1/session/info/{session}").body.strip() == "[]", "its session ends"
                )
                assert checks_there(cluster)["short"] == ("passing", "said before"), "the servers judge no check"
                time.sleep(max(began + pause_s - time.monotonic(), 0))
                assert node_health(cluster) == "critical"
            finally:
                os.kill(cluster.programs[AGENT].pid, signal.SIGCONT)
            cluster.until(lambda: node_health(cluster) == "passing", "it is back")
            cluster.until(lambda: checks_here(cluster)["short"][0] == "critical", "a TTL that is over")
            assert checks_here(cluster)["long"] == ("passing", "said before")
            cluster.until(lambda: checks_there(cluster) == checks_here(cluster), "the catalog knows")
            assert tell(cluster, "short", "passing", "said again") == 200
            cluster.until(lambda: checks_there(cluster).get("short") == ("passing", "said again"), "it passes again")
            cluster.until(lambda: cluster.put(AGENT, "k", "1"), "a write through it")
        assert lease_s * 2 / 3 < seen_s < lease_s + 5, "as long as the lease is set, and a moment"
        assert watcher.services == {frozenset({"web"})}, "its services were never gone"
        assert watcher.lost == set()
        for number in (SERVER, AGENT):
            assert "Traceback" not in cluster.programs[number].log()


def test_an_agent_back_within_the_grace_of_its_connection_was_never_lost(tmp_path: Path) -> None:
    settings: dict[str, object] = {"membership": {"lease_ttl": "60s", "connection_grace": "60s"}}
    with one_server_and_agent(tmp_path, settings) as cluster:
        assert register(cluster, "web") == 200
        with Watcher(cluster, f"c{AGENT}") as watcher:
            cluster.kill(AGENT)
            time.sleep(4)  # longer than the default grace, after which it would be lost
            cluster.start_client(AGENT, joins=(SERVER,))
            cluster.until(lambda: cluster.put(AGENT, "k", "1"), "a write through it")
        assert watcher.lost == set()
        assert watcher.services == {frozenset({"web"})}


def test_what_is_registered_while_all_servers_are_away_is_there_when_they_are_back(tmp_path: Path) -> None:
    cluster = ServerCluster(tmp_path, 3)
    servers = (1, 2, 3)
    with cluster.running():
        cluster.start_client(AGENT)
        cluster.until(lambda: node_health(cluster) == "passing", "an agent that is a member")
        for name in ("stays", "goes"):
            assert register(cluster, name, {"CheckID": f"of-{name}", "TTL": "1h"}) == 200
        cluster.until(lambda: checks_there(cluster) == checks_here(cluster) != {}, "the catalog agrees")
        for number in servers:
            cluster.kill(number)
        assert tell(cluster, "of-stays", "passing", "said meanwhile") == 200
        assert register(cluster, "comes", {"CheckID": "of-comes", "TTL": "1h"}) in (200, 500)
        assert cluster.ask(AGENT, "/v1/agent/service/deregister/goes", "PUT").status in (200, 500)
        assert services_here(cluster) == {"stays", "comes"}
        for number in servers:
            cluster.start(number)
        with Watcher(cluster, f"c{AGENT}") as watcher:
            cluster.until(lambda: services_there(cluster) == {"stays", "comes"}, "the catalog agrees again")
            cluster.until(lambda: checks_there(cluster) == checks_here(cluster), "and its checks")
            cluster.until(lambda: cluster.put(AGENT, "k", "1"), "a write through it")
        assert checks_there(cluster)["of-stays"] == ("passing", "said meanwhile")
        assert watcher.lost == set()


@contextmanager
def small_data_disk(directory: Path) -> Generator[SmallDisk]:
    """The disk that the agent's data directory is."""
    data = directory / f"d{AGENT}"
    data.mkdir()
    with small_disk(data, directory, kib=80_000) as disk:
        yield disk


@pytest.mark.needs("unshare", "nsenter", "mount")
def test_an_agent_on_a_disk_that_became_read_only_serves_on_and_refuses_what_it_cannot_keep(tmp_path: Path) -> None:
    cluster = ServerCluster(tmp_path, 1)
    with small_data_disk(tmp_path) as disk, cluster.running():
        cluster.launches[AGENT] = Launch(prefix=disk.prefix)
        cluster.start_client(AGENT, joins=(SERVER,))
        cluster.until(lambda: node_health(cluster) == "passing", "an agent that is a member")
        check = {"CheckID": "ttl", "TTL": "1h"}
        assert register(cluster, "web", check) == 200
        with Watcher(cluster, f"c{AGENT}") as watcher:
            disk.run("mount", "-o", "remount,ro", disk.path)
            refused = cluster.ask(AGENT, "/v1/agent/service/register", "PUT", json.dumps({"Name": "refused"}))
            assert refused.status == 500
            assert f"cannot write {disk.path}/services/" in refused.body
            assert "Read-only file system" in refused.body
            assert tell(cluster, "ttl", "warning", "said on a disk that takes nothing") == 200
            cluster.until(lambda: checks_there(cluster) == checks_here(cluster), "health does not depend on a disk")
            assert cluster.put(AGENT, "k", "1")
            assert services_there(cluster) == {"web"}
            cluster.kill(AGENT)
            cluster.start_client(AGENT, joins=(SERVER,))
            cluster.until(lambda: services_here(cluster) == {"web"}, "a start on a disk that takes nothing")
            cluster.until(lambda: cluster.put(AGENT, "k", "2"), "a write through it")
            assert register(cluster, "refused") == 500
            disk.run("mount", "-o", "remount,rw", disk.path)
            cluster.until(lambda: register(cluster, "after") == 200, "a disk that takes something")
        cluster.until(lambda: services_there(cluster) == {"web", "after"}, "the catalog")
        assert "Traceback" not in cluster.programs[AGENT].log()
        assert all(one >= {"web"} for one in watcher.services)


@pytest.mark.needs("unshare", "nsenter", "mount")
@pytest.mark.parametrize("is_server", [False, True])
def test_an_agent_whose_first_start_finds_a_read_only_disk_says_so_and_ends(tmp_path: Path, is_server: bool) -> None:
    cluster = ServerCluster(tmp_path, 1)
    with small_data_disk(tmp_path) as disk:
        disk.run("mount", "-o", "remount,ro", disk.path)
        cluster.launches[AGENT] = Launch(prefix=disk.prefix)
        program = cluster.start(AGENT) if is_server else cluster.start_client(AGENT)
        try:
            assert program.process.wait(30) == 1
            assert f"the agent cannot start: cannot keep the node id in {disk.path}/node-id: Read-only" in program.log()
            assert "check -data-dir" in program.log()
            assert "Traceback" not in program.log()
        finally:
            cluster.kill(AGENT)


@pytest.mark.needs("unshare", "nsenter", "mount")
def test_a_server_that_finds_its_log_on_a_read_only_disk_says_so_and_ends(tmp_path: Path) -> None:
    cluster = ServerCluster(tmp_path, 1)
    data = tmp_path / f"d{SERVER}"
    data.mkdir()
    with small_disk(data, tmp_path, kib=80_000) as disk:
        cluster.launches[SERVER] = Launch(prefix=disk.prefix)
        with cluster.running():
            assert cluster.put(SERVER, "k", "1")
            cluster.kill(SERVER)
            disk.run("mount", "-o", "remount,ro", disk.path)
            program = cluster.start(SERVER)
            assert program.process.wait(30) == 1
            last = program.log().splitlines()[-1]
            assert last.startswith("==> the agent cannot"), last
            assert f"cannot open {data}/raft" in last
            assert "Read-only file system; check the disk" in last
            assert "Traceback" not in program.log()
            cluster.kill(SERVER)
            disk.run("mount", "-o", "remount,rw", disk.path)
            cluster.start(SERVER)
            cluster.until(lambda: cluster.value(SERVER, "k") == "1", "what it had")


def create_session(cluster: ServerCluster) -> str:
    """The id of a session that ends when nobody renews it for 4 s."""
    answer = cluster.ask(AGENT, "/v1/session/create", "PUT", json.dumps({"TTL": "2s"}))
    created: dict[str, str] = json.loads(answer.body)
    return created["ID"]


def has_session(cluster: ServerCluster, id: str) -> bool:
    answer = cluster.ask(AGENT, f"/v1/session/info/{id}")
    return answer.status != 200 or answer.body.strip() != "[]"


def test_wall_clocks_that_jump_an_hour_end_nothing_early_and_keep_nothing_alive(tmp_path: Path) -> None:
    settings: dict[str, object] = {"membership": {"lease_ttl": "3s", "connection_grace": "1s"}, "session_ttl_min": "1s"}
    cluster = ServerCluster(tmp_path, 1, settings)
    offsets = {number: tmp_path / f"offset{number}" for number in (SERVER, AGENT)}
    for number, offset in offsets.items():
        offset.write_text("0")
        cluster.launches[number] = Launch(command=command(), environment=alterations(clock_file=offset))
    jumps = [{AGENT: HOUR_S, SERVER: -HOUR_S}, {AGENT: -HOUR_S, SERVER: HOUR_S}]
    with cluster.running():
        configuration = {"Provider": "consul", "Config": {"LeafCertTTL": "1h"}}
        answer = cluster.ask(SERVER, "/v1/connect/ca/configuration", "PUT", json.dumps(configuration))
        assert answer.status == 200, answer
        cluster.start_client(AGENT, joins=(SERVER,))
        cluster.until(lambda: node_health(cluster) == "passing", "an agent that is a member")
        checks = [{"CheckID": "kept", "TTL": "3s"}, {"CheckID": "long", "TTL": "1h"}, {"CheckID": "left", "TTL": "3s"}]
        assert register(cluster, "web", *checks) == 200
        assert tell(cluster, "long", "passing", "") == 200
        assert cluster.ask(AGENT, "/v1/agent/connect/ca/leaf/web").status == 200
        kept = create_session(cluster)
        with Watcher(cluster, f"c{AGENT}", "s1") as watcher:
            for jump in jumps:
                left = create_session(cluster)
                assert tell(cluster, "left", "passing", "") == 200
                for number, jump_s in jump.items():
                    offsets[number].write_text(str(jump_s))
                hold_through(cluster, kept, left)
                assert cluster.put(AGENT, "k", str(jump))
                for offset in offsets.values():
                    offset.write_text("0")
        assert watcher.lost == set()
        assert watcher.services == {frozenset({"web"})}
        signed = cluster.programs[AGENT].log().count("agent.leaf.signed")
        assert signed <= 1 + 2 * len(jumps), (
            "a leaf whose times do not fit the clock is signed again, but not on and on"
        )
        for number in (SERVER, AGENT):
            assert "agent.lease.lost" not in cluster.programs[number].log()
            assert "Traceback" not in cluster.programs[number].log()


def hold_through(cluster: ServerCluster, kept: str, left: str) -> None:
    """Keep what is to be kept, for 5 s and until the session and the check that nobody keeps have ended."""
    began = time.monotonic()
    while time.monotonic() < began + 5 or checks_there(cluster)["left"][0] == "passing" or has_session(cluster, left):
        assert time.monotonic() < began + WITHIN_S, "what nobody keeps ends by true time"
        assert tell(cluster, "kept", "passing", "") == 200
        assert cluster.ask(AGENT, f"/v1/session/renew/{kept}", "PUT").status == 200
        assert cluster.ask(AGENT, "/v1/agent/connect/ca/leaf/web").status == 200
        health = checks_there(cluster)
        assert (health["kept"][0], health["long"][0]) == ("passing", "passing")
        time.sleep(0.1)
