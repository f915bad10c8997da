"""`lictor explain`: service."""

from __future__ import annotations

from collections.abc import Iterator

from lictor.api.calls import agent, catalog
from lictor.cli.api import Api, ApiCommand, pass_api
from lictor.cli.data import check_count
from lictor.cli.errors import CommandError
from lictor.cli.flags import GoGroup
from lictor.cli.formats import Format, format_option, print_json
from lictor_core.records import CatalogService

__all__ = ["command"]

command = GoGroup(
    "explain",
    help="Say why something is as it is.",
    examples=(("lictor explain service web-1", "where a registration came from"),),
)


@command.command("service", cls=ApiCommand, asks_server=False, usage="ID", examples=("lictor explain service web-1",))
@format_option
@pass_api
def service(api: Api, args: tuple[str, ...], format: Format) -> None:
    """Say where the registration of an instance came from: which file, or who asked over HTTP and when, and what
    removes it for good. For one that this agent does not have, say which nodes have a service of that name.
    """
    check_count(args, 1, 1, "name the id of one instance, as in: lictor explain service web-1")
    local = api.send(agent.local())
    found = local.services.get(args[0])
    if format is Format.JSON:
        _print_json(api, args[0], local)
        return
    if found is None:
        print("\n".join(_elsewhere(api, args[0], local.node)))
        return
    print(f"{found.id} is an instance of {found.service} on {local.node}")
    print("\n".join(_reasons(found)))
    for check in local.checks.values():
        if check.service_id == found.id:
            print(f"Its check {check.check_id} is {check.status}: {_origin(check)}")


def _print_json(api: Api, name: str, local: agent.LocalRegistrations) -> None:
    found = local.services.get(name)
    checks = [check for check in local.checks.values() if check.service_id == name] if found is not None else []
    rows = [] if found is not None else _others(api, name, local.node)
    elsewhere = [{"ID": row.service_id, "Node": row.node, "Address": row.address} for row in rows]
    print_json({"Node": local.node, "Service": found, "Checks": checks, "Elsewhere": elsewhere})


def _origin(one: agent.LocalOrigin) -> str:
    by = {"file": "defined in", "sidecar": "registered with its service by", "api": "registered over HTTP by"}
    at = f" at {one.time}" if one.time else ""
    again = ", read from the data directory at the last start" if one.restored else ""
    return f"{by.get(one.origin, one.origin)} {one.place or 'somebody unknown'}{at}{again}"


def _reasons(found: agent.LocalServiceOrigin) -> Iterator[str]:
    yield f"It was {_origin(found)}"
    if found.refused:
        yield f"The catalog does not have it as it is here: {found.refused}"
    if found.sidecar_of:
        yield f"It is the sidecar of {found.sidecar_of}, and goes with it"
    if found.origin == "file":
        yield "To remove it, take it out of that file, then: lictor reload"
    else:
        yield f"It is kept in the data directory. To remove it: lictor services deregister -id={found.id}"


def _others(api: Api, name: str, node: str) -> list[CatalogService]:
    rows = api.send(catalog.service(name))
    if not rows:
        raise CommandError(
            f"{node} has no instance {name!r}, and the catalog no service of that name. "
            "If it was registered under another name, ask the agent of the node it is on"
        )
    return rows


def _elsewhere(api: Api, name: str, node: str) -> Iterator[str]:
    rows = _others(api, name, node)
    yield f"{node} has no instance {name!r}. The catalog has a service of that name; ask the agents of its nodes:"
    for row in rows:
        yield f"  {row.service_id} on {row.node} ({row.address})"
