"""Three servers in a process that dies while the third installs a snapshot: `python -m tests.server.dying DIR STEP`.

Every call by which the third one changes its disk counts as a step, from the first piece on. At STEP the process kills
itself, before the call; with 0 it lives on until all are level, and prints how many steps there were.
"""

from __future__ import annotations

import asyncio
import dataclasses
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

import structlog
from structlog.testing import LogCapture
from structlog.typing import EventDict, WrappedLogger

from tests.server.conftest import Log
from tests.server.replicas import SMALL, Replicas
from tests.support.conditions import eventually
from tests.support.peers import peers

__all__ = ["KEYS", "SETTINGS", "THREE"]

THREE: Final = peers("n1", "n2", "n3")
KEYS: Final = 600
SETTINGS: Final = dataclasses.replace(SMALL, snapshot_chunk_bytes=30_000)
_VICTIM: Final = "/n3/"


class _Steps:
    """Counts what the victim does to its disk."""

    def __init__(self, kill_at: int) -> None:
        self.count = 0
        self.has_begun = False
        self._kill_at = kill_at

    def note(self, logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
        """A processor of the log: steps count from the beginning of the install."""
        self.has_begun |= event["event"] == "raft.install.begun"
        return event

    def watch(self, name: str) -> None:
        """Count the calls of `os.name` on the victim's files."""
        before: Callable[..., object] = getattr(os, name)

        def counted(target: object, *rest: object) -> object:
            path = os.readlink(f"/proc/self/fd/{target}") if isinstance(target, int) else str(target)
            if self.has_begun and _VICTIM in path + "/":
                self.count += 1
                if self.count == self._kill_at:
                    os.kill(os.getpid(), signal.SIGKILL)
            return before(target, *rest)

        setattr(os, name, counted)


async def _main(directory: Path, kill_at: int) -> None:
    steps, capture = _Steps(kill_at), LogCapture()
    log = Log(
        structlog.wrap_logger(
            None, processors=[steps.note, capture], wrapper_class=structlog.make_filtering_bound_logger(0)
        ),
        capture.entries,
    )
    replicas = Replicas(directory, SETTINGS)
    replicas.start("n1", log, peer_set=THREE)
    replicas.start("n2", log)
    leader = await replicas.leader()
    await leader.write(KEYS)
    await eventually(lambda: leader.storage.wal[0][1] > 100, within_s=20, what="a log that lost its beginning")
    for name in ("write", "fsync", "fdatasync", "rename", "unlink", "ftruncate"):
        steps.watch(name)
    third = replicas.start("n3", log)
    await replicas.level(within_s=20)
    note = third.storage.snapshots / "installing"
    await eventually(lambda: not note.exists(), what="the note's end")
    print(steps.count, flush=True)
    await replicas.stop_all()


if __name__ == "__main__":
    asyncio.run(_main(Path(sys.argv[1]), int(sys.argv[2])))
