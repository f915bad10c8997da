"""A program that does nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from lictor_jepsen.db import Program

IDLE: Final = Program("idle", ("/bin/sh", "-c", "echo started; exec sleep 600"), (), clock_can_jump=False)


def state(pid: int) -> str:
    """What the kernel says of a process: `T` when it is stopped."""
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
