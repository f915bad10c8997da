"""Every command of Consul with every flag of it is here, and each help can be read where there are 80 columns."""

import click
import pytest

from lictor.cli.flags import GoCommand, GoGroup, GoOption
from lictor.cli.program import program
from tests.client.conftest import Command
from tests.support.agents import put_consul_on_path
from tests.support.command_table import ask, load

put_consul_on_path()

TABLE = load()
LATER = {
    "connect envoy pipe-bootstrap": "how Consul hands the configuration to Envoy: ours needs no other program",
}
"""What comes with another part, by the beginning of the command."""


def _walk(command: click.Command, words: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], click.Command]]:
    found = [(words, command)]
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None
            found += _walk(inner, (*words, name))
    return found


OURS = {" ".join(words): command for words, command in _walk(program) if words}


def _is_later(command: str) -> bool:
    return any(command == one or command.startswith(f"{one} ") for one in LATER)


@pytest.mark.parametrize("command", [one for one in TABLE if not _is_later(one)])
def test_a_command_of_consul_is_here_with_its_flags(command: str) -> None:
    assert command in OURS
    known = {one.flag_name for one in OURS[command].params if isinstance(one, GoOption)}
    assert sorted(set(TABLE[command]) - known) == []


def test_what_comes_later_is_not_here_yet() -> None:
    assert {one for one in OURS if one in TABLE and _is_later(one)} == set()


@pytest.mark.slow
@pytest.mark.needs("consul")
def test_the_table_is_that_of_the_real_consul() -> None:
    assert ask() == TABLE


@pytest.mark.parametrize("words", [" ".join(words) for words, _ in _walk(program)])
def test_a_help_fits_80_columns_and_gives_examples(
    lonely_command: Command, monkeypatch: pytest.MonkeyPatch, words: str
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    printed = lonely_command(*words.split(), "-help")
    assert printed.exit_code == 0
    assert [line for line in printed.lines if len(line) > 80] == []
    command = OURS.get(words, program)
    assert isinstance(command, GoCommand | GoGroup)
    assert command.examples
    assert "Examples:" in printed.lines
    if isinstance(command, GoCommand):
        flags = [one for one in command.params if isinstance(one, GoOption)]
        assert all((one.help or "").endswith(".") for one in flags), "a flag's help is a sentence"
