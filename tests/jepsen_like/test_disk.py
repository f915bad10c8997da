"""Where servers keep their data. Small disks are shown by whole runs (`test_run`)."""

from pathlib import Path

import pytest

from lictor_jepsen.disk import Folders
from lictor_jepsen.net import Node

NODE = Node(1, "n1", "127.0.0.1")


def test_a_folder_is_made_when_it_is_asked_for(tmp_path: Path) -> None:
    assert Folders(tmp_path / "data").directory(NODE) == tmp_path / "data" / "n1"
    assert (tmp_path / "data" / "n1").is_dir()


def test_the_disk_of_the_machine_is_not_filled(tmp_path: Path) -> None:
    folders = Folders(tmp_path)
    assert folders.lacks_filling
    with pytest.raises(NotImplementedError):
        folders.fill(NODE)
