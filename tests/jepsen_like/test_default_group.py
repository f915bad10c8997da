"""What is done when no command is named."""

from __future__ import annotations

from collections.abc import Sequence

import click
import pytest
from click.testing import CliRunner

from lictor_jepsen.default_group import DefaultGroup


@click.group(cls=DefaultGroup, context_settings={"help_option_names": ["-h", "--help"]})
def group() -> None:
    """The help of the group."""


@group.command("all")
@click.option("--seconds", type=int, default=1)
def everything(seconds: int) -> None:
    """The default."""
    click.echo(f"all {seconds}")


@group.command()
@click.argument("file")
@click.option("--seconds", type=int, default=1)
def cluster(file: str, seconds: int) -> None:
    """What a flag stands for."""
    click.echo(f"cluster {file} {seconds}")


@group.command()
def other() -> None:
    """Another one."""
    click.echo("other")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "all 1"),
        (["--seconds=7"], "all 7"),
        (["all", "--seconds=7"], "all 7"),
        (["torture", "--seconds=7"], "all 7"),
        (["other"], "other"),
        (["--cluster", "f", "--seconds=7"], "cluster f 7"),
        (["--seconds=7", "--cluster=f"], "cluster f 7"),
        (["cluster", "f"], "cluster f 1"),
    ],
)
def test_without_a_command_the_default_is_done_and_takes_the_flags(words: Sequence[str], said: str) -> None:
    assert CliRunner().invoke(group, list(words)).output == f"{said}\n"


@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_help_in_front_of_a_command_is_that_of_the_group(flag: str) -> None:
    output = CliRunner().invoke(group, [flag]).output
    assert "The help of the group." in output
    assert "other" in output
    assert "torture" not in output


def test_a_word_that_is_no_command_is_refused_by_name() -> None:
    result = CliRunner().invoke(group, ["nonsense"])
    assert result.exit_code == 2
    assert "'nonsense'" in result.output
