"""`lictor intention`: create, check, match, get, delete, list, explain."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace as with_changes
from datetime import datetime

from lictor.api.calls import intentions
from lictor.api.errors import AgentError
from lictor.cli.api import Api, ApiCommand, pass_api
from lictor.cli.commands.enforcing import WAIT_ENFORCED, read_wait, send_written, tell_enforcement
from lictor.cli.commands.intention_explain import explain
from lictor.cli.data import argument_data, check_count, file_data, refuse_arguments
from lictor.cli.errors import CommandError
from lictor.cli.flags import GoGroup, flag, key_value, option
from lictor.cli.formats import Format, format_option, print_json
from lictor.cli.terminal import print_table
from lictor_core.codec import from_json
from lictor_core.errors import LictorError, RequestError
from lictor_core.intentions import rule_of
from lictor_core.proxy_status import Enforcement
from lictor_core.records import Intention, JsonObject

__all__ = ["command"]

_NOT_FOUND = 404
_DENIED_EXIT = 1
_CHECK_FAILED_EXIT = 2

command = GoGroup(
    "intention",
    help="Say which services may open connections to which, through the mesh.",
    examples=(
        ("lictor intention create web db", "web may talk to db"),
        ("lictor intention create -deny '*' db", "nobody else may"),
        ("lictor intention check web db", "may it?"),
        ("lictor intention match db", "what decides for db"),
        ("lictor intention explain web db", "why web may talk to db, or not"),
    ),
)
command.add_command(explain)


@command.command(
    "create",
    cls=ApiCommand,
    usage="SRC DST | -file FILE...",
    examples=("lictor intention create web db", "lictor intention create -deny -replace web db"),
)
@flag("-allow", "The connections are allowed; so they are without a flag.")
@flag("-deny", "The connections are denied.")
@flag("-file", "Read intentions, a JSON object each, from the files named; - is stdin.")
@option("-meta", "Metadata; may be repeated.", metavar="key=value", multiple=True, callback=key_value)
@flag("-replace", "Replace an intention that has the same source and destination.")
@WAIT_ENFORCED
@pass_api
def create(
    api: Api,
    args: tuple[str, ...],
    allow: bool,
    deny: bool,
    file: bool,
    meta: Mapping[str, str],
    replace: bool,
    wait_enforced: str,
) -> None:
    """Create intentions: for one source and destination, or from files. `*` stands for every service."""
    if allow and deny:
        raise CommandError("-allow and -deny cannot be given together")
    wait_s = read_wait(wait_enforced)
    if file:
        check_count(args, 1, 1_000_000, "-file needs at least one file")
        wanted = [_from_file(name) for name in args]
    else:
        if len(args) != 2:
            raise CommandError("two arguments are needed: source and destination")
        action = "deny" if deny else "allow"
        wanted = [{"SourceName": args[0], "DestinationName": args[1], "Action": action, "Meta": dict(meta)}]
    found: list[Enforcement] = []
    for one in wanted:
        try:
            is_new, told = _written(api, one, wait_s, replace=replace)
        except LictorError as error:
            raise CommandError(f'creating intention "{_name(one)}": {error}') from error
        if is_new:
            print(f"Created: {_name(one)}")
        if told is not None:
            found.append(told)
    for enforcement in found:
        tell_enforcement(enforcement)


def _written(
    api: Api, one: Mapping[str, object], wait_s: float | None, *, replace: bool
) -> tuple[bool, Enforcement | None]:
    """Whether there was none of these names before, and what came of waiting. Raises `LictorError`."""
    source, destination = str(one.get("SourceName", "")), str(one.get("DestinationName", ""))
    is_about_requests = bool(one.get("Permissions"))
    earlier = _exact(api, source, destination) if replace or is_about_requests else None
    body = {"SourceType": "consul", **one}
    if is_about_requests or (earlier is not None and rule_of(earlier).looks_at_requests):
        if earlier is not None and not replace:
            raise RequestError("there is one already: -replace replaces it")
        return earlier is None, send_written(api, intentions.put_exact(source, destination, body), wait_s)
    if earlier is None:
        return True, send_written(api, intentions.create(body), wait_s)
    return False, send_written(api, intentions.update(earlier.id, body), wait_s)


@command.command(
    "check",
    cls=ApiCommand,
    usage="SRC DST",
    failure_code=_CHECK_FAILED_EXIT,
    examples=("lictor intention check web db",),
)
@format_option
@pass_api
def check(api: Api, args: tuple[str, ...], format: Format) -> None:
    """Show whether a connection from SRC to DST would be allowed: exits with 0 when it would, with 1 when it would not,
    with 2 when that cannot be said.
    """
    if len(args) != 2:
        raise CommandError("two arguments are needed: source and destination", _CHECK_FAILED_EXIT)
    try:
        allowed = api.send(intentions.check(args[0], args[1], api.options()))
    except LictorError as error:
        raise CommandError(str(error), _CHECK_FAILED_EXIT) from error
    if format is Format.JSON:
        print_json({"Allowed": allowed})
    else:
        print("Allowed" if allowed else "Denied")
    if not allowed:
        raise SystemExit(_DENIED_EXIT)


@command.command(
    "match",
    cls=ApiCommand,
    usage="SRC|DST",
    flags_code=_CHECK_FAILED_EXIT,
    examples=("lictor intention match db", "lictor intention match -source web"),
)
@flag("-destination", "The argument is a destination; so it is without a flag.")
@format_option
@flag("-source", "The argument is a source.")
@pass_api
def match(api: Api, args: tuple[str, ...], destination: bool, format: Format, source: bool) -> None:
    """List the intentions that could decide for a service, in the order in which they decide."""
    if destination and source:
        raise CommandError("-source and -destination cannot be given together")
    if len(args) != 1:
        raise CommandError("one argument is needed: the source or destination")
    found = api.send(intentions.match(args[0], by="source" if source else "destination", options=api.options()))
    if format is Format.JSON:
        print_json(found)
        return
    for one in found:
        print(f"{one.source_name} => {one.destination_name} ({_said(one)})")


@command.command("get", cls=ApiCommand, usage="SRC DST | ID", examples=("lictor intention get web db",))
@format_option
@pass_api
def get(api: Api, args: tuple[str, ...], format: Format) -> None:
    """Show one intention, found by source and destination or by its id."""
    found = _found(api, args)
    if format is Format.JSON:
        print_json(found)
        return
    rows = [
        ("Source", found.source_name),
        ("Destination", found.destination_name),
        ("Action", _said(found)),
        ("ID", found.id),
        ("Description", found.description),
        *((f"Meta[{key}]", value) for key, value in sorted((found.meta or {}).items())),
        ("Created At", _long_time(found.created_at)),
    ]
    shown = [(f"{name}:", value) for name, value in rows if value]
    width = max(len(name) for name, _ in shown)
    for name, value in shown:
        print(f"{name:<{width}}  {value}")


@command.command("delete", cls=ApiCommand, usage="SRC DST | ID", examples=("lictor intention delete web db",))
@WAIT_ENFORCED
@pass_api
def delete(api: Api, args: tuple[str, ...], wait_enforced: str) -> None:
    """Delete one intention, found by source and destination or by its id."""
    check_count(args, 1, 2, "source and destination are needed, or an id")
    wait_s = read_wait(wait_enforced)
    intention_id = args[0] if len(args) == 1 else _found(api, args).id
    found = send_written(api, intentions.delete(intention_id), wait_s)
    print("Intention deleted.")
    if found is not None:
        tell_enforcement(found)


@command.command("list", cls=ApiCommand, usage="", examples=("lictor intention list",))
@option("-filter", "List only those for which this expression holds.", metavar="expression")
@format_option
@pass_api
def list_(api: Api, args: tuple[str, ...], filter: str, format: Format) -> None:
    """List all intentions, in the order in which they decide."""
    refuse_arguments(args)
    found = api.send(intentions.list_all(with_changes(api.options(), filter=filter)))
    if format is Format.JSON:
        print_json(found)
        return
    if not found:
        print("There are no intentions.")
        return
    rows = [(one.id, one.source_name, _said(one), one.destination_name, str(one.precedence)) for one in found]
    print_table([("ID", "Source", "Action", "Destination", "Precedence"), *rows])


def _said(intention: Intention) -> str:
    """What an intention says, in a word or two; one with rules about requests is no plain denial."""
    return rule_of(intention).says()


def _found(api: Api, args: tuple[str, ...]) -> Intention:
    check_count(args, 1, 2, "source and destination are needed, or an id")
    if len(args) == 1:
        try:
            return api.send(intentions.get(args[0], api.options()))
        except AgentError as error:
            if error.status != _NOT_FOUND:
                raise
            raise CommandError(f"there is no intention with the id {args[0]}") from error
    found = _exact(api, args[0], args[1])
    if found is None:
        raise CommandError(f'there is no intention with source "{args[0]}" and destination "{args[1]}"')
    return found


def _exact(api: Api, source: str, destination: str) -> Intention | None:
    """The intention with exactly these names. Consul 1.8 has no endpoint for it, so all are asked for."""
    everything = api.send(intentions.list_all(api.options()))
    return next(
        (one for one in everything if (one.source_name, one.destination_name) == (source, destination)),
        None,
    )


def _from_file(name: str) -> JsonObject:
    data = argument_data(name) if name == "-" else file_data(name)
    try:
        return from_json(data, JsonObject)
    except RequestError as error:
        raise CommandError(f"{name}: {error}") from error


def _name(intention: Mapping[str, object]) -> str:
    source, destination, action = (str(intention.get(key, "")) for key in ("SourceName", "DestinationName", "Action"))
    return f"{source} => {destination} ({'permissions' if intention.get('Permissions') else action})"


def _long_time(text: str) -> str:
    """RFC 850, as Go's layout of that name writes it; whatever cannot be read stays as it is."""
    try:
        time = datetime.fromisoformat(text.partition(".")[0].removesuffix("Z"))
    except ValueError:
        return text
    return time.strftime("%A, %d-%b-%y %H:%M:%S UTC")
