"""`python -m tests.fuzz TARGET... --seconds N [--seed S]`: look for inputs that make a decoder break its promise."""

from __future__ import annotations

import argparse
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.fuzz.corpus import CORPUS, MENDED, inputs
from tests.fuzz.engine import Hunt, hunt, is_available, minimised
from tests.fuzz.targets import TARGETS, load


def main() -> int:
    """The exit code: 0 when nothing was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"{', '.join(TARGETS)}; all when none is named")
    parser.add_argument("--seconds", type=int, default=20, help="for each target (20)")
    parser.add_argument("--seed", type=int, default=1, help="the same seed tries the same, on the same code (1)")
    parser.add_argument("--jobs", type=int, default=2, help="targets at the same time (2)")
    parser.add_argument("--keep", action="store_true", help="add to the corpus what reached something new, made small")
    parser.add_argument("--replay", type=Path, help="run one file through one target, and nothing else")
    chosen = parser.parse_args()
    unknown = set(chosen.targets) - set(TARGETS)
    if unknown:
        parser.error(f"there is no target {', '.join(sorted(unknown))}: choose among {', '.join(TARGETS)}")
    if chosen.replay is not None:
        if len(chosen.targets) != 1:
            parser.error("--replay needs the one target that the file is for")
        load(chosen.targets[0]).run(chosen.replay.read_bytes())
        return 0
    if not is_available():
        print(
            "atheris is not here: it has no wheel for this Python or machine. The corpora are replayed by `make test`."
        )
        return 0
    with ThreadPoolExecutor(chosen.jobs) as pool:
        names: list[str] = chosen.targets or list(TARGETS)
        hunts = [pool.submit(_hunt, name, chosen.seconds, chosen.seed, chosen.keep) for name in names]
        return int(sum(_tell(one.result()) for one in hunts) > 0)


def _hunt(target: str, seconds: int, seed: int, keep: bool) -> Hunt:
    if not keep:
        return hunt(target, seconds, seed)
    with tempfile.TemporaryDirectory(prefix=f"keep-{target}-") as scratch:
        grown, small = Path(scratch) / "grown", Path(scratch) / "small"
        found = hunt(target, seconds, seed, keep=grown)
        minimised(target, [path for path in (CORPUS / target, grown) if path.is_dir()], small)
        (CORPUS / target).mkdir(parents=True, exist_ok=True)
        for path in inputs(target):
            if not path.name.startswith(MENDED):
                path.unlink()
        for path in small.iterdir():
            path.rename(CORPUS / target / path.name[:16])
        return found


def _tell(found: Hunt) -> bool:
    """Whether there is a find; says what came."""
    print(f"{found.target}: {found.executions} inputs, {found.covered} places reached", flush=True)
    if found.find is None:
        return False
    print(found.report)
    print(f"{found.target}: a find. Again: python -m tests.fuzz {found.target} --replay {found.find}", flush=True)
    return True


if __name__ == "__main__":
    sys.exit(main())
