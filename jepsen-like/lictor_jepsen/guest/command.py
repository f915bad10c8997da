"""`lictor torture --cluster FILE`: the command line of a run as a guest."""

from __future__ import annotations

import asyncio
import secrets
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import click

from lictor_jepsen.checker import Verdict, combined
from lictor_jepsen.guest import ClusterFile, ClusterFileError, Stay, Visit, perform, read_cluster_file, script
from lictor_jepsen.interpreter import RECOVERY_S_MAX
from lictor_jepsen.store import ROOT, Results, RunFolder
from lictor_jepsen.workload import WORKLOADS, NoGuestError

__all__ = ["GUESTS", "guest_command"]

GUESTS: Final = tuple(sorted(name for name, workload in WORKLOADS.items() if not workload.alone))
"""The workloads that may run in a cluster that others use; some need to know more of it."""
_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""What interrupts a run: it ends and takes away what was made, which is bounded, and heeds no second word meanwhile."""
_STAMP_BYTES: Final = 2


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
    @click.option("--threads", type=click.IntRange(1, 50), default=2, show_default=True, help="Clients of each asked.")
    @click.option("--seed", type=int, default=1, show_default=True, help="Of the operations and faults.")
    @click.option(
        "--store", type=click.Path(path_type=Path, file_okay=False), default=ROOT, help="Where runs are kept."
    )
    @click.option(
        "--patience",
        type=click.FloatRange(1, 600),
        default=RECOVERY_S_MAX,
        show_default=True,
        help="Seconds within which all must serve, before the run and after its last fault.",
    )
    @click.option("--dry-run", is_flag=True, help="Show what would be done, and do nothing.")
    @click.option("--yes", is_flag=True, help="Do not ask before it is done.")
    def cluster(
        file: Path,
        workload: str,
        nemesis: str,
        seconds: float,
        rate: float,
        threads: int,
        seed: int,
        store: Path,
        patience: float,
        dry_run: bool,
        yes: bool,
    ) -> None:
        """Ask a cluster that runs already, while the commands of FILE break and mend it. Also: --cluster FILE.

        All that is written has the name of the run in its own, and is taken away at the end: keys below
        jepsen/<run>/, sessions, services and nodes; --dry-run tells what of it. Nothing is started or ended but the
        commands that FILE gives.
        """
        try:
            described = read_cluster_file(file)
        except ClusterFileError as error:
            raise click.ClickException(str(error)) from error
        stamp = f"{time.strftime('%Y%m%dT%H%M%S')}-{secrets.token_hex(_STAMP_BYTES)}"
        faults = _faults(described, nemesis)
        names = _workloads(workload, described)
        stays = [Stay(described, name, faults, seconds, seed, rate, stamp, patience, threads) for name in names]
        for stay in stays:
            for line in script(stay):
                click.echo(line)
        if dry_run:
            return
        if not yes:
            click.confirm("Do this?", abort=True)
        verdicts: list[Verdict] = []
        for stay in stays:
            visit = asyncio.run(_performed(stay, store))
            summary(visit.folder, visit.results)
            verdicts.append(visit.results.verdict)
            if visit.is_interrupted:
                break
        sys.exit(exit_codes[combined(verdicts)])

    return cluster


async def _performed(stay: Stay, store: Path) -> Visit:
    """One run, which a signal interrupts."""
    this, loop = asyncio.current_task(), asyncio.get_running_loop()
    assert this is not None, "a coroutine runs in a task"

    told: list[bool] = []

    def interrupted() -> None:
        if not told:
            told.append(True)
            click.echo("interrupted: what was begun is ended, and what was made is taken away", err=True)
            this.cancel()

    for number in _SIGNALS:
        loop.add_signal_handler(number, interrupted)
    return await perform(stay, store)


def _workloads(text: str, cluster: ClusterFile) -> list[str]:
    names = [name.strip() for name in text.split(",")]
    for name in names:
        if name not in WORKLOADS:
            raise click.BadParameter(f"{name!r} is none: there are {', '.join(GUESTS)}", param_hint="--workload")
        try:
            WORKLOADS[name].as_guest(cluster.house)
        except NoGuestError as error:
            told = f"{name!r} {error}. Guests are {', '.join(GUESTS)}"
            raise click.BadParameter(told, param_hint="--workload") from error
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
