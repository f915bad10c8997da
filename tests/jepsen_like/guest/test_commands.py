"""The owner's commands: whom they hit, that they end in time, and that what was begun is ended."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from lictor_jepsen.db import Cluster, Program
from lictor_jepsen.disk import Folders
from lictor_jepsen.guest.commands import Commanded, filled_in
from lictor_jepsen.guest.file import ClusterFile, Command
from lictor_jepsen.nemesis import Surroundings
from lictor_jepsen.net import Loopback, Node

SERVERS = tuple(Node(number, f"s{number}", f"10.0.0.{number}") for number in (1, 2, 3))
FILE = ClusterFile("x", SERVERS, (), {}, (), None)


def _command(begin: str, end: str, seconds_max: float = 20.0) -> Command:
    return Command("fault", ("sh", "-c", begin), ("sh", "-c", end), seconds_max=seconds_max)


@pytest.fixture
def around(tmp_path: Path) -> Surroundings:
    cluster = Cluster(Program("none", (), (), clock_can_jump=False), Loopback(1), Folders(tmp_path / "d"), tmp_path)

    async def leader() -> Node | None:
        return None

    return Surroundings(cluster, Folders(tmp_path / "d"), leader)


def test_places_are_filled_in_and_words_stay_words() -> None:
    words = ["ssh", "{address}", "echo '{node}' {seed}", "{other}"]
    assert filled_in(words, SERVERS[1], 7) == ["ssh", "10.0.0.2", "echo 's2' 7", "{other}"]
    assert filled_in(["x", "{seed}"], None, 7) == ["x", "7"]


def test_the_seed_chooses_who_is_hit() -> None:
    commanded = Commanded(_command("true", "true"), FILE)
    assert commanded.victim(Random(3)) == commanded.victim(Random(3))
    assert {commanded.victim(Random(seed))[0] for seed in range(30)} == set(SERVERS)


async def test_the_end_is_that_of_who_was_hit_and_is_run_once(tmp_path: Path, around: Surroundings) -> None:
    log = tmp_path / "log"
    commanded = Commanded(_command(f"echo begin {{node}} >>{log}", f"echo end {{node}} >>{log}"), FILE)
    victim, _ = commanded.victim(Random(5))
    assert victim is not None
    assert await commanded.fault.begin(around, Random(5)) == f"fault: {victim.name}"
    assert await commanded.fault.end(around) == "ended 1"
    assert await commanded.fault.end(around) == "ended 0"
    assert log.read_text().splitlines() == [f"begin {victim.name}", f"end {victim.name}"]


async def test_a_begin_that_failed_is_told_with_what_it_said_and_ended_all_the_same(
    tmp_path: Path, around: Surroundings
) -> None:
    log = tmp_path / "log"
    commanded = Commanded(_command("echo no such host; exit 3", f"echo end >>{log}"), FILE)
    with pytest.raises(OSError, match="exit code 3: no such host"):
        await commanded.fault.begin(around, Random(5))
    await commanded.end()
    assert log.read_text() == "end\n"


async def test_an_end_that_fails_is_tried_again_then_told_and_tried_again_later(
    tmp_path: Path, around: Surroundings
) -> None:
    log, ready = tmp_path / "log", tmp_path / "ready"
    commanded = Commanded(_command("true", f"echo try >>{log}; test -e {ready}"), FILE)
    await commanded.fault.begin(around, Random(5))
    with pytest.raises(OSError, match="exit code 1"):
        await commanded.end()
    assert log.read_text().count("try") == 3
    ready.touch()
    assert await commanded.end() == "ended 1"


async def test_a_command_that_does_not_end_is_killed_with_its_children(tmp_path: Path, around: Surroundings) -> None:
    pid = tmp_path / "pid"
    commanded = Commanded(_command(f"sleep 600 & echo $! >{pid}; wait", "true", seconds_max=0.5), FILE)
    with pytest.raises(OSError, match=r"did not end within 0\.5 s"):
        await commanded.fault.begin(around, Random(5))
    child = Path("/proc") / pid.read_text().strip() / "stat"
    assert not child.exists() or child.read_text().rsplit(")", 1)[1].split()[0] in "ZX"
