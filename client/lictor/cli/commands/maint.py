"""`lictor maint`."""

from __future__ import annotations

import click

from lictor.api.calls import agent
from lictor.cli.api import Api, ApiCommand, pass_api
from lictor.cli.errors import CommandError
from lictor.cli.flags import flag, option
from lictor.cli.formats import Format, format_option, print_json
from lictor_core.records import NODE_MAINTENANCE_ID, SERVICE_MAINTENANCE_PREFIX

__all__ = ["command"]


@click.command(
    cls=ApiCommand,
    asks_server=False,
    examples=(
        "lictor maint -enable -reason 'new kernel'",
        "lictor maint -enable -service=web-1",
        "lictor maint -disable",
        "lictor maint",
    ),
)
@flag("-enable", "Take the node, or the service, out of service.")
@flag("-disable", "Put it back.")
@format_option
@option("-reason", "Why, for whoever finds it out of service. Only with -enable.", metavar="text")
@option("-service", "The id of an instance of this agent; without it the whole node is meant.", metavar="id")
@pass_api
def command(
    api: Api, args: tuple[str, ...], enable: bool, disable: bool, format: Format, reason: str, service: str
) -> None:
    """Take the agent's node or one of its services out of service, or put it back. What is in maintenance is in no
    answer for healthy services, in DNS neither. Without flags it lists what is in maintenance.
    """
    _check(enable=enable, disable=disable, reason=reason, service=service)
    if not enable and not disable:
        _list(api, format)
    elif service:
        api.send(agent.maintain_service(service, enable, reason))
        print(f'Service maintenance is now {"enabled" if enable else "disabled"} for "{service}"')
    else:
        api.send(agent.maintain_node(enable, reason))
        print(f"Node maintenance is now {'enabled' if enable else 'disabled'}")


def _check(*, enable: bool, disable: bool, reason: str, service: str) -> None:
    if enable and disable:
        raise CommandError("Only one of -enable or -disable may be provided")
    if reason and not enable:
        raise CommandError("Reason may only be provided with -enable")
    if service and not enable and not disable:
        raise CommandError("Service requires either -enable or -disable")


def _list(api: Api, format: Format) -> None:
    checks = list(api.send(agent.checks()).values())
    if format is Format.JSON:
        print_json([one for one in checks if _is_maintenance(one.check_id)])
        return
    for check in checks:
        if check.check_id == NODE_MAINTENANCE_ID:
            print(f"Node:\n  Name:   {check.node}\n  Reason: {check.notes}\n")
        elif check.check_id.startswith(SERVICE_MAINTENANCE_PREFIX):
            print(f"Service:\n  ID:     {check.service_id}\n  Reason: {check.notes}\n")


def _is_maintenance(check_id: str) -> bool:
    return check_id == NODE_MAINTENANCE_ID or check_id.startswith(SERVICE_MAINTENANCE_PREFIX)
