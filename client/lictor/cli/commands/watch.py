"""`lictor watch`."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import Final

import click
import msgspec

from lictor.api.calls import agent
from lictor.api.messages import Request, Response
from lictor.cli.api import Api, ApiCommand, pass_api
from lictor.cli.errors import CommandError
from lictor.cli.flags import ValueKind, option
from lictor_core.backoff import Backoff
from lictor_core.clock import SystemRng
from lictor_core.durations import format_duration
from lictor_core.errors import LictorError
from lictor_core.watching import Fold, News, Watch, WatchKind, parse_watch

__all__ = ["command"]

_WAIT_S: Final = 300.0
_RETRY_FIRST_S: Final = 5.0
_RETRY_MAX_S: Final = 180.0
_FOR_HANDLERS_ALONE: Final = (WatchKind.CONNECT_ROOTS, WatchKind.CONNECT_LEAF, WatchKind.AGENT_SERVICE)
"""Types whose answers are this agent's own: they are watched by the agent, as its configuration says."""


@click.command(
    cls=ApiCommand,
    usage="[PROGRAM [ARGUMENTS]]",
    examples=(
        "lictor watch -type=service -service=web",
        "lictor watch -type=key -key=limits ./reload.sh",
        "lictor watch -type=keyprefix -prefix=app/ -shell=false /usr/bin/apply",
    ),
)
@option("-type", "What is watched: key, keyprefix, services, nodes, service, checks or event.", metavar="type")
@option("-key", "The key. Only for type key.", metavar="name")
@option("-prefix", "The prefix. Only for type keyprefix.", metavar="text")
@option("-service", "The service. For type service; optional for type checks.", metavar="name")
@option("-tag", "Only instances with this tag; may be repeated. For type service.", metavar="tag", multiple=True)
@option("-passingonly", "Only instances whose checks all pass: true or false. For type service.", metavar="bool")
@option("-state", "Only checks in this state. For type checks.", metavar="state")
@option("-name", "Only events of this name. For type event.", metavar="name")
@option(
    "-shell",
    "Run the program by a shell, that of the environment's SHELL if it names one; =false runs it directly.",
    kind=ValueKind.BOOLEAN,
    default="true",
)
@pass_api
def command(
    api: Api,
    args: tuple[str, ...],
    type: str,
    key: str,
    prefix: str,
    service: str,
    tag: Sequence[str],
    passingonly: str,
    state: str,
    name: str,
    shell: bool,
) -> None:
    """Watch something, and run a program with each news of it: as JSON on its standard input, with the index in
    CONSUL_INDEX. Without a program the value is printed once.

    The program is not run again before it has ended; what changed meanwhile it is told then, once. A program that fails
    ends the watch, with exit code 1.
    """
    options = api.options()
    given = {"type": type, "key": key, "prefix": prefix, "service": service, "state": state, "name": name}
    chosen: dict[str, object] = {name: value for name, value in given.items() if value}
    chosen |= {"tag": list(tag)} if tag else {}
    chosen |= {"passingonly": _boolean(passingonly)} if passingonly else {}
    chosen |= {"datacenter": options.datacenter} if options.datacenter else {}
    if options.stale:
        chosen["stale"] = True
    if type in _FOR_HANDLERS_ALONE:
        raise CommandError(f"Type {type} is not supported in the CLI tool")
    watch = parse_watch(chosen)
    api.send(agent.self())  # what is wrong with the address or the token is told now, not retried for ever
    _follow(api, watch, args, shell=shell)


def _boolean(text: str) -> bool:
    if text not in ("1", "t", "T", "true", "TRUE", "True", "0", "f", "F", "false", "FALSE", "False"):
        raise CommandError(f'-passingonly must be true or false, not "{text}"')
    return text in ("1", "t", "T", "true", "TRUE", "True")


def _follow(api: Api, watch: Watch, args: tuple[str, ...], *, shell: bool) -> None:
    fold, backoff = Fold(watch), Backoff(SystemRng(), first_s=_RETRY_FIRST_S, max_s=_RETRY_MAX_S)
    while True:
        try:
            response = _ask(api, fold)
            news = fold.take(response.status, response.headers, response.body)
        except LictorError as error:
            fold.restart()
            wait_s = backoff.next_s()
            print(f"{error}; asked again in {format_duration(round(wait_s, 1))}", file=sys.stderr)
            time.sleep(wait_s)
            continue
        backoff.reset()
        if news is not None and not args:
            print(msgspec.json.format(news.body, indent=4).decode())
            return
        if news is not None:
            _run(args, news, shell=shell)


def _ask(api: Api, fold: Fold) -> Response:
    parameters = fold.parameters(format_duration(_WAIT_S))
    waits_s = _WAIT_S * 17 / 16 if any(name == "index" for name, _ in parameters) else 0.0
    return api.client().exchange(Request(method="GET", path=fold.watch.path, parameters=parameters, waits_s=waits_s))


def _run(args: tuple[str, ...], news: News, *, shell: bool) -> None:
    words = [os.environ.get("SHELL") or "/bin/sh", "-c", " ".join(args)] if shell else list(args)
    environment = {**os.environ, "CONSUL_INDEX": str(news.index)}
    try:
        ended = subprocess.run(words, input=news.body + b"\n", env=environment, check=False)
    except OSError as error:
        raise CommandError(f"Error starting handler: {words[0]}: {(error.strerror or str(error)).lower()}") from error
    if ended.returncode != 0:
        how = f"exit status {ended.returncode}" if ended.returncode > 0 else f"signal {-ended.returncode}"
        raise CommandError(f"Error executing handler: {how}")
