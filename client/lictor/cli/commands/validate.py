"""`lictor validate`."""

from __future__ import annotations

import sys

import click

from lictor.cli.errors import CommandError
from lictor.cli.flags import GoCommand, flag, option

__all__ = ["command"]

_FORMATS = ("", "hcl", "json")


@click.command(
    cls=GoCommand,
    usage="FILE_OR_DIRECTORY...",
    examples=("lictor validate /etc/consul.d", "lictor validate -quiet server.hcl services/"),
)
@option("-config-format", "Format of the files whatever their names say: hcl or json.", metavar="format")
@flag("-quiet", "Print nothing when the configuration is valid.")
def command(args: tuple[str, ...], config_format: str, quiet: bool) -> None:
    """Check configuration files as an agent would that is started with them: all of them together, everything that is
    wrong at once. Exits with 1 when something is.
    """
    from lictor_config import ConfigurationProblems, Origin, load_configuration

    if not args:
        raise CommandError("name at least one configuration file or directory")
    if config_format not in _FORMATS:
        raise CommandError(f"-config-format={config_format}: write hcl or json")
    try:
        configuration = load_configuration(Origin(files=args, file_format=config_format))
    except ConfigurationProblems as error:
        raise CommandError(f"Config validation failed: {_listed(error.problems)}") from error
    for warning in configuration.warnings:
        print(warning, file=sys.stderr)
    if not quiet:
        print("Configuration is valid!")


def _listed(problems: tuple[str, ...]) -> str:
    return problems[0] if len(problems) == 1 else "".join(f"\n  {problem}" for problem in problems)
