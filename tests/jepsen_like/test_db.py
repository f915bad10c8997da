"""How servers are started."""

from __future__ import annotations

import sys
from pathlib import Path

from lictor_jepsen.clock import WALL_CLOCK
from lictor_jepsen.db import Cluster, Program, consul, lictor
from lictor_jepsen.disk import Folders
from lictor_jepsen.net import Loopback
from tests.support.conditions import eventually

TELL = ("/bin/sh", "-c", 'echo "$@"; echo "$PYTHONPATH $LICTOR_JEPSEN_CLOCK"', "tell")


async def _told(program: Program, folder: Path, *, of_agent: bool = False) -> tuple[list[str], list[str], Cluster]:
    cluster = Cluster(program, Loopback(3, 2), Folders(folder / "data"), folder)
    node = cluster.agents[1] if of_agent else cluster.nodes[1]
    await cluster.start(node)
    await eventually(lambda: not cluster.runs(node), what="the process ends")
    first, second = cluster.log_path(node).read_text().splitlines()
    return first.split(), second.split(), cluster


async def test_a_server_is_told_of_all_others_and_how_many_there_are(tmp_path: Path) -> None:
    flags, _, cluster = await _told(consul(TELL), tmp_path)
    first, second, third = (node.address for node in cluster.nodes)
    assert flags[:5] == ["agent", "-server", "-bootstrap-expect=3", "-node", "n2"]
    assert [flags[place + 1] for place, flag in enumerate(flags) if flag == "-retry-join"] == [first, third]
    assert flags[flags.index("-bind") + 1] == second
    assert flags[flags.index("-client") + 1] == second


async def test_an_agent_is_no_server_joins_all_of_them_and_is_who_clients_ask(tmp_path: Path) -> None:
    flags, _, cluster = await _told(consul(TELL), tmp_path, of_agent=True)
    assert flags[:3] == ["agent", "-node", "a2"]
    assert "-server" not in flags
    servers = [node.address for node in cluster.nodes]
    assert [flags[place + 1] for place, flag in enumerate(flags) if flag == "-retry-join"] == servers
    assert cluster.asked == cluster.agents
    alone = Cluster(consul(TELL), Loopback(3), Folders(tmp_path / "data"), tmp_path)
    assert alone.asked == alone.nodes


async def test_lictor_gets_a_clock_that_can_be_moved_and_consul_does_not(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    _, environment, cluster = await _told(lictor(TELL), tmp_path / "a")
    assert environment == [str(WALL_CLOCK), str(cluster.clock_path(cluster.nodes[1]))]
    _, environment, _ = await _told(consul(TELL), tmp_path / "b")
    assert str(WALL_CLOCK) not in environment


async def test_other_programs_go_by_the_clock_of_their_node(tmp_path: Path) -> None:
    cluster = Cluster(lictor(TELL), Loopback(2), Folders(tmp_path / "data"), tmp_path)
    await cluster.spawn(
        "proxy", cluster.nodes[1], ("/bin/sh", "-c", "echo $LICTOR_JEPSEN_CLOCK $COLOUR"), {"COLOUR": "red"}
    )
    await eventually(lambda: not cluster.lives("proxy"), what="the program ends")
    assert (tmp_path / "proxy.log").read_text().split() == [str(cluster.clock_path(cluster.nodes[1])), "red"]


async def test_processes_that_confess_say_where_they_are_and_did_not_end_by_themselves(tmp_path: Path) -> None:
    waiting = lictor((sys.executable, "-c", "import time\nprint('here', flush=True)\ntime.sleep(600)"))
    cluster = Cluster(waiting, Loopback(1), Folders(tmp_path / "data"), tmp_path)
    node = cluster.nodes[0]
    await cluster.start(node)
    await eventually(lambda: "here" in cluster.log_path(node).read_text(), what="the program runs")
    await cluster.confess()
    await cluster.stop()
    assert "Fatal Python error: Aborted" in cluster.log_path(node).read_text()
    assert 'File "<string>", line 3' in cluster.log_path(node).read_text()
    assert cluster.deaths == []


def test_lictor_is_the_one_beside_this_python() -> None:
    assert Path(lictor().command[0]).name == "lictor"
    assert Path(lictor().command[0]).exists()


async def test_a_server_that_is_admitted_joins_the_others_and_founds_no_cluster(tmp_path: Path) -> None:
    cluster = Cluster(consul(TELL), Loopback(3), Folders(tmp_path / "data"), tmp_path)
    node = await cluster.admit()
    assert (node.name, len(cluster.nodes)) == ("n4", 4)
    await cluster.start(node)
    await eventually(lambda: not cluster.runs(node), what="the process ends")
    flags = cluster.log_path(node).read_text().splitlines()[0].split()
    assert flags[:4] == ["agent", "-server", "-node", "n4"]
    assert [flags[place + 1] for place, flag in enumerate(flags) if flag == "-retry-join"] == [
        other.address for other in cluster.nodes[:3]
    ]


async def test_a_server_that_lost_its_data_founds_no_cluster_the_others_go_on_as_founders(tmp_path: Path) -> None:
    cluster = Cluster(consul(TELL), Loopback(3), Folders(tmp_path / "data"), tmp_path)
    first, second, _ = cluster.nodes
    kept = Folders(tmp_path / "data").directory(first) / "raft"
    kept.mkdir()
    (kept / "log").write_text("x")
    cluster.forget(first)
    assert not kept.exists()
    for node, founds in ((first, False), (second, True)):
        await cluster.start(node)
        assert await cluster.ended(node, 20)
        assert ("-bootstrap-expect=3" in cluster.log_path(node).read_text()) is founds


async def test_a_server_that_is_dismissed_is_nobody_s_victim_its_end_is_no_death_and_its_log_stays(
    tmp_path: Path,
) -> None:
    cluster = Cluster(consul(TELL), Loopback(2), Folders(tmp_path / "data"), tmp_path)
    first, second = cluster.nodes
    await cluster.start(second)
    cluster.dismiss(second)
    assert await cluster.gone_within(second, 20)
    cluster.note_deaths()
    assert (cluster.nodes, cluster.deaths) == ([first], [])
    assert cluster.ever == [first, second]
    again = await cluster.admit("n2")
    assert again.address != second.address
    assert cluster.ever == [first, again]


async def test_a_process_is_waited_for_no_longer_than_told(tmp_path: Path) -> None:
    waiting = lictor((sys.executable, "-c", "input()"))
    cluster = Cluster(waiting, Loopback(2), Folders(tmp_path / "data"), tmp_path)
    sleeping = lictor(("/bin/sh", "-c", "sleep 600"))
    first, second = cluster.nodes
    await cluster.start(first)
    assert await cluster.gone_within(first, 60.0), "its input is at its end"
    cluster.program = sleeping
    await cluster.start(second)
    assert not await cluster.gone_within(second, 0.05)
    await cluster.kill(second)
    assert await cluster.gone_within(second, 0.0)
