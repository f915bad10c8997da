"""A cluster to measure has one leader that all name, survives a kill, and takes writes at any of its servers."""

import shutil
from collections.abc import Generator

import pytest

from lictor_bench import kv
from lictor_bench.outage import after_a_kill
from lictor_bench.servers import Cluster, lictor, running

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def cluster() -> Generator[Cluster]:
    with running(lictor()) as found:
        yield found


def test_all_servers_name_the_same_leader(cluster: Cluster) -> None:
    leader = cluster.leader()
    assert {one.leader() for one in cluster.servers} == {f"127.0.0.1:{leader.ports['server']}"}
    assert cluster.cpu_s() > 0


def test_writes_flow_again_after_a_kill_and_the_killed_server_catches_up(cluster: Cluster) -> None:
    leader = cluster.leader()
    assert 0 < after_a_kill(cluster, phase=0.0) < 10
    assert leader.process is not None
    assert leader.process.poll() is None


def test_a_server_that_ended_is_named_with_its_log(cluster: Cluster) -> None:
    victim = next(one for one in cluster.servers if one is not cluster.leader())
    victim.kill()
    try:
        with pytest.raises(RuntimeError, match=victim.name):
            cluster.wait(lambda: False, "nothing")
    finally:
        victim.start()
        cluster.leader()


@pytest.mark.skipif(shutil.which("wrk") is None, reason="wrk is not installed")
def test_writes_are_counted_at_leader_and_follower(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kv, "MEASURE_S", 1)
    monkeypatch.setattr(kv, "ROUNDS", 1)
    monkeypatch.setattr(kv, "consul", lambda: None)
    wrk = shutil.which("wrk")
    assert wrk is not None
    rows = kv.measure(wrk)
    assert all(row.ours > 0 and row.peer is None for row in rows)
