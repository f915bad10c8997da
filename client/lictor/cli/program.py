"""The root of all commands: which there are, where they are found, and how the process ends."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Final

import click

from lictor.cli.errors import CommandError
from lictor.cli.flags import GoCommand, GoGroup
from lictor.cli.streams import OUTPUT_ERRORS
from lictor.cli.terminal import fail
from lictor_core.errors import LictorError

__all__ = ["COMMANDS", "UNKNOWN_COMMAND_EXIT", "complete", "program", "run"]

UNKNOWN_COMMAND_EXIT: Final = 127
"""Consul's exit code for no command or an unknown one."""
_INTERRUPTED_EXIT: Final = 128 + signal.SIGINT
_SHOWN_CHARS_MAX: Final = 200

COMMANDS: Final = {
    "agent": "Run an agent: registry, DNS and mesh in one process with -dev",
    "services": "Register services with the agent, and remove them",
    "catalog": "Show the datacenters, nodes and services of the catalog",
    "intention": "Say which services may talk to which",
    "config": "Keep settings of services, proxies and gateways",
    "connect": "Run a proxy of the mesh, look after its certificate authority",
    "lock": "Run a command while a lock or a place in a semaphore is held",
    "event": "Tell other agents that something happened",
    "exec": "Run a command on many nodes, where agents allow it",
    "acl": "Say who may do what: tokens, policies, roles",
    "login": "Get a token for who is vouched for by somebody else",
    "logout": "Destroy a token that came of a login",
    "kv": "Read and write the key-value store",
    "watch": "Run a program whenever something changes",
    "snapshot": "Save all state of the servers to a file, restore it, look at it",
    "dns": "Say why DNS answers a question as it does",
    "explain": "Say where a registration came from",
    "maint": "Take a node or service out of service, and put it back",
    "members": "List the members of the cluster",
    "join": "Tell the agent where servers are",
    "force-leave": "Declare a failed member gone",
    "reload": "Make the agent read its configuration again",
    "leave": "Make the agent leave the cluster and end",
    "operator": "Look after the servers: who votes, who leads, recovery",
    "keygen": "Make a key for the encryption between agents",
    "keyring": "Look after the keys of that encryption",
    "tls": "Make a certificate authority and certificates for agents",
    "rtt": "Estimate the round trip between two nodes",
    "monitor": "Show the agent's log as it comes",
    "debug": "Collect what helps to find out what ails an agent",
    "info": "Show what the agent counts",
    "validate": "Check configuration files",
    "torture": "Break clusters of its own in every way, and judge what clients saw",
    "completion": "Print the script that makes a shell complete commands",
    "version": "Show the version",
}
"""The commands with a line of help each, as a new user would like to read them. Each is a module of its name."""
_VERSION_FLAGS: Final = ("-v", "-version", "--v", "--version")
_INSTALL_FLAGS: Final = ("-autocomplete-install", "--autocomplete-install")
_UNINSTALL_FLAGS: Final = ("-autocomplete-uninstall", "--autocomplete-uninstall")


class _Root(GoGroup):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        found = import_module(f"lictor.cli.commands.{cmd_name.replace('-', '_')}").command
        assert isinstance(found, GoCommand | GoGroup)
        return found

    def short_helps(self, ctx: click.Context) -> list[tuple[str, str]]:
        return list(COMMANDS.items())


program: Final = _Root(
    name="lictor",
    help="Service registry, DNS and service mesh.",
    unknown_code=UNKNOWN_COMMAND_EXIT,
    examples=(
        ("lictor agent -dev", "all, in this terminal"),
        ("lictor services register -name=web -port=80", "a first service"),
        ("dig @127.0.0.1 -p 8600 web.service.consul SRV", "found through DNS"),
        ("lictor intention create -deny web db", "web may not talk to db"),
    ),
)
"""The whole command line."""


def run(arguments: Sequence[str]) -> int:
    """Run one command line and return the exit code. Nothing but bugs leaves here as an exception."""
    words = ["version", *arguments[1:]] if arguments and arguments[0] in _VERSION_FLAGS else list(arguments)
    try:
        if words and words[0] in (*_INSTALL_FLAGS, *_UNINSTALL_FLAGS):
            return _completion_settings(install=words[0] in _INSTALL_FLAGS)
        result: object = program.main(words, prog_name="lictor", standalone_mode=False)
    except CommandError as error:
        fail(str(error))
        return error.exit_code
    except click.UsageError as error:
        context = error.ctx
        hint = f"; see `{context.command_path} -help`" if context is not None else ""
        name = error.param.name if isinstance(error, click.BadParameter) and error.param is not None else None
        flag_name = "" if name is None else f"-{name.replace('_', '-')}: "
        fail(flag_name + error.message.rstrip(".") + hint)
        return _flags_code(context)
    except LictorError as error:
        fail(str(error))
        return 1
    except OSError as error:
        fail(_os_reason(error))
        return 1
    except UnicodeEncodeError as error:
        text = error.object[:_SHOWN_CHARS_MAX]
        fail(f"{text!r} has bytes that are no UTF-8, which JSON cannot carry: write it in UTF-8")
        return 1
    except (click.Abort, KeyboardInterrupt):
        print(file=sys.stderr)
        return _INTERRUPTED_EXIT
    return result if isinstance(result, int) else 0


def complete(line: str, arguments: Sequence[str]) -> int:
    """Answer a shell that asks what may follow `line`. Whatever goes wrong, it must not be seen at a prompt."""
    from contextlib import suppress

    from lictor.cli.completion import answer

    with suppress(Exception):
        for one in answer(program, line, arguments, os.environ):
            print(one)
    return 0


def _completion_settings(*, install: bool) -> int:
    """What `-autocomplete-install` and `-autocomplete-uninstall` do."""
    import shutil

    from lictor.cli import shells

    if install:
        own = shutil.which(sys.argv[0]) or shutil.which("lictor") or "lictor"
        for file in shells.install(os.environ, str(Path(own).absolute())):
            print(f"{file}: open a new shell to have it")
    else:
        for file in shells.uninstall(os.environ):
            print(f"{file}: taken out")
    return 0


def _os_reason(error: OSError) -> str:
    """What the machine refused, and of which file where one was named."""
    if error.filename is None and error.errno in OUTPUT_ERRORS:
        return f"the output cannot be written: {error.strerror}; free some space, or write it elsewhere"
    named = f"{error.filename}: " if error.filename is not None else ""
    return f"{named}{(error.strerror or str(error)).lower()}"


def _flags_code(context: click.Context | None) -> int:
    command = context.command if context is not None else None
    return command.flags_code if isinstance(command, GoCommand) else 1
