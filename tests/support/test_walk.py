"""The runner of walks sees what it is there to see."""

from pathlib import Path

import pytest

from tests.support.conditions import wait_until
from tests.support.walk import Step, matches, run_walk, steps_under


def _until_ended(pid_file: Path) -> None:
    """Wait for the end of the process whose id is in the file: a signal takes its moment on a loaded machine."""
    stat = Path(f"/proc/{int(pid_file.read_text())}/stat")

    def has_ended() -> bool:
        try:
            return stat.read_text().rsplit(")", 1)[1].split()[0] in ("Z", "X")
        except (FileNotFoundError, ProcessLookupError):
            return True

    wait_until(has_ended, within_s=10, what="the end of what the walk started")


def test_a_step_that_prints_something_else_fails(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="must print"):
        run_walk([Step("echo one", "two\n")], tmp_path, timeout_s=10)


def test_a_step_whose_command_fails_fails(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="ended with 1"):
        run_walk([Step("false", None), Step("echo on", None)], tmp_path, timeout_s=10)


def test_steps_share_one_shell(tmp_path: Path) -> None:
    run_walk([Step("name=lictor", None), Step("echo $name", "lictor\n")], tmp_path, timeout_s=10)


def test_what_runs_in_the_background_ends_with_the_walk(tmp_path: Path) -> None:
    run_walk([Step("sleep 1000 >/dev/null 2>&1 & echo $! > pid", None)], tmp_path, timeout_s=10)
    _until_ended(tmp_path / "pid")


def test_a_walk_that_takes_too_long_is_ended_with_all_it_started(tmp_path: Path) -> None:
    step = Step("sleep 1000 >/dev/null 2>&1 & echo $! > pid; sleep 1000", None)
    with pytest.raises(AssertionError, match="longer than"):
        run_walk([step], tmp_path, timeout_s=2)
    _until_ended(tmp_path / "pid")


def test_dots_stand_for_any_text_of_a_line() -> None:
    assert matches("1 1 ....consul.\nend", "1 1 host.node.consul.\nend")
    assert not matches("1 1 ...\nend", "1 1 host\nmore\nend")


def test_a_section_ends_at_the_next_heading_of_its_level() -> None:
    text = "\n## A\n```sh\none\n```\n```text\n1\n```\n### inner\n```sh\ntwo\n```\n## B\n```sh\nthree\n```\n"
    assert steps_under(text, "## A") == [Step("one\n", "1\n"), Step("two\n", None)]
