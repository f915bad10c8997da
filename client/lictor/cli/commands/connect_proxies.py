"""`lictor connect proxies`: what the proxies of the agent tell of themselves."""

from __future__ import annotations

from collections.abc import Sequence

import click

from lictor.api.calls import agent
from lictor.cli.api import Api, ApiCommand, pass_api
from lictor.cli.data import refuse_arguments
from lictor.cli.formats import Format, format_option, print_json
from lictor.cli.terminal import print_table
from lictor_core.durations import format_duration
from lictor_core.proxy_status import ProxyStatus

__all__ = ["proxies"]

_HEADING = ("Proxy", "Node", "Service", "Data Plane", "Policy", "Age", "Leaf Expires", "Rejected")


@click.command("proxies", cls=ApiCommand, asks_server=False, usage="", examples=("lictor connect proxies",))
@format_option
@pass_api
def proxies(api: Api, args: tuple[str, ...], format: Format) -> None:
    """List the proxies of the agent that told of themselves lately: which policy they judge by, how old what they know
    is, until when their certificate is good, and which parts of their configuration they refused.
    """
    refuse_arguments(args)
    found = api.send(agent.proxies())
    if format is Format.JSON:
        print_json(found)
        return
    if not found:
        print("No proxy of this agent has told of itself.")
        return
    print_table([_HEADING, *map(_row, found)])
    for one in found:
        for refused in one.rejected:
            print(f"\n{one.proxy_id} refused {refused.type} {refused.name}: {refused.reason}")


def _row(one: ProxyStatus) -> Sequence[str]:
    plane = f"{one.data_plane} {one.version}".rstrip()
    age = format_duration(round((one.config_age_ms + one.reported_ms) / 1000, 1))
    policy = str(one.policy_index) if one.policy_index else "none"
    return one.proxy_id, one.node, one.service, plane, policy, age, one.leaf_valid_before or "-", str(len(one.rejected))
