"""`lictor config`: read, write, delete, list."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Final, cast

from lictor.api.calls import config
from lictor.api.errors import AgentError
from lictor.cli.api import Api, ApiCommand, pass_api
from lictor.cli.commands.enforcing import WAIT_ENFORCED, read_wait, tell_enforcement
from lictor.cli.data import check_count, file_data, refuse_arguments
from lictor.cli.errors import CommandError
from lictor.cli.flags import GoGroup, ValueKind, flag, option
from lictor.cli.formats import Format, format_option, print_json
from lictor_core.codec import to_json
from lictor_core.errors import LictorError, RequestError
from lictor_core.proxy_status import Enforcement

__all__ = ["command"]

_STDIN: Final = "-"
_KIND: Final = option("-kind", "The kind of entry, such as service-defaults.", metavar="kind")
_NAME: Final = option("-name", "The name of the entry.", metavar="name")

command = GoGroup(
    "config",
    help="Look after configuration entries: the settings of services, proxies and gateways that the cluster keeps.",
    examples=(
        ("lictor config write web.hcl", "create or replace the entry in a file"),
        ("lictor config list -kind service-defaults", "the names of a kind"),
        ("lictor config read -kind service-defaults -name web", "one of them"),
        ("lictor config delete -kind service-defaults -name web", "it goes"),
    ),
)


@command.command("read", cls=ApiCommand, usage="", examples=("lictor config read -kind proxy-defaults -name global",))
@_KIND
@_NAME
@format_option
@pass_api
def read(api: Api, args: tuple[str, ...], kind: str, name: str, format: Format) -> None:
    """Show one entry as JSON."""
    del args, format  # an entry is JSON for people and programs alike
    _need(kind, name)
    try:
        found = api.send(config.get(kind, name, api.options()))
    except LictorError as error:
        raise CommandError(f"reading {kind}/{name}: {error}") from error
    if found is None:
        raise CommandError(f"there is no entry {kind}/{name}; lictor config list -kind {kind} shows those there are")
    sys.stdout.write(to_json(found, pretty=True).decode() + "\n")


@command.command(
    "write",
    cls=ApiCommand,
    usage="FILE",
    examples=("lictor config write web.hcl", "lictor config write -cas -modify-index 42 web.json"),
)
@flag("-cas", "Write only if the entry was last changed at -modify-index; 0 means that there is none.")
@option("-modify-index", "The ModifyIndex that the entry must have, with -cas.", metavar="index", kind=ValueKind.WHOLE)
@WAIT_ENFORCED
@pass_api
def write(api: Api, args: tuple[str, ...], cas: bool, modify_index: int, wait_enforced: str) -> None:
    """Create or replace the entry in a file of HCL or JSON; `-` is stdin."""
    missing = "name the file that holds the entry, or - for stdin"
    check_count(args, 1, 1, missing)
    entry = _entry(args[0])
    named = f"{entry['Kind']}/{entry['Name']}"
    wait_s = read_wait(wait_enforced)
    expected = modify_index if cas else None
    found: Enforcement | None = None
    try:
        if wait_s is None:
            written = api.send(config.put(entry, cas=expected, dc=api.datacenter))
        else:
            found = api.send(config.put_enforced(entry, wait_s=wait_s, cas=expected, dc=api.datacenter))
            written = found is not None
    except LictorError as error:
        raise CommandError(f"writing {named}: {error}") from error
    if not written:
        raise CommandError(
            f"{named} was not written: its ModifyIndex is not {modify_index}; read the entry and take what it shows"
        )
    print(f"Config entry written: {named}")
    if found is not None:
        tell_enforcement(found)


@command.command(
    "delete", cls=ApiCommand, usage="", examples=("lictor config delete -kind service-defaults -name web",)
)
@_KIND
@_NAME
@pass_api
def delete(api: Api, args: tuple[str, ...], kind: str, name: str) -> None:
    """Delete an entry, if nothing else needs it. One that is not there is no error."""
    refuse_arguments(args)
    _need(kind, name)
    try:
        api.send(config.delete(kind, name, dc=api.datacenter))
    except LictorError as error:
        raise CommandError(f"deleting {kind}/{name}: {error}") from error
    print(f"Config entry deleted: {kind}/{name}")


@command.command("list", cls=ApiCommand, usage="", examples=("lictor config list -kind service-defaults",))
@_KIND
@format_option
@pass_api
def list_(api: Api, args: tuple[str, ...], kind: str, format: Format) -> None:
    """List the names of the entries of a kind."""
    del args
    if not kind:
        raise CommandError("-kind is missing: say of which kind the entries are")
    try:
        found = api.send(config.entries(kind, api.options()))
    except AgentError as error:
        raise CommandError(f"listing entries of kind {kind}: {error}") from error
    if format is Format.JSON:
        print_json(found)
        return
    for one in found:
        print(one.get("Name", ""))


def _need(kind: str, name: str) -> None:
    if not kind:
        raise CommandError("-kind is missing: say of which kind the entry is")
    if not name:
        raise CommandError("-name is missing: say what the entry is called")


def _entry(name: str) -> Mapping[str, object]:
    """The entry in a file, as it is kept: what is wrong with its form is told without asking an agent."""
    from lictor_core.entries.reading import body_of, read_entry

    data = sys.stdin.buffer.read() if name == _STDIN else file_data(name)
    where = "stdin" if name == _STDIN else name
    try:
        entry = read_entry(_values(data.decode()))
    except UnicodeDecodeError as error:
        raise CommandError(f"{where} is no text in UTF-8") from error
    except RequestError as error:
        raise CommandError(f"the entry in {where} cannot be used: {error}") from error
    return {"Kind": entry.kind, "Name": entry.name, **body_of(entry)}


def _values(text: str) -> Mapping[str, object]:
    from lictor_config.hcl import SyntaxProblem, parse_hcl, parse_json

    try:
        document = (parse_json if text.lstrip().startswith("{") else parse_hcl)(text)
    except SyntaxProblem as problem:
        raise RequestError(str(problem)) from problem
    return cast("Mapping[str, object]", document.values)
