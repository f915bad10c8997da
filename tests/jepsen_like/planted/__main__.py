"""`python -m tests.jepsen_like.planted [--runs 60] [--only NAME]`: hunt every planted bug with many seeds.

Each run adds a line to a file; runs that the file has are not made again, so that a hunt may be interrupted. The table
of all of them is printed, and put into `docs/torture.md` with `--write`. Folders of runs that went as they should are
removed.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

import msgspec

from tests.jepsen_like.planted.hunt import hunt, run, wrong
from tests.jepsen_like.planted.table import BUGS, Bug
from tests.jepsen_like.planted.tally import Score, insert, order, read, table

_ROOT: Final = Path(__file__).parents[3]
_DOCUMENT: Final = _ROOT / "docs" / "torture.md"
_FILE: Final = _ROOT / "jepsen-like" / "store" / "planted.jsonl"
_TWIN_EVERY: Final = 5
"""Of so many hunts of a bug the second one has its twin beside it: what is new is hunted first."""


def main() -> int:
    """The exit code: 0 when every bug was found and every twin was valid."""
    parser = argparse.ArgumentParser(prog="python -m tests.jepsen_like.planted", description=__doc__)
    parser.add_argument("--runs", type=int, default=60, help="hunts of all bugs together (60)")
    parser.add_argument("--only", metavar="NAME", help="one bug: all hunts are for that")
    parser.add_argument("--log", type=Path, default=_FILE, help="where the lines are kept (jepsen-like/store)")
    parser.add_argument("--store", type=Path, help="where the folders of runs that went wrong stay (beside the lines)")
    parser.add_argument("--write", action="store_true", help="put the table into docs/torture.md")
    asked = parser.parse_args()
    bugs = [bug for bug in BUGS if asked.only in (None, bug.name)]
    if not bugs:
        parser.error(f"there is no bug {asked.only!r}: choose among {', '.join(bug.name for bug in BUGS)}")
    store: Path = asked.store or asked.log.parent / "planted"
    for bug, seed in order(bugs, asked.runs):
        _score(bug, seed, asked.log, store, planted=True)
        if seed % _TWIN_EVERY == 2:
            _score(bug, seed, asked.log, store, planted=False)
    scores = read(asked.log)
    text = table(bugs, scores)
    print(text)
    if asked.write:
        _DOCUMENT.write_text(insert(_DOCUMENT.read_text(), table(BUGS, scores)))
    asked_for = {bug.run for bug in bugs}
    return 0 if all(score.good for score in scores if score.run in asked_for) else 1


def _score(bug: Bug, seed: int, log: Path, store: Path, *, planted: bool) -> None:
    wanted = (bug.name, bug.run, seed, planted)
    if any((done.bug, done.run, done.seed, done.planted) == wanted for done in read(log)):
        return
    store.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f"{bug.name.replace(' ', '-')}-{seed}-", dir=store))
    try:
        score = _hunted(bug, seed, folder) if planted else _twin(bug, seed, folder)
    except (RuntimeError, subprocess.TimeoutExpired) as error:
        score = Score(bug.name, seed, planted, good=False, run=bug.run, told=str(error)[-400:])
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as file:
        file.write(msgspec.json.encode(score) + b"\n")
    if score.good:
        shutil.rmtree(folder)
    kind = "found" if planted else "twin valid"
    print(f"{bug.name}, seed {seed}: {kind if score.good else f'not {kind}, see {folder}'} {score.told}", flush=True)


def _hunted(bug: Bug, seed: int, folder: Path) -> Score:
    hunted = hunt(bug, seed, folder)
    told = "" if hunted.found else ", ".join(f"{name} {verdict}" for name, verdict in hunted.verdicts.items())
    return Score(
        bug.name, seed, planted=True, good=hunted.found, first_wrong_s=hunted.first_wrong_s, run=bug.run, told=told
    )


def _twin(bug: Bug, seed: int, folder: Path) -> Score:
    told, _ = run(folder, bug.twin, *bug.run_flags(seed), seconds=bug.seconds)
    return Score(bug.name, seed, planted=False, good=not wrong(told), run=bug.run, told=", ".join(wrong(told)))


if __name__ == "__main__":
    sys.exit(main())
