"""Whether others on this machine may look into the data directory, where keys and tokens are kept.

What is made here is for this user alone (0700, files 0600). A directory that was there before keeps its mode, since who
made it may have had reasons; that it is open to others is told at every start.
"""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Final

from structlog.typing import FilteringBoundLogger

__all__ = ["PRIVATE", "tell_if_exposed"]

PRIVATE: Final = 0o700
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


def tell_if_exposed(data_dir: str, log: FilteringBoundLogger) -> None:
    """Warn when more than the owner may enter the directory; where there is none, there is nothing to tell."""
    if not data_dir:
        return
    try:
        mode = stat.S_IMODE(Path(data_dir).stat().st_mode)
    except OSError:
        return  # whoever needs it says what is wrong with it
    if mode & _OTHERS:
        log.warning("agent.data_directory.exposed", path=data_dir, mode=f"{mode:04o}", remedy=f"chmod 700 {data_dir}")
