"""Runs the shell blocks of a document as a reader would type them, and compares what they print.

In a walk a `sh` block holds commands; a `text` block right after it is what they print on standard output. `...` in
it stands for any text on that line. All blocks of a walk run in one shell, in order, so that what one sets the next
one has.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from tests.support.documents import Block, blocks

_END: Final = 'code=$?; jobs=$(jobs -p); [ -z "$jobs" ] || kill $jobs 2>/dev/null || true; exit $code'


class Step(NamedTuple):
    """Commands, and the output they must give (None: not told)."""

    commands: str
    expected: str | None


def steps_under(text: str, heading: str) -> list[Step]:
    """The steps in the section of a Markdown text that starts with `heading` and ends at the next of its level."""
    level = heading.split(" ")[0]
    _, found, rest = text.partition(f"\n{heading}\n")
    assert found, f"there is no heading {heading!r}"
    section = re.split(rf"^{level} ", rest, maxsplit=1, flags=re.MULTILINE)[0]
    return steps(blocks(section))


def steps(found: Sequence[Block]) -> list[Step]:
    """Pair each `sh` block with the `text` block that follows it."""
    result: list[Step] = []
    for block, following in zip(found, [*found[1:], None], strict=True):
        if block.language == "sh":
            expected = following.text if following is not None and following.language == "text" else None
            result.append(Step(block.text, expected))
    return result


def matches(expected: str, printed: str) -> bool:
    """Whether `printed` is `expected`, with `...` standing for any text on its line."""
    pattern = "[^\n]*".join(re.escape(part) for part in expected.strip().split("..."))
    return re.fullmatch(pattern, printed.strip()) is not None


def run_walk(walk: Sequence[Step], folder: Path, *, timeout_s: float) -> None:
    """Run all steps in one shell in `folder`; fail at the first whose command fails or whose output differs.

    What the walk leaves in the background is ended with the shell.
    """
    marker = "=====step-done====="
    body = "".join(f"{step.commands}\necho {marker}\n" for step in walk)
    script = f"set -e\ntrap '{_END}' EXIT\n{body}"
    shell = subprocess.Popen(
        ["bash", "-c", script],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        stdout, stderr = shell.communicate(timeout=timeout_s)
    except subprocess.TimeoutExpired:
        os.killpg(shell.pid, signal.SIGKILL)
        stdout, stderr = shell.communicate()
        stderr += f"\nthe walk took longer than {timeout_s} s"
    printed = stdout.split(marker)
    for step, output in zip(walk, printed, strict=False):
        if step.expected is not None:
            assert matches(step.expected, output), (
                f"{step.commands}\nmust print:\n{step.expected}\nprinted:\n{output}\nstandard error:\n{stderr}"
            )
    assert shell.returncode == 0, f"the walk ended with {shell.returncode}:\n{stdout}\n{stderr}"
    assert len(printed) == len(walk) + 1
