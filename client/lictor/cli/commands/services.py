"""`lictor services`: register, deregister."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from lictor.api.calls import agent
from lictor.cli.api import Api, ApiCommand, pass_api
from lictor.cli.errors import CommandError
from lictor.cli.flags import GoGroup, ValueKind, key_value, option
from lictor_core.errors import ConfigurationError, LictorError

__all__ = ["command"]

command = GoGroup(
    "services",
    help="Register services with the agent, and remove them. What the catalog holds is shown by `lictor catalog`.",
    examples=(
        ("lictor services register -name=web -port=80", "a service from flags"),
        ("lictor services register web.hcl", "services from a file"),
        ("lictor services deregister -id=web", "remove one"),
    ),
)


@command.command(
    "register",
    cls=ApiCommand,
    usage="[FILE...]",
    examples=("lictor services register web.json db.hcl", "lictor services register -name=web -port=80 -tag=v2"),
)
@option("-address", "Address of the service; the node's by default.", metavar="address")
@option("-id", "Id of the instance; the name by default.", metavar="id")
@option("-kind", "What the instance is; a typical service by default.", metavar="kind")
@option("-meta", "Metadata; may be repeated.", metavar="key=value", multiple=True, callback=key_value)
@option("-name", "Name of the service.", metavar="name")
@option("-port", "Port of the service.", metavar="port", kind=ValueKind.WHOLE)
@option("-tag", "Tag; may be repeated.", metavar="tag", multiple=True)
@option("-tagged-address", "Address by name; may be repeated.", metavar="name=address", multiple=True,
        callback=key_value)  # fmt: skip
@pass_api
def register(
    api: Api,
    args: tuple[str, ...],
    address: str,
    id: str,
    kind: str,
    meta: Mapping[str, str],
    name: str,
    port: int,
    tag: tuple[str, ...],
    tagged_address: Mapping[str, str],
) -> None:
    """Register services with the agent, from configuration files in HCL or JSON or from flags. The caller must remove
    them again.
    """
    _check_source(args, name, "registration", "-name")
    if args:
        definitions = list(_from_files(args))
    else:
        tagged = {key: {"Address": host, "Port": port} for key, host in tagged_address.items()}
        given: dict[str, object] = {
            "Kind": kind,
            "ID": id,
            "Name": name,
            "Port": port,
            "Address": address,
            "Tags": list(tag),
            "Meta": dict(meta),
            "TaggedAddresses": tagged,
        }
        definitions = [{key: value for key, value in given.items() if value}]
    for definition in definitions:
        shown = definition.get("Name", "")
        try:
            api.send(agent.register_service(definition))
        except LictorError as error:
            raise CommandError(f'registering service "{shown}": {error}') from error
        print(f"Registered service: {shown}")


@command.command(
    "deregister",
    cls=ApiCommand,
    usage="[FILE...]",
    examples=("lictor services deregister -id=web", "lictor services deregister web.json"),
)
@option("-id", "Id of the instance to remove.", metavar="id")
@pass_api
def deregister(api: Api, args: tuple[str, ...], id: str) -> None:
    """Remove services from the agent: one by its id, or those that files define."""
    _check_source(args, id, "deregistration", "-id")
    for service_id in [str(one.get("ID") or one["Name"]) for one in _from_files(args)] if args else [id]:
        try:
            api.send(agent.deregister_service(service_id))
        except LictorError as error:
            raise CommandError(f'deregistering service "{service_id}": {error}') from error
        print(f"Deregistered service: {service_id}")


def _check_source(args: tuple[str, ...], given: str, what: str, flag_name: str) -> None:
    if args and given:
        raise CommandError(f"service {what} takes files or {flag_name}, not both")
    if not args and not given:
        raise CommandError(f"service {what} needs at least one file, or {flag_name}")


def _from_files(names: tuple[str, ...]) -> Iterator[dict[str, object]]:
    """The services that configuration files define, as bodies for the HTTP API."""
    from lictor_config.bodies import service_body
    from lictor_config.load import load_services

    try:
        services = load_services(names)
    except ConfigurationError as error:
        raise CommandError("\n  ".join(str(error).splitlines())) from error
    for service in services:
        yield service_body(service)
