"""A planted bug must be caught, and what differs from it by nothing but the bug must pass.

One short run for each row of the table; `python -m tests.jepsen_like.planted` makes many.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from lictor_jepsen.disk import lacks_fuse
from tests.jepsen_like.planted.hunt import BOUND_S, hunt, run, wrong
from tests.jepsen_like.planted.table import BUGS, Bug

pytestmark = pytest.mark.long

_SEEDS_MAX = max(bug.seeds for bug in BUGS)
_NAMESPACES = ("unshare", "nsenter", "ip", "mount")
TWINS = [bug for bug in BUGS if bug.twin]
"""Bugs whose twin is a launcher too. Where it is the product itself, torture in CI and the tests below run that."""


def _skip_where_it_cannot_run(bug: Bug) -> None:
    lacking = [name for name in _NAMESPACES if shutil.which(name) is None]
    if bug.is_confined and (lacking or os.geteuid() != 0):
        assert not os.environ.get("LICTOR_REQUIRE_ALL"), f"needs root and {', '.join(_NAMESPACES)}"
        pytest.skip(f"needs root and {', '.join(_NAMESPACES)}")
    if any("--from-commit" in flag for flag in bug.flags) and not (Path(__file__).parents[2] / ".git").exists():
        assert not os.environ.get("LICTOR_REQUIRE_ALL"), "needs the checkout"
        pytest.skip("needs the checkout, to make a former version of")
    if "power-loss" in bug.nemesis and (reason := lacks_fuse()):
        assert not os.environ.get("LICTOR_REQUIRE_ALL"), reason
        pytest.skip(reason)


@pytest.mark.slow
@pytest.mark.timeout(_SEEDS_MAX * BOUND_S + 30)
@pytest.mark.parametrize("bug", BUGS, ids=[bug.name.replace(" ", "-") for bug in BUGS])
def test_a_planted_bug_is_found(bug: Bug, tmp_path: Path) -> None:
    _skip_where_it_cannot_run(bug)
    missed: list[dict[str, str]] = []
    for seed in range(5, 5 + bug.seeds):
        hunted = hunt(bug, seed, tmp_path / str(seed))
        if hunted.found:
            return
        missed.append(hunted.verdicts)
    pytest.fail(f"{bug.name} was never seen in {', '.join(bug.findings)}: {missed}")


@pytest.mark.slow
@pytest.mark.timeout(BOUND_S + 30)
@pytest.mark.parametrize("bug", TWINS, ids=[bug.name.replace(" ", "-") for bug in TWINS])
def test_what_differs_from_a_planted_bug_by_nothing_else_is_valid(bug: Bug, tmp_path: Path) -> None:
    _skip_where_it_cannot_run(bug)
    told, folder = run(tmp_path, bug.twin, *bug.run_flags(5), seconds=bug.seconds)
    assert wrong(told) == [], (told, folder)


@pytest.mark.slow
@pytest.mark.needs(*_NAMESPACES)
@pytest.mark.needs_root
def test_locks_through_agents_stay_valid_while_agents_are_killed_and_cut_from_servers(tmp_path: Path) -> None:
    flags = ("--agents=3", "--nemesis=cut-agents,kill-agent", "--seconds=18", "--workload=lock", "--seed=3")
    told, folder = run(tmp_path, "", *flags)
    assert wrong(told) == [], (told, folder)


@pytest.mark.slow
@pytest.mark.needs(*_NAMESPACES)
@pytest.mark.needs_root
def test_sessions_keep_their_time_while_clocks_drift_and_jump(tmp_path: Path) -> None:
    flags = ("--nemesis=clock-drift,clock-jump", "--seconds=25", "--workload=sessions", "--seed=3")
    told, folder = run(tmp_path, "", *flags)
    assert wrong(told) == [], (told, folder)


@pytest.mark.slow
def test_three_servers_without_a_planted_bug_are_valid(tmp_path: Path) -> None:
    flags = ("--net=loopback", "--nemesis=kill-leader", "--seconds=9", "--workload=register", "--seed=5")
    told, folder = run(tmp_path, "", *flags)
    assert wrong(told) == [], (told, folder)


@pytest.mark.slow
@pytest.mark.needs(*_NAMESPACES)
@pytest.mark.needs_root
def test_three_servers_stay_valid_while_links_are_cut_and_a_disk_is_full(tmp_path: Path) -> None:
    flags = ("--nemesis=partition-leader,disk-full", "--seconds=20", "--workload=cas", "--seed=3")
    told, folder = run(tmp_path, "", *flags)
    assert wrong(told) == [], (told, folder)
    logs = "".join(path.read_text() for path in folder.glob("n?.log"))
    assert "No space left on device" in logs, "a disk was full"
