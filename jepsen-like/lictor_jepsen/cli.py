"""The command line: `lictor torture run`, `all`, `check`, `list`, `workloads`, `faults`."""

from __future__ import annotations

import asyncio
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import click

from lictor_jepsen import confine
from lictor_jepsen.checker import Finding, Verdict, combined
from lictor_jepsen.db import PROGRAMS, Program
from lictor_jepsen.default_group import DefaultGroup
from lictor_jepsen.disk import DiskError
from lictor_jepsen.former import FormerError, newest_former, unpacked, wheel_of
from lictor_jepsen.guest.command import guest_command
from lictor_jepsen.history import HistoryError, read_history
from lictor_jepsen.nemesis import FAULTS, OVERLAP_MAX, members, subject
from lictor_jepsen.net import NetError
from lictor_jepsen.report import clients, outage_lines, page, runs_table, write_index
from lictor_jepsen.run import Plan, perform
from lictor_jepsen.store import ROOT, Results, RunFolder, kept, planned_workload, read_results
from lictor_jepsen.torture import AROUND_S, plans, possible
from lictor_jepsen.workload import WORKLOADS

__all__ = ["main"]

_EXIT: Final = {Verdict.VALID: 0, Verdict.INVALID: 1, Verdict.UNKNOWN: 2}
_VERDICT: Final = {code: verdict for verdict, code in _EXIT.items()}
_AROUND_S_MAX: Final = 240.0
"""What the start, the recovery and the verdict of a run may take beside its load."""
_LATE_S_MAX: Final = 20.0
"""By how much a torture may take longer than asked before a run is left out."""
_END_S_MAX: Final = 20.0
"""How long a run may take to end what it started when it is interrupted."""
_INTERRUPTIONS: Final = (signal.SIGINT, signal.SIGTERM)
_AGAIN_TIMES: Final = 2
"""How many times longer a run is when it is made again, since too little went through to be judged."""
_MIXED: Final = "mixed"
_COMPOSED: Final = "composed"
_NONE: Final = "none"
_NODES_MAX: Final = 9
_AGENTS_MAX: Final = 9


