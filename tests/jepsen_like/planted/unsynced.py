"""Lictor with a planted bug: it writes, but does not wait until the disk has it.

* `log`: entries of the log are not synced;
* `names`: folders are not, so a new or renamed file may be gone, or have its old name;
* `vote`: the term and the vote are not.

The kernel keeps what was written when the process dies; only a power cut shows the difference.

`python tests/jepsen_like/planted/unsynced.py log|names|vote agent ...` starts `lictor agent ...`.
"""

from __future__ import annotations

import os
import sys
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Final

from lictor.cli import main
from lictor_core.codec import pack
from lictor_server import storage
from lictor_server.raft import files, segments, shelf, snapshot_file, wal
from lictor_server.raft.term_vote import TermVote


def _nothing(_: object) -> None:
    """A sync that is none."""


def plant_in_log() -> None:
    """Entries are written, and acknowledged."""
    parts = segments.__dict__
    assert "os" in parts, "the log syncs by a name that is replaced here"
    parts["os"] = SimpleNamespace(**{**vars(os), "fdatasync": _nothing, "fsync": _nothing})


def plant_in_names() -> None:
    """Files are synced, their folders are not."""
    for module in (files, segments, shelf, snapshot_file, storage):
        assert "sync_directory" in module.__dict__, f"{module.__name__} syncs folders by that name"
        module.__dict__["sync_directory"] = _nothing


def plant_in_vote() -> None:
    """A new vote takes the place of the old one, and neither its bytes nor its name are synced."""

    def save(path: Path, value: TermVote) -> None:
        body = pack(value)
        temporary = path.with_name(path.name + files.TEMPORARY)
        temporary.write_bytes(zlib.crc32(body).to_bytes(4, "big") + body)
        temporary.rename(path)

    assert "save_term_vote" in wal.__dict__, "the log keeps the vote by a name that is replaced here"
    wal.__dict__["save_term_vote"] = save


PLANTS: Final[Mapping[str, Callable[[], None]]] = {
    "log": plant_in_log,
    "names": plant_in_names,
    "vote": plant_in_vote,
}

if __name__ == "__main__":
    PLANTS[sys.argv.pop(1)]()
    main()
