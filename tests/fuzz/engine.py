"""libFuzzer, by way of atheris, in a process of its own: it never returns, and a find may be a process that dies.

`python -m tests.fuzz.engine TARGET [libFuzzer's arguments]` is that process; `hunt` starts it, and says what came.
"""

from __future__ import annotations

import importlib.util
import re
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final, NamedTuple

from tests.fuzz.corpus import CORPUS, FINDS, write_seeds
from tests.fuzz.targets import ALL, load

__all__ = ["INPUT_S_MAX", "MEMORY_MB_MAX", "Hunt", "hunt", "is_available", "minimised"]

INPUT_S_MAX: Final = 10
"""An input that takes longer is a find."""
MEMORY_MB_MAX: Final = 1024
"""A process that takes more is a find: no input is worth that."""
_WATCHED: Final = [
    "tests.fuzz.targets.planted",
    "lictor_core",
    "lictor_config",
    "lictor_server",
    "lictor_agent",
    "lictor_dns",
    "lictor_connect_proxy",
]
_END_S: Final = 180
"""How much longer than it should a process may take: it imports, and replays the corpus, before the time counts, and
the machine may be busy."""
_OVERDUE: Final = -signal.SIGKILL
_EXECUTIONS: Final = re.compile(r"stat::number_of_executed_units:\s*(\d+)")
_COUNTED: Final = re.compile(r"^#(\d+)", re.MULTILINE)
_COVERED: Final = re.compile(r"cov: (\d+)")
_ARTIFACT: Final = re.compile(r"Test unit written to (\S+)")
_MERGE_S_MAX: Final = 600


class Hunt(NamedTuple):
    """What came of one run. `find` is the file that replays, `report` the end of what the process said."""

    target: str
    executions: int
    covered: int
    """Places in the code that some input reached."""
    find: Path | None
    report: str


def is_available() -> bool:
    """Whether atheris is there: it has wheels for some Pythons and machines only."""
    return importlib.util.find_spec("atheris") is not None


def hunt(target: str, seconds: int, seed: int, *, keep: Path | None = None) -> Hunt:
    """Fuzz `target` for some seconds, from the corpus on. What reached something new goes to `keep`, if given."""
    finds = FINDS / target
    finds.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f"fuzz-{target}-") as scratch:
        grown = keep or Path(scratch) / "grown"
        grown.mkdir(parents=True, exist_ok=True)
        said = _run(
            target,
            [
                f"-max_total_time={seconds}",
                f"-seed={seed}",
                f"-artifact_prefix={finds}/",
                "-print_final_stats=1",
                str(grown),
                *(str(path) for path in [CORPUS / target] if path.is_dir()),
            ],
            seconds + _END_S,
        )
    found = _ARTIFACT.search(said.output)
    counted, covered = _COUNTED.findall(said.output), _COVERED.findall(said.output)
    executions = _EXECUTIONS.findall(said.output) or counted[-1:]
    find = None if found is None else Path(found[1])
    if find is None and said.code not in (0, _OVERDUE):
        find = finds  # the process died of something of which libFuzzer left no file
    return Hunt(
        target,
        int(executions[-1]) if executions else 0,
        int(covered[-1]) if covered else 0,
        find,
        said.output[-4000:] if find else "",
    )


def minimised(target: str, sources: list[Path], directory: Path) -> None:
    """Put into `directory` a small set of the inputs in `sources` that reaches as much as all of them."""
    directory.mkdir(parents=True, exist_ok=True)
    said = _run(target, ["-merge=1", str(directory), *map(str, sources)], _MERGE_S_MAX)
    if said.code:
        raise RuntimeError(f"no corpus could be made for {target}:\n{said.output[-2000:]}")


class _Said(NamedTuple):
    code: int
    output: str


def _run(target: str, arguments: list[str], seconds_max: float) -> _Said:
    command = [
        sys.executable,
        "-Xfaulthandler",
        "-m",
        "tests.fuzz.engine",
        target,
        f"-max_len={ALL[target].bytes_max}",
        f"-timeout={INPUT_S_MAX}",
        f"-rss_limit_mb={MEMORY_MB_MAX}",
        *arguments,
    ]
    with tempfile.TemporaryFile() as said:
        with subprocess.Popen(command, stdout=said, stderr=subprocess.STDOUT, cwd=Path(__file__).parents[2]) as process:
            try:
                code = process.wait(seconds_max)
            except subprocess.TimeoutExpired:
                process.kill()  # a busy machine: an input that takes too long is found by libFuzzer itself
                process.wait()
                code = _OVERDUE
        said.seek(0)
        return _Said(code, said.read().decode(errors="replace"))


def _main() -> None:
    import atheris

    target, *arguments = sys.argv[1:]
    with atheris.instrument_imports(include=_WATCHED, enable_loader_override=False):
        loaded = load(target)

    def once(data: bytes) -> None:
        loaded.run(data)

    with tempfile.TemporaryDirectory(prefix=f"fuzz-{target}-") as scratch:
        again, seeds = Path(scratch) / "again", Path(scratch) / "seeds"
        again.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m tests.fuzz.engine {target} "$@"\n')
        again.chmod(0o700)
        write_seeds(target, seeds)
        atheris.Setup([str(again), *arguments, str(seeds)], once)  # to merge, libFuzzer starts its own program anew
        atheris.Fuzz()


if __name__ == "__main__":
    _main()
