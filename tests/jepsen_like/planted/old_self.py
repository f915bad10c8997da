"""Lictor with a planted bug: who lost all data comes back with what was copied aside some time before.

`python tests/jepsen_like/planted/old_self.py agent ...` starts `lictor agent ...`.
"""

from __future__ import annotations

import shutil
import sys
import threading
from pathlib import Path
from typing import Final

from lictor.cli import main

EVERY_S: Final = 0.2
"""How often a copy is made."""


def plant(data: Path) -> None:
    """Put the copy in the place of what is lost, and go on copying."""
    copy = data.with_name(f"{data.name}-aside")
    if copy.exists() and not any(data.iterdir()):
        shutil.copytree(copy, data, dirs_exist_ok=True)
    threading.Thread(target=_keep, args=(data, copy), daemon=True).start()


def _keep(data: Path, copy: Path) -> None:
    """Only what stood still while it was copied is kept, so that a copy is what a disk could hold at some moment."""
    never = threading.Event()
    made = copy.with_name(f"{copy.name}-made")
    while not never.wait(EVERY_S):
        shutil.rmtree(made, ignore_errors=True)
        try:
            before = _state(data)
            shutil.copytree(data, made)
            if not before or _state(data) != before:
                continue
            shutil.rmtree(copy, ignore_errors=True)
            made.rename(copy)
        except (OSError, shutil.Error):
            continue  # files come and go under it


def _state(data: Path) -> dict[Path, tuple[int, int]]:
    found = {path: path.stat() for path in data.rglob("*")}
    return {path: (one.st_mtime_ns, one.st_size) for path, one in found.items()}


if __name__ == "__main__":
    if "-data-dir" in sys.argv:
        plant(Path(sys.argv[sys.argv.index("-data-dir") + 1]))
    main()
