"""Disks that obey, mounted."""

from __future__ import annotations

import ctypes.util
import errno
import importlib.util
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from lictor_jepsen.disk import obedient
from lictor_jepsen.disk.obedient import lacks_fuse
from tests.jepsen_like.disk.mounted import Seen

BOUND_S = 100
SYNCS_A_SECOND_MIN = 200


@pytest.mark.slow
@pytest.mark.needs("unshare", "mount", "fusermount3")
@pytest.mark.needs_root
def test_programs_see_what_was_ordered_of_a_mounted_disk(tmp_path: Path) -> None:
    command = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", sys.executable, "-m"]
    command += ["tests.jepsen_like.disk.mounted", str(tmp_path)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=BOUND_S, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    seen = msgspec.json.decode(ended.stdout, type=Seen)
    assert ended.stderr == ""
    assert seen.survived == {"synced": "whole"}
    assert not seen.unlinked
    assert seen.failed_sync == errno.EIO
    assert seen.full == errno.ENOSPC
    assert seen.read_only == errno.EROFS
    assert seen.failed_read == errno.EIO
    assert seen.refused == 1
    assert seen.mapped == "whole"
    assert seen.flipped
    assert "did not obey" in seen.refusal
    assert seen.emptied == []
    assert seen.kept == ["n1/data/log"]
    assert not seen.mount_left
    assert seen.held == "ab 640"
    assert seen.talked
    assert seen.syncs_a_second >= SYNCS_A_SECOND_MIN, "what a cluster's writes need"


def test_a_machine_without_fuse_is_told_what_it_lacks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(obedient, "_DEVICE", tmp_path / "fuse")
    assert str(tmp_path / "fuse") in lacks_fuse() or "install" in lacks_fuse()
    monkeypatch.setattr(ctypes.util, "find_library", _nothing)
    assert lacks_fuse() == "there is no library libfuse: install fuse3"
    monkeypatch.setattr(importlib.util, "find_spec", _nothing)
    assert lacks_fuse() == "there is no Python package mfusepy: install lictor[torture]"


def _nothing(name: str) -> None:
    del name
