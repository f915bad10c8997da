"""Whether a process is there."""

from __future__ import annotations

from pathlib import Path

__all__ = ["is_there"]


def is_there(pid: int) -> bool:
    """A process that ended and that nobody has asked for yet counts as gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False
