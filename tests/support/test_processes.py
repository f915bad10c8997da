"""Programs under test start with a deadline and leave nothing behind."""

import signal
from pathlib import Path

import pytest

from tests.support.conditions import wait_until
from tests.support.processes import ProgramFailed, process_is_alive, running


def test_a_program_runs_while_the_block_does_and_its_output_is_kept(tmp_path: Path) -> None:
    with running("speaker", ["sh", "-c", "echo salve; exec sleep 60"], tmp_path) as program:
        program.wait_until(lambda: "salve" in program.log(), "it spoke")
        assert process_is_alive(program.pid)
    assert not process_is_alive(program.pid)


def test_a_program_that_ends_too_early_is_reported_with_its_log(tmp_path: Path) -> None:
    with (
        pytest.raises(ProgramFailed, match=r"(?s)ended with 3 before it was ready.*no such port"),
        running("early", ["sh", "-c", "echo no such port; exit 3"], tmp_path, ready=lambda: False),
    ):
        pytest.fail("the block must not run")


def test_a_program_that_does_not_get_ready_is_reported(tmp_path: Path) -> None:
    with running("idle", ["sleep", "60"], tmp_path) as program, pytest.raises(ProgramFailed, match="did not reach"):
        program.wait_until(lambda: False, "what never comes", seconds=0.1)


def test_a_program_that_ignores_the_signal_is_killed_and_reported(tmp_path: Path) -> None:
    with running("deaf", ["sh", "-c", "trap '' TERM; echo ready; while :; do sleep 0.1; done"], tmp_path) as program:
        program.wait_until(lambda: "ready" in program.log(), "it was ready")
        with pytest.raises(ProgramFailed, match="still ran"):
            program.stop(seconds=0.2)


def test_a_program_that_leaves_a_child_behind_is_reported_and_the_child_ends(tmp_path: Path) -> None:
    with running("parent", ["sh", "-c", "sleep 60 & echo $!; wait"], tmp_path) as program:
        program.wait_until(lambda: program.log().strip() != "", "it started its child")
        child = int(program.log())
        with pytest.raises(ProgramFailed, match="left processes behind"):
            program.stop()
    _assert_gone(child)


def test_an_error_of_the_block_is_not_hidden_and_the_program_ends(tmp_path: Path) -> None:
    pids: list[int] = []
    with pytest.raises(ZeroDivisionError):
        _fail_beside_a_program(tmp_path, pids)
    _assert_gone(pids[0])


def test_killing_ends_a_program_at_once(tmp_path: Path) -> None:
    with running("deaf", ["sh", "-c", "trap '' TERM; sleep 60"], tmp_path, kill=True) as program:
        pass
    assert program.process.returncode == -signal.SIGKILL


def _fail_beside_a_program(directory: Path, pids: list[int]) -> None:
    with running("sleeper", ["sleep", "60"], directory) as program:
        pids.append(program.pid)
        raise ZeroDivisionError


def _assert_gone(pid: int) -> None:
    wait_until(lambda: not process_is_alive(pid), within_s=30, what=f"process {pid} is gone")
