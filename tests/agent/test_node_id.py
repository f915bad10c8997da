"""The node's id stays the same."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from lictor_agent.node_id import kept_node_id, node_id
from lictor_core.clock import SeededRng
from lictor_core.errors import ConfigurationError
from tests.agent.builders import NODE_ID


def test_a_given_id_is_taken() -> None:
    assert node_id(NODE_ID.upper(), "", SeededRng(1)) == NODE_ID


def test_without_a_directory_every_start_makes_another() -> None:
    rng = SeededRng(1)
    assert node_id("", "", rng) != node_id("", "", rng)


def test_a_directory_keeps_it(tmp_path: Path) -> None:
    directory = str(tmp_path / "data")
    rng = SeededRng(1)
    assert node_id("", directory, rng) == node_id("", directory, rng)


def test_what_is_no_uuid_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="node_id: 'seven' is no UUID"):
        node_id("seven", "", SeededRng(1))
    (tmp_path / "node-id").write_text("x" * 100_000)
    with pytest.raises(ConfigurationError, match="node-id"):
        node_id("", str(tmp_path), SeededRng(1))


def test_a_directory_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="check -data-dir"):
        node_id("", str(tmp_path / "file" / "below"), SeededRng(1))
    with pytest.raises(ConfigurationError, match="file is no directory; name another with -data-dir"):
        node_id("", str(tmp_path / "file"), SeededRng(1))


def test_an_id_that_the_disk_did_not_take_leaves_no_half_of_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(ConfigurationError, match="No space left"):
            node_id("", str(tmp_path), SeededRng(1))
    assert list(tmp_path.iterdir()) == []
    made = node_id("", str(tmp_path), SeededRng(1))
    assert [one.name for one in tmp_path.iterdir()] == ["node-id"]
    assert kept_node_id(str(tmp_path)) == made


def test_looking_for_an_id_makes_none(tmp_path: Path) -> None:
    assert kept_node_id(str(tmp_path)) == ""
    assert list(tmp_path.iterdir()) == []
    made = node_id("", str(tmp_path), SeededRng(1))
    assert kept_node_id(str(tmp_path)) == made
