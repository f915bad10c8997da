"""A record behind its checksum is what was written, or is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from lictor_core.errors import DataDamagedError, RequestError
from lictor_server.raft.checked_file import load_checked, save_checked


def refuse(record: list[int]) -> None:
    raise RequestError("it is of tomorrow")


def test_what_was_kept_is_loaded_and_a_file_that_is_not_there_is_nothing(tmp_path: Path) -> None:
    assert load_checked(tmp_path / "f", list[int]) is None
    save_checked(tmp_path / "f", [1, 2])
    assert load_checked(tmp_path / "f", list[int]) == [1, 2]


def test_every_byte_that_is_another_is_damage(tmp_path: Path) -> None:
    path = tmp_path / "f"
    save_checked(path, [1, 2])
    whole = path.read_bytes()
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(DataDamagedError, match="cannot be used at offset 0"):
            load_checked(path, list[int])


def test_a_record_that_is_refused_is_damage_with_the_reason(tmp_path: Path) -> None:
    save_checked(tmp_path / "f", [1])
    with pytest.raises(DataDamagedError, match="it is of tomorrow"):
        load_checked(tmp_path / "f", list[int], refuse)
    with pytest.raises(DataDamagedError):
        load_checked(tmp_path / "f", list[str])
