"""`lictor completion`."""

from __future__ import annotations

import click

from lictor.cli.data import check_count
from lictor.cli.flags import GoCommand
from lictor.cli.shells import script

__all__ = ["command"]


@click.command(
    cls=GoCommand,
    usage="bash|zsh|fish",
    examples=(
        'eval "$(lictor completion bash)"',
        "source <(lictor completion zsh)",
        "lictor completion fish > ~/.config/fish/completions/lictor.fish",
        "lictor -autocomplete-install",
    ),
)
def command(args: tuple[str, ...]) -> None:
    """Print the script that makes a shell complete commands, flags and names: of services, nodes and keys, which the
    agent is asked for. `lictor -autocomplete-install` puts it into your shells' settings, `lictor
    -autocomplete-uninstall` takes it out.
    """
    check_count(args, 1, 1, "name the shell: bash, zsh or fish")
    print(script(args[0]), end="")
