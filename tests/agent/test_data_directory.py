"""Whether others may look into the data directory."""

from __future__ import annotations

from pathlib import Path

import pytest

from lictor_agent.data_directory import tell_if_exposed
from lictor_agent.node_id import node_id
from lictor_core.clock import SeededRng
from tests.server.conftest import made_log


@pytest.mark.parametrize(("mode", "told"), [(0o700, 0), (0o750, 1), (0o755, 1), (0o701, 1), (0o500, 0)])
def test_a_directory_that_others_may_enter_is_told(tmp_path: Path, mode: int, told: int) -> None:
    log = made_log()
    tmp_path.chmod(mode)
    try:
        tell_if_exposed(str(tmp_path), log.logger)
    finally:
        tmp_path.chmod(0o700)
    events = log.named("agent.data_directory.exposed")
    assert len(events) == told
    assert all(one["remedy"] == f"chmod 700 {tmp_path}" and one["mode"] == f"{mode:04o}" for one in events)


def test_nothing_is_told_where_nothing_is_kept(tmp_path: Path) -> None:
    log = made_log()
    tell_if_exposed("", log.logger)
    tell_if_exposed(str(tmp_path / "missing"), log.logger)
    assert log.entries == []


def test_a_directory_that_is_made_is_private_whoever_makes_it_first(tmp_path: Path) -> None:
    made = tmp_path / "data"
    node_id("", str(made), SeededRng(1))
    assert made.stat().st_mode & 0o777 == 0o700
