"""`lictor torture --cluster FILE`: the command line of a run as a guest."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import click

from lictor_jepsen.checker import Verdict, combined
from lictor_jepsen.guest import ClusterFile, ClusterFileError, Stay, perform, read_cluster_file, script
from lictor_jepsen.store import ROOT, Results, RunFolder
from lictor_jepsen.workload import WORKLOADS

__all__ = ["GUESTS", "guest_command"]

GUESTS: Final = tuple(sorted(name for name, workload in WORKLOADS.items() if workload.as_guest))
"""The workloads that may run in a cluster that others use."""


def guest_command(exit_codes: dict[Verdict, int], summary: Callable[[RunFolder, Results], None]) -> click.Command:
    """The command; `summary` prints what came of a run."""

    @click.command("cluster")
    @click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
    @click.option("--workload", default="register", show_default=True, help=f"With commas: {', '.join(GUESTS)}.")
    @click.option("--nemesis", default="mixed", show_default=True, help="Faults of the file with commas; mixed, none.")
    @click.option("--seconds", type=click.FloatRange(1, 3600), default=60.0, show_default=True, help="Of each run.")
    @click.option(
        "--rate", type=click.FloatRange(1, 10_000), default=50.0, show_default=True, help="Operations a second."
    )
    @click.option("--seed", type=int, default=1, show_default=True, help="Of the operations and faults.")
    @click.option(
        "--store", type=click.Path(path_type=Path, file_okay=False), default=ROOT, help="Where runs are kept."
    )
    @click.option("--dry-run", is_flag=True, help="Show what would be done, and do nothing.")
    @click.option("--yes", is_flag=True, help="Do not ask before it is done.")
    def cluster(
        file: Path,
        workload: str,
        nemesis: str,
        seconds: float,
        rate: float,
        seed: int,
        store: Path,
        dry_run: bool,
        yes: bool,
    ) -> None:
        """Ask a cluster that runs already, while the commands of FILE break and mend it. Also: --cluster FILE.

        Keys below jepsen/<run>/ are all that is written; they are deleted at the end. Nothing is started or ended but
        the commands that FILE gives.
        """
        try:
            described = read_cluster_file(file)
        except ClusterFileError as error:
            raise click.ClickException(str(error)) from error
        stamp = time.strftime("%Y%m%dT%H%M%S")
        faults = _faults(described, nemesis)
        stays = [Stay(described, name, faults, seconds, seed, rate, stamp) for name in _workloads(workload)]
        for stay in stays:
            for line in script(stay):
                click.echo(line)
        if dry_run:
            return
        if not yes:
            click.confirm("Do this?", abort=True)
        verdicts: list[Verdict] = []
        for stay in stays:
            folder, results = asyncio.run(perform(stay, store))
            summary(folder, results)
            verdicts.append(results.verdict)
        sys.exit(exit_codes[combined(verdicts)])

    return cluster


def _workloads(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",")]
    for name in names:
        if name not in GUESTS:
            why = "needs a cluster of its own" if name in WORKLOADS else "is none"
            raise click.BadParameter(f"{name!r} {why}: there are {', '.join(GUESTS)}", param_hint="--workload")
    return list(dict.fromkeys(names))


def _faults(cluster: ClusterFile, text: str) -> tuple[str, ...]:
    known = [fault.name for fault in cluster.faults]
    if text in ("none", "mixed"):
        return tuple(known) if text == "mixed" else ()
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",")))
    for name in names:
        if name not in known:
            told = f"the file has {', '.join(known) or 'none'}"
            raise click.BadParameter(f"no [[fault]] {name!r}: {told}", param_hint="--nemesis")
    return names
