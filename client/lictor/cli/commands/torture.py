"""`lictor torture`: hands its words to the adversary, a program of its own that sees Lictor from outside alone."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from typing import Final

import click

from lictor.cli.errors import CommandError
from lictor.cli.flags import HELP_FLAGS, GoCommand

__all__ = ["command"]

_ADVERSARY: Final = "lictor_jepsen"


class _Handed(GoCommand):
    """A command whose words are another program's, but for `-help` as the first of them."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Leave them as they are."""
        helped = args[:1] if args and args[0] in HELP_FLAGS else []
        return super().parse_args(ctx, [*helped, "--", *args])


@click.command(
    cls=_Handed,
    usage="[run|all|check|list|workloads|faults] [options]",
    examples=(
        "lictor torture --seconds 600",
        "lictor torture run --workload register --nemesis kill-leader --seed 7",
        "lictor torture run --net loopback --nemesis kill-one,pause-one",
        "lictor torture --cluster staging.toml --dry-run",
        "lictor torture workloads",
        "lictor torture check lictor-torture/FOLDER",
    ),
)
def command(args: tuple[str, ...]) -> None:
    """Start clusters, run faults against them, and judge what their clients saw.

    Servers and agents are real processes in networks of their own (--net netns) or on loopback (--net loopback).
    Nothing that it did not start is touched; with --cluster it asks a cluster that runs already, and its faults are the
    commands that the file gives.

    run is one run, all (what is done without a word) many of them across workloads and faults, check judges a
    history again, list tells what was kept, workloads and faults what there is. Each has a --help of its own.

    The exit code is the verdict: 0 valid, 1 invalid, 2 unknown, which is never green.
    """
    if find_spec(_ADVERSARY) is None:
        raise CommandError(f"the package {_ADVERSARY} is not installed beside lictor: install all of the wheel")
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-m", _ADVERSARY, *args])  # its signals and exit code are the command's
