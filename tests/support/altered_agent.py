"""`lictor` with what a test cannot set from outside: settings of the server, and a wall clock that jumps.

`python -m tests.support.altered_agent agent ...`; `LICTOR_TEST_ALTERATIONS` is a JSON object: `raft` and `server` are
defaults of `RaftSettings` and `ServerSettings`; `clock_file` names a file that holds by how many seconds the wall clock
is wrong, looked at whenever it is read.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final, cast

__all__ = ["VARIABLE", "alterations", "command", "main"]

VARIABLE: Final = "LICTOR_TEST_ALTERATIONS"
_ROOT: Final = Path(__file__).resolve().parents[2]


def command() -> list[str]:
    """What to run in the place of `lictor`."""
    return [sys.executable, "-m", "tests.support.altered_agent"]


def alterations(
    *,
    raft: Mapping[str, float] | None = None,
    server: Mapping[str, float] | None = None,
    clock_file: Path | None = None,
) -> dict[str, str]:
    """The environment that goes with `command`."""
    wanted = {"raft": raft or {}, "server": server or {}, "clock_file": str(clock_file or "")}
    return {VARIABLE: json.dumps(wanted), "PYTHONPATH": str(_ROOT)}


def main() -> None:
    """Alter, then be `lictor`."""
    wanted = json.loads(os.environ[VARIABLE])
    if wanted["clock_file"]:
        _shift_wall_clock(Path(wanted["clock_file"]))
    from lictor_server.raft.settings import RaftSettings
    from lictor_server.settings import ServerSettings

    for settings, defaults in ((RaftSettings, wanted["raft"]), (ServerSettings, wanted["server"])):
        known = cast("dict[str, object]", settings.__init__.__kwdefaults__)
        assert known.keys() >= defaults.keys(), f"{settings.__name__} has no such settings: {defaults}"
        known.update(defaults)
    from lictor.cli import main as lictor

    lictor()


def _shift_wall_clock(path: Path) -> None:
    true_time = time.time  # noqa: TID251 this is the clock that everybody else takes

    def shifted() -> float:
        return true_time() + float(path.read_text() or 0)

    time.time = shifted  # noqa: TID251 and here it is replaced


if __name__ == "__main__":
    main()
