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

EVERY_S: Final = 1.0
"""How often a copy is made."""


def plant(data: Path) -> None:
    """Put the copy in the place of what is lost, and go on copying."""
    copy = data.with_name(f"{data.name}-aside")
    if copy.exists() and not any(data.iterdir()):
        shutil.copytree(copy, data, dirs_exist_ok=True)
    threading.Thread(target=_keep, args=(data, copy), daemon=True).start()


def _keep(data: Path, copy: Path) -> None:
    never = threading.Event()
    while not never.wait(EVERY_S):
        try:
            shutil.copytree(data, copy, dirs_exist_ok=True)
        except (OSError, shutil.Error):
            continue  # files come and go under it


if __name__ == "__main__":
    if "-data-dir" in sys.argv:
        plant(Path(sys.argv[sys.argv.index("-data-dir") + 1]))
    main()
