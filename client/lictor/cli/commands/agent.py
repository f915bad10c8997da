"""`lictor agent`: the process on every host."""

from __future__ import annotations

import gc
import os
import signal
from collections.abc import Callable
from typing import TypeVar

import click

from lictor.cli.descriptors import allow_all_descriptors
from lictor.cli.errors import CommandError
from lictor.cli.flags import GIVEN_FLAGS, GoCommand, GoOption, flag, option
from lictor_config.flags import AGENT_FLAGS, FlagKind, environment_flags
from lictor_core.errors import ConfigurationError

__all__ = ["command"]

F = TypeVar("F", bound=Callable[..., object])

_FORMATS = ("", "hcl", "json")
_METAVARS = {FlagKind.INTEGER: "number", FlagKind.PAIRS: "key:value"}


def _configuration_flags(function: F) -> F:
    """All flags that stand for a key of the configuration, in the order of their table."""
    parameters: list[click.Parameter] = function.__dict__.setdefault("__click_params__", [])
    for spec in reversed(AGENT_FLAGS.values()):
        # booleans are read as text like the others, so that a flag that was not given differs from a false one
        made = GoOption(
            f"-{spec.name}",
            spec.help,
            heading=spec.group,
            metavar=_METAVARS.get(spec.kind, "value"),
            multiple=True,
            stands_alone=spec.kind is FlagKind.BOOLEAN,
        )
        parameters.append(made)
    return function


@click.command(
    cls=GoCommand,
    examples=(
        "lictor agent -dev",
        "lictor agent -dev -http-port=8501 -ui=false",
        "lictor agent -data-dir=/opt/lictor -retry-join=10.0.0.1",
        "lictor agent -config-dir=/etc/consul.d",
    ),
)
@flag("-dev", "Be a server of one that keeps everything in memory: all of Lictor in one process, for this machine.")
@option("-config-file", "Configuration file in HCL or JSON; may be repeated.", metavar="file", multiple=True)
@option("-config-dir", "Directory of configuration files; may be repeated.", metavar="directory", multiple=True)
@option("-config-format", "Format of the files whatever their names say: hcl or json.", metavar="format")
@option("-hcl", "A piece of configuration in HCL; may be repeated.", metavar="text", multiple=True)
@_configuration_flags
def command(
    args: tuple[str, ...],
    dev: bool,
    config_file: tuple[str, ...],
    config_dir: tuple[str, ...],
    config_format: str,
    hcl: tuple[str, ...],
    **flags: tuple[str, ...],
) -> None:
    """Run an agent in the foreground, until it is interrupted.

    An agent serves HTTP and DNS on its host, runs the checks of the services registered with it, and with -server (or
    -dev) holds the registry itself. Settings come from files, then the environment (LICTOR_AGENT_HTTP_PORT=8501 is
    -http-port=8501), then flags: what comes later holds.
    """
    from lictor_config.load import load_configuration
    from lictor_config.tree import Origin

    if args:
        raise CommandError(f"unexpected arguments: {' '.join(args)}; flags begin with a dash")
    if config_format not in _FORMATS:
        raise CommandError(f"-config-format={config_format}: write hcl or json")
    origin = Origin(
        dev=dev,
        files=_files_in_order(),
        file_format=config_format,
        fragments=hcl,
        flags={name: flags[_python_name(name)] for name in AGENT_FLAGS if flags[_python_name(name)]},
        environment=environment_flags(os.environ),
    )
    # A reload that is asked for while the agent starts is made once it runs; until then the signal would end it.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
    try:
        configuration = load_configuration(origin)
    except ConfigurationError as error:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})
        reasons = "\n  ".join(str(error).splitlines())
        raise CommandError(f"the agent cannot start with this configuration:\n  {reasons}") from error
    allow_all_descriptors()
    gc.disable()  # importing makes much and drops little; `run` switches the collector on again
    from lictor_agent.main import run

    raise SystemExit(run(configuration))


def _python_name(name: str) -> str:
    return name.replace("-", "_")


def _files_in_order() -> tuple[str, ...]:
    """Files and directories as they follow one another on the command line: what comes later holds."""
    given: tuple[tuple[str, str], ...] = click.get_current_context().meta.get(GIVEN_FLAGS, ())
    return tuple(value for name, value in given if name in ("config-file", "config-dir"))
