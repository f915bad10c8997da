"""A command whose output nobody can take: on a full disk, or started without standard streams."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

LICTOR = str(Path(sys.executable).parent / "lictor")


def _shell(words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(["sh", "-c", f"{shlex.quote(LICTOR)} {words}"], capture_output=True, text=True, timeout=30)


@pytest.mark.parametrize("command", ["version", "-help", "kv -help"])
def test_a_full_disk_is_one_line_and_a_failure(command: str) -> None:
    done = _shell(f"{command} >/dev/full")
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "Error: the output cannot be written: No space left on device; free some space, or write it elsewhere"
    ]


def test_the_exit_code_tells_where_stderr_cannot() -> None:
    assert _shell("version >/dev/full 2>/dev/full").returncode == 1


def test_bytes_that_are_no_text_are_printed_as_they_came() -> None:
    words = [LICTOR.encode(), b"kv", b"put", b"-cas", b"-modify-index=\xff\xfe", b"key"]
    done = subprocess.run(words, capture_output=True, timeout=30, env={**os.environ, "LC_ALL": "C"})
    assert done.returncode == 1
    assert done.stderr.startswith(b"Error: ")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams_are_no_failure(closed: str) -> None:
    done = _shell(f"version {closed}")
    assert (done.returncode, done.stderr) == (0, "")