@click.group(cls=DefaultGroup, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Run faults against a cluster and judge what its clients saw. Without a command it is `all`.

    The exit code is the verdict: 0 valid, 1 invalid, 2 unknown.
    """


_db = click.option(
    "--db", type=click.Choice(sorted(PROGRAMS)), default="lictor", show_default=True, help="The product."
)
_program = click.option("--program", default="", help="What to start in the product's place, as a command line.")
_net = click.option(
    "--net", type=click.Choice(["netns", "loopback"]), default="netns", show_default=True, help="Where servers live."
)
_seed = click.option("--seed", type=int, default=1, show_default=True, help="Of the operations and faults.")
_store = click.option(
    "--store", type=click.Path(path_type=Path, file_okay=False), default=ROOT, help="Where runs are kept."
)


@main.command()
@_db
@_program
@_net
@_seed
@_store
@click.option("--nodes", type=click.IntRange(1, _NODES_MAX), default=3, show_default=True, help="How many servers.")
@click.option(
    "--agents",
    type=click.IntRange(0, _AGENTS_MAX),
    default=0,
    show_default=True,
    help="How many agents that are no servers; clients ask those then.",
)
@click.option("--workload", type=click.Choice(sorted(WORKLOADS)), default="register", show_default=True)
@click.option(
    "--nemesis",
    default=_MIXED,
    show_default=True,
    help="Faults, one after another where a comma stands and at the same time where a + stands; "
    f"{_MIXED} for all, {_COMPOSED} for all and overlapping; {_NONE}; {', '.join(FAULTS)}.",
)
@click.option(
    "--overlap", type=click.IntRange(1, OVERLAP_MAX), help="How many faults may be at once as chance has it.  [1]"
)
@click.option("--seconds", type=click.FloatRange(1, 3600), default=60.0, show_default=True, help="Of load and faults.")
@click.option("--rate", type=click.FloatRange(1, 10_000), default=100.0, show_default=True, help="Operations a second.")
@click.option(
    "--from-wheel", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="What `upgrade` upgrades from."
)
@click.option("--from-commit", default="", help="The same, a revision of the checkout.  [its last release]")
def run(
    db: str,
    program: str,
    net: str,
    seed: int,
    store: Path,
    nodes: int,
    agents: int,
    workload: str,
    nemesis: str,
    overlap: int | None,
    seconds: float,
    rate: float,
    from_wheel: Path | None,
    from_commit: str,
) -> None:
    """One run."""
    _enter(net)
    needs = WORKLOADS[workload].needs
    if db not in needs.products:
        raise click.BadParameter(f"--workload {workload} asks what {db} cannot do", param_hint="--db")
    if nodes < needs.nodes:
        raise click.BadParameter(f"--workload {workload} needs {needs.nodes} servers", param_hint="--nodes")
    agents = max(agents, needs.agents)
    product = _product(db, program)
    former = _former(from_wheel, from_commit, store) if needs.former else ()
    plan = Plan(
        product,
        nodes,
        workload,
        _faults(nemesis, product, net, agents, programs=needs.programs),
        seconds,
        seed,
        net,
        ops_per_s=rate,
        agents=agents,
        overlap=_overlap(nemesis, overlap),
        former=former,
    )
    chosen = [f"--from-wheel={from_wheel}"] if from_wheel else [f"--from-commit={from_commit}"] if from_commit else []
    click.echo(f"seed {seed}; to run it again: lictor torture run {shlex.join([*_flags(plan, db, program), *chosen])}")
    sys.exit(_EXIT[_one(plan, store)])


@main.command("all")
@_db
@_program
@_net
@_seed
@_store
@click.option("--seconds", type=click.FloatRange(10, 86_400), default=600.0, show_default=True, help="In all, about.")
def torture(db: str, program: str, net: str, seed: int, store: Path, seconds: float) -> None:
    """Many runs, across workloads, faults and sizes.

    What comes out unknown, since faults left too little to be judged, is run once more, for longer; that counts then.
    """
    product = _product(db, program)
    _need_namespaces(net)
    verdicts: list[Verdict] = []
    before = {one.name for one in kept(store)}
    began = time.monotonic()
    planned = list(plans(product, net, seconds, seed))
    for plan in planned:
        if verdicts and time.monotonic() - began + plan.seconds + AROUND_S > seconds + _LATE_S_MAX:
            click.echo(f"time is up: {len(planned) - len(verdicts)} of {len(planned)} runs are left out")
            break
        try:
            told = _apart(plan, db, program, store)
            if told is Verdict.UNKNOWN:
                click.echo(f"unknown: once more, with {_AGAIN_TIMES} times the load's time")
                told = _apart(plan._replace(seconds=plan.seconds * _AGAIN_TIMES), db, program, store)
        except KeyboardInterrupt:
            click.echo(f"interrupted: {len(planned) - len(verdicts)} of {len(planned)} runs are left out")
            verdicts.append(Verdict.UNKNOWN)
            break
        verdicts.append(told)
    verdict = combined(verdicts)
    for line in outage_lines([one for one in kept(store) if one.name not in before]):
        click.echo(f"  {line}")
    click.echo(f"seed {seed}: {len(verdicts)} runs, {', '.join(verdicts)}: {verdict}")
    sys.exit(_EXIT[verdict])


def _apart(plan: Plan, db: str, program: str, store: Path) -> Verdict:
    """A run in a process: each has namespaces of its own, and none inherits what the one before left behind."""
    command = [sys.executable, "-m", "lictor_jepsen", "run", *_flags(plan, db, program), "--store", str(store)]
    bound_s = plan.seconds + _AROUND_S_MAX
    process = subprocess.Popen(command, process_group=0)  # Ctrl-C comes here alone, and is handed on once
    try:
        return _VERDICT.get(process.wait(bound_s), Verdict.UNKNOWN)
    except subprocess.TimeoutExpired:
        click.echo(f"the run did not end within {bound_s:.0f} s and was ended")
        _end(process)
        return Verdict.UNKNOWN
    except KeyboardInterrupt:
        _be_deaf()
        _end(process)
        raise


def _be_deaf() -> None:
    """Heed no second interruption: the rest is bounded, and the exit code is to be told."""
    for number in _INTERRUPTIONS:
        signal.signal(number, signal.SIG_IGN)


def _end(process: subprocess.Popen[bytes]) -> None:
    """A run ends what it started and then itself; what it leaves undone when it is killed, its warden does."""
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(_END_S_MAX)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _former(wheel: Path | None, commit: str, store: Path) -> tuple[str, ...]:
    """What starts the former version."""
    folder = store / "former"
    try:
        return unpacked(wheel or wheel_of(commit or newest_former(), folder), folder)
    except FormerError as error:
        raise click.ClickException(f"no former version to upgrade from: {error}") from error


def _flags(plan: Plan, db: str, program: str) -> list[str]:
    flags = {
        "--db": db,
        "--program": program,
        "--net": plan.net,
        "--seed": plan.seed,
        "--nodes": plan.nodes,
        "--agents": plan.agents,
        "--workload": plan.workload,
        "--nemesis": ",".join(plan.faults) or _NONE,
        "--overlap": plan.overlap,
        "--seconds": plan.seconds,
        "--rate": plan.ops_per_s,
    }
    return [f"{name}={value}" for name, value in flags.items() if value != ""]


@main.command()
@click.argument("history", type=click.Path(exists=True, path_type=Path))
@click.option("--workload", type=click.Choice(sorted(WORKLOADS)), help="Of the run, where its folder does not tell.")
def check(history: Path, workload: str | None) -> None:
    """Judge a history again: a file, or the folder of a run."""
    folder = RunFolder(history if history.is_dir() else history.parent)
    if workload is None and not folder.plan.exists():
        raise click.ClickException(f"there is no {folder.plan} to tell the workload: say --workload")
    try:
        judges = WORKLOADS[workload] if workload else planned_workload(folder)
        findings = judges.check(read_history(folder.history if history.is_dir() else history))
    except (HistoryError, OSError, KeyError, ValueError) as error:
        raise click.ClickException(f"cannot judge {history}: {error}") from error
    _tell(findings)
    sys.exit(_EXIT[combined(found.verdict for found in findings.values())])


@main.command("list")
@_store
@click.option("--table", is_flag=True, help="A table in Markdown instead, with a row for each workload.")
def list_(store: Path, table: bool) -> None:
    """The runs that were kept; also as a page, `index.html` beside them."""
    runs = list(kept(store))
    if table:
        try:
            click.echo(runs_table(runs))
        except ValueError as error:
            raise click.ClickException(f"{store} has runs of another version: {error}") from error
    for one in () if table else runs:
        click.echo(f"{one.verdict:8} {one.name}")
    if runs:
        write_index(store, runs)


@main.command("page")
@click.argument("folder", type=click.Path(exists=True, path_type=Path, file_okay=False))
def page_(folder: Path) -> None:
    """Write the page of a run again, from its history and its results."""
    run_folder = RunFolder(folder)
    try:
        results, history = read_results(run_folder.results), read_history(run_folder.history)
        run_folder.timeline.write_text(
            page(folder.resolve().name.partition("-")[2], history, results, clients(results.settings))
        )
    except (HistoryError, OSError, ValueError) as error:
        raise click.ClickException(f"cannot make the page of {folder}: {error}") from error
    click.echo(run_folder.timeline)


@main.command()
def workloads() -> None:
    """What clients can be made to do."""
    for name, workload in sorted(WORKLOADS.items()):
        click.echo(f"{name:12} {workload.about}")


@main.command()
def faults() -> None:
    """What can be done to a cluster."""
    for name, fault in FAULTS.items():
        click.echo(f"{name:20} {fault.about}")


def _product(db: str, program: str) -> Program:
    product = PROGRAMS[db](shlex.split(program)) if program else PROGRAMS[db]()
    if shutil.which(product.command[0]) is None:
        raise click.ClickException(
            f"there is no program {product.command[0]!r} on PATH: install it, or name it with --program"
        )
    return product


def _enter(net: str) -> None:
    """Go into namespaces when the network needs them."""
    if net != "netns":
        return
    if confine.is_confined():
        confine.settle()
        return
    _need_namespaces(net)
    confine.confine(sys.argv[1:])


def _need_namespaces(net: str) -> None:
    reason = confine.lacks_namespaces() if net == "netns" else ""
    if reason:
        raise click.ClickException(f"--net netns: {reason}; --net loopback needs none, but cuts no links")


def _faults(text: str, product: Program, net: str, agents: int, *, programs: bool) -> tuple[str, ...]:
    """The steps that `--nemesis` asks for."""
    if text == _NONE:
        return ()
    if text in (_MIXED, _COMPOSED):
        return tuple(possible(product, net, agents, programs=programs))
    steps = tuple(step.strip() for step in text.split(","))
    for step in steps:
        faults = members(step)
        for name in faults:
            if name not in FAULTS:
                known = ", ".join((_MIXED, _COMPOSED, _NONE, *FAULTS))
                raise click.BadParameter(f"no fault {name!r}: there are {known}", param_hint="--nemesis")
        if len({subject(name) for name in faults}) < len(faults):
            raise click.BadParameter(
                f"{step} cannot be at the same time: they act on the same thing; separate them by a comma",
                param_hint="--nemesis",
            )
    return steps


def _overlap(nemesis: str, overlap: int | None) -> int:
    """How many steps may be at once: one after another unless asked otherwise."""
    return overlap or (OVERLAP_MAX if nemesis == _COMPOSED else 1)


def _one(plan: Plan, store: Path) -> Verdict:
    click.echo(f"{plan.name}: {plan.seconds:.0f} s ...")
    try:
        folder, results = asyncio.run(_interruptible(plan, store))
    except (DiskError, NetError) as error:
        raise click.ClickException(str(error)) from error
    except asyncio.CancelledError:
        _be_deaf()
        click.echo(f"interrupted: what was started has ended, and nothing was judged; what was seen is in {store}")
        return Verdict.UNKNOWN
    _summary(folder, results)
    write_index(store, list(kept(store)))
    return results.verdict


async def _interruptible(plan: Plan, store: Path) -> tuple[RunFolder, Results]:
    """Perform it until it is interrupted. Then it ends what it started, which is bounded: no second word is heeded."""
    loop, task, told = asyncio.get_running_loop(), asyncio.current_task(), list[int]()
    assert task is not None, "it runs as a task"

    def interrupt(number: int, _frame: object) -> None:
        if not told:
            told.append(number)
            loop.call_soon_threadsafe(task.cancel)

    for number in _INTERRUPTIONS:
        signal.signal(number, interrupt)  # not the loop's own, which would be gone with it before the program ends
    return await perform(plan, store)


def _summary(folder: RunFolder, results: Results) -> None:
    _tell(results.findings)
    for name, row in sorted(results.counts.items()):
        click.echo(f"  {name:16} " + " ".join(f"{kind} {count}" for kind, count in row.items()))
    for outage in results.outages:
        lasts = "none any more" if outage.lasts_s is None else f"writes again after {outage.lasts_s:.2f} s"
        click.echo(f"  {outage.begins_s:5.1f} s {outage.fault}: {outage.what}: {lasts}")
    recovered = "never" if results.recovered_s is None else f"in {results.recovered_s:.1f} s"
    if results.counts:
        click.echo(f"  all servers served again {recovered}")
    click.echo(f"{results.verdict}: {folder.path}")


def _tell(findings: Mapping[str, Finding]) -> None:
    for name, found in findings.items():
        click.echo(f"  {name:11} {found.verdict:8} {found.judged} judged")
        for problem in found.problems:
            click.echo(f"    {problem.text}")


main.add_command(guest_command(_EXIT, _summary))
