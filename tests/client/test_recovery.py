"""`operator raft recover` on a real data directory."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.client.conftest import Command
from tests.server.conftest import NODE_ID, made_log
from tests.server.test_recovery import THREE, B, C, append, content, made

RECOVER = ("operator", "raft", "recover")


@pytest.fixture
async def directory(tmp_path: Path) -> Path:
    """The data directory of one of three servers, of which none runs."""
    data = tmp_path / "data"
    server = made(data, made_log())
    await server.start()
    await server.members()
    await server.stop()
    append(data, THREE)
    (data / "node-id").write_text(NODE_ID)
    return data


def test_a_dry_run_shows_both_and_writes_nothing(lonely_command: Command, directory: Path) -> None:
    before = content(directory)
    printed = lonely_command(*RECOVER, f"-data-dir={directory}", "-self-only", "-dry-run")
    assert (printed.exit_code, printed.stderr) == (0, "")
    heading, own, other, third, *rest = printed.lines
    assert heading.split() == ["Node", "ID", "Address", "Voter", "After"]
    assert own.split() == ["5c1e", NODE_ID, "192.0.2.1:8300", "true", "stays,", "this", "server"]
    assert [line.split()[1::3] for line in (other, third)] == [[B, "removed"], [C, "removed"]]
    assert rest[1].startswith("Last entry here: ")
    assert rest[-1] == "Nothing was written."
    assert content(directory) == before


def test_what_was_shown_is_what_is_written(lonely_command: Command, directory: Path) -> None:
    words = (
        *RECOVER,
        f"-data-dir={directory}",
        f"-server={NODE_ID},s1,192.0.2.7:8300",
        f"-server={B.upper()},s2,192.0.2.8:8300,nonvoter",
    )
    shown = lonely_command(*words, "-dry-run").lines
    written = lonely_command(*words)
    assert (written.exit_code, written.lines[-1]) == (0, "Written: the servers may be started.")
    assert written.lines[:-1] == shown[:-1]
    assert "192.0.2.1:8300 -> 192.0.2.7:8300" in written.stdout
    now = lonely_command(*words, "-dry-run").lines
    assert [line.split()[1:] for line in now[1:3]] == [
        [NODE_ID, "192.0.2.7:8300", "true", "stays,", "this", "server"],
        [B, "192.0.2.8:8300", "false", "stays"],
    ]


@pytest.mark.parametrize(
    ("server", "reason"),
    [
        ("x,s1,192.0.2.1:8300", "'x' is no UUID"),
        (f"{NODE_ID},s1", "is not of the right form"),
        (f"{NODE_ID},,192.0.2.1:8300", "is not of the right form"),
        (f"{NODE_ID},s1,192.0.2.1:8300,perhaps", "is not of the right form"),
        (f"{B},s2,192.0.2.1:8300", "is not among those named"),
    ],
)
def test_a_server_that_cannot_be_is_told(lonely_command: Command, directory: Path, server: str, reason: str) -> None:
    printed = lonely_command(*RECOVER, f"-data-dir={directory}", f"-server={server}")
    assert (printed.exit_code, reason in printed.stderr) == (1, True), printed.stderr


def test_a_server_that_was_taken_out_is_told_to_join(lonely_command: Command, directory: Path) -> None:
    printed = lonely_command(*RECOVER, f"-data-dir={directory}", f"-node-id={B[:-1]}1", "-self-only")
    assert (printed.exit_code, "does not name this server" in printed.stderr) == (1, True)


async def test_a_running_server_is_left_alone(lonely_command: Command, directory: Path) -> None:
    server = made(directory, made_log())
    await server.start()
    try:
        printed = lonely_command(*RECOVER, f"-data-dir={directory}", "-self-only", "-dry-run")
    finally:
        await server.stop()
    assert (printed.exit_code, "another agent uses the data directory" in printed.stderr) == (1, True)
