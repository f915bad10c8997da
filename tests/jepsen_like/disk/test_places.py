"""Where servers keep their data. Small disks are shown by whole runs (`test_run`), obedient ones by `test_obedient`."""

from pathlib import Path

import pytest

from lictor_jepsen.disk import Behave, Folders, Wipe
from lictor_jepsen.net import Node

NODE = Node(1, "n1", "127.0.0.1")


def test_a_folder_is_made_when_it_is_asked_for(tmp_path: Path) -> None:
    assert Folders(tmp_path / "data").directory(NODE) == tmp_path / "data" / "n1"
    assert (tmp_path / "data" / "n1").is_dir()


async def test_the_disk_of_the_machine_is_neither_filled_nor_told_anything(tmp_path: Path) -> None:
    folders = Folders(tmp_path)
    assert folders.lacks_filling
    with pytest.raises(NotImplementedError):
        await folders.fill(NODE)
    assert folders.lacks_orders
    with pytest.raises(NotImplementedError):
        await folders.order(NODE, Wipe(under="/data"))
    assert not folders.damaged(NODE)


async def test_what_never_began_ends_without_harm(tmp_path: Path) -> None:
    folders = Folders(tmp_path)
    assert await folders.behave(NODE, "disk-slow", Behave()) == 0
    await folders.empty(NODE)
    await folders.close(None)
