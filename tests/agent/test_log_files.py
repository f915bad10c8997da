"""Files that are put aside by age and size."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from lictor_agent.log_files import LogFile
from lictor_core.errors import ConfigurationError
from tests.support.clock import ManualClock


def texts(directory: Path) -> list[str]:
    return [path.read_text() for path in sorted(directory.iterdir())]


@contextmanager
def log_file(
    path: str, clock: ManualClock, *, bytes_max: int = 0, age_s_max: float = 100.0, files_max: int = 0
) -> Generator[LogFile]:
    with closing(LogFile(path, bytes_max=bytes_max, age_s_max=age_s_max, files_max=files_max, clock=clock)) as file:
        yield file


def test_a_directory_gets_files_of_consuls_name(tmp_path: Path) -> None:
    clock = ManualClock()
    with log_file(f"{tmp_path}/", clock) as file:
        file("info", "a line")
    assert [path.name for path in tmp_path.iterdir()] == [f"consul-{int(clock.now() * 1e9)}.log"]
    assert texts(tmp_path) == ["a line\n"]


@pytest.mark.parametrize(("name", "stem", "suffix"), [("agent", "agent-", ".log"), ("a.b.txt", "a.b-", ".txt")])
def test_the_time_stands_before_the_ending_of_a_name(tmp_path: Path, name: str, stem: str, suffix: str) -> None:
    with log_file(f"{tmp_path}/{name}", ManualClock()):
        pass
    path = next(tmp_path.iterdir())
    assert path.name.startswith(stem)
    assert path.suffix == suffix


def test_an_old_file_is_followed_by_a_new_one(tmp_path: Path) -> None:
    clock = ManualClock()
    with log_file(f"{tmp_path}/", clock, age_s_max=10) as file:
        file("info", "first")
        clock.advance(9)
        file("info", "still first")
        clock.advance(1)
        file("info", "second")
    assert texts(tmp_path) == ["first\nstill first\n", "second\n"]


def test_a_full_file_is_followed_by_a_new_one(tmp_path: Path) -> None:
    clock = ManualClock()
    with log_file(f"{tmp_path}/", clock, bytes_max=8) as file:
        for number in range(4):
            clock.advance(1)
            file("info", f"abc{number}")
    assert texts(tmp_path) == ["abc0\nabc1\n", "abc2\nabc3\n"]


@pytest.mark.parametrize(("files_max", "kept"), [(0, ["0", "1", "2", "3"]), (2, ["1", "2", "3"]), (-1, ["3"])])
def test_of_earlier_files_so_many_are_kept(tmp_path: Path, files_max: int, kept: list[str]) -> None:
    clock = ManualClock()
    (tmp_path / "consul-notes.log").write_text("somebody else's")
    with log_file(f"{tmp_path}/", clock, bytes_max=1, files_max=files_max) as file:
        for number in range(4):
            clock.advance(1)
            file("info", str(number))
    lines = [text.strip() for text in texts(tmp_path)]
    assert lines == [*(["", *kept][-len(kept) :] if files_max else kept), "somebody else's"]


def test_a_file_that_cannot_be_had_is_told_with_its_directory(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"log_file: cannot write to .*/missing: No such file"):
        LogFile(f"{tmp_path}/missing/", bytes_max=0, age_s_max=1, files_max=0, clock=ManualClock())


def test_a_directory_that_goes_away_ends_nothing(tmp_path: Path) -> None:
    clock = ManualClock()
    directory = tmp_path / "logs"
    directory.mkdir()
    with log_file(f"{directory}/", clock, bytes_max=1) as file:
        file("info", "first")
        for path in directory.iterdir():
            path.unlink()
        directory.rmdir()
        file("info", "lost")
        directory.mkdir()
        clock.advance(1)
        file("info", "back")
    assert texts(directory) == ["back\n"]
