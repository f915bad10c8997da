"""`lictor operator`: the servers, as an operator sees and changes them."""

from __future__ import annotations

import json
from typing import Final, cast

import click
import msgspec

from lictor.api.calls import operator
from lictor.api.messages import Options
from lictor.cli.api import Api, ApiCommand, pass_api
from lictor.cli.commands.operator_security import command as security
from lictor.cli.errors import CommandError
from lictor.cli.flags import GIVEN_FLAGS, GoGroup, ValueKind, flag, option
from lictor.cli.formats import Format, format_option, print_json
from lictor.cli.recovery import recover
from lictor.cli.terminal import print_pairs, print_table
from lictor_core.durations import format_duration, parse_duration
from lictor_core.errors import RequestError
from lictor_core.records import JsonObject

__all__ = ["command"]

_PAIRS_WIDTH: Final = 31
_UNKNOWN: Final = "(unknown)"

command = GoGroup(
    "operator",
    help="Look after the servers that keep the registry together.",
    examples=(
        ("lictor operator raft list-peers", "who leads, who votes"),
        ("lictor operator autopilot state", "how the servers do"),
        ("lictor operator security", "what is open, and what closes it"),
        ("lictor operator raft recover -help", "when a majority is lost"),
    ),
)
raft = GoGroup(
    "raft",
    help="Show and change the servers that keep the log together.",
    examples=(
        ("lictor operator raft list-peers", "who they are"),
        ("lictor operator raft transfer-leader", "before the leader is restarted"),
    ),
)
autopilot = GoGroup(
    "autopilot",
    help="Show and change how the leader looks after the servers, and how they do.",
    examples=(
        ("lictor operator autopilot state", "how they do"),
        ("lictor operator autopilot get-config", "by which settings"),
    ),
)
command.add_command(raft)
command.add_command(autopilot)
command.add_command(security)
raft.add_command(recover)


@raft.command(
    "list-peers",
    cls=ApiCommand,
    examples=("lictor operator raft list-peers", "lictor operator raft list-peers -stale"),
)
@format_option
@pass_api
def list_peers(api: Api, args: tuple[str, ...], format: Format) -> None:
    """List the servers that keep the log together, who leads them, and who votes. Without a leader nobody but -stale
    answers.
    """
    found = api.send(operator.raft_configuration(api.options()))
    if format is Format.JSON:
        print_json(found)
        return
    rows = [["Node", "ID", "Address", "State", "Voter", "RaftProtocol"]]
    for peer in found.servers:
        state = "leader" if peer.leader else "follower"
        voter = "true" if peer.voter else "false"
        rows.append([peer.node or _UNKNOWN, peer.id, peer.address, state, voter, peer.protocol_version])
    print_table(rows)


@raft.command(
    "remove-peer",
    cls=ApiCommand,
    examples=(
        "lictor operator raft remove-peer -id=5c1e2f30-0000-4000-8000-000000000001",
        "lictor operator raft remove-peer -address=192.0.2.7:8300",
    ),
)
@option("-address", "Address of the server to remove, host:port.", metavar="address")
@option("-id", "Node id of the server to remove.", metavar="id")
@pass_api
def remove_peer(api: Api, args: tuple[str, ...], address: str, id: str) -> None:
    """Take a server out of those that keep the log. For one that is gone for good and that nobody cleaned up; a server
    that runs is better told to leave, since one that lives comes in again after a minute.
    """
    if not id and not address:
        raise CommandError("-id or -address is needed: the server to remove, as list-peers shows it")
    if id and address:
        raise CommandError("-id and -address cannot be given together")
    api.send(operator.remove_peer(id=id, address=address, dc=api.datacenter))
    print(f'Removed peer with id "{id}"' if id else f'Removed peer with address "{address}"')


@raft.command(
    "transfer-leader",
    cls=ApiCommand,
    examples=(
        "lictor operator raft transfer-leader",
        "lictor operator raft transfer-leader -id=5c1e2f30-0000-4000-8000-000000000001",
    ),
)
@option("-id", "Node id of the server that is to lead; the best prepared one by default.", metavar="id")
@pass_api
def transfer_leader(api: Api, args: tuple[str, ...], id: str) -> None:
    """Hand the lead to another server, before the leader is stopped or restarted: writes pause for a moment then,
    instead of until the others miss it.
    """
    api.send(operator.transfer_leader(id, dc=api.datacenter))
    print("Success")


@autopilot.command("get-config", cls=ApiCommand, examples=("lictor operator autopilot get-config",))
@format_option
@pass_api
def get_config(api: Api, args: tuple[str, ...], format: Format) -> None:
    """Show the settings by which the leader looks after the servers."""
    config = api.send(operator.autopilot_configuration(api.options()))
    if format is Format.JSON:
        print_json(config)
        return
    print(f"CleanupDeadServers = {_truth(config.cleanup_dead_servers)}")
    print(f"LastContactThreshold = {config.last_contact_threshold}")
    print(f"MaxTrailingLogs = {config.max_trailing_logs}")
    print(f"MinQuorum = {config.min_quorum}")
    print(f"ServerStabilizationTime = {config.server_stabilization_time}")
    print(f"RedundancyZoneTag = {json.dumps(config.redundancy_zone_tag)}")
    print(f"DisableUpgradeMigration = {_truth(config.disable_upgrade_migration)}")
    print(f"UpgradeVersionTag = {json.dumps(config.upgrade_version_tag)}")


def _duration(_: click.Context, parameter: click.Parameter, text: str) -> str:
    """A duration in the form in which it is shown; empty where the flag is not given."""
    try:
        return format_duration(parse_duration(text)) if text else ""
    except RequestError as error:
        raise click.BadParameter(str(error), param=parameter) from error


@autopilot.command(
    "set-config",
    cls=ApiCommand,
    examples=(
        "lictor operator autopilot set-config -min-quorum=3",
        "lictor operator autopilot set-config -cleanup-dead-servers=false",
    ),
)
@flag("-cleanup-dead-servers", "Take servers out that failed, as long as a majority of the others lives.")
@flag("-disable-upgrade-migration", "Kept for Consul's sake, without effect.")
@option("-last-contact-threshold", "A server silent for longer is not healthy, such as 200ms.", metavar="duration",
        callback=_duration)  # fmt: skip
@option("-max-trailing-logs", "A server with more log entries to go is not healthy.", metavar="count",
        kind=ValueKind.WHOLE)  # fmt: skip
@option("-min-quorum", "Voters that stay, also dead ones.", metavar="count", kind=ValueKind.WHOLE)
@option("-redundancy-zone-tag", "Kept for Consul's sake, without effect.", metavar="name")
@option("-server-stabilization-time", "How long a new server must be healthy before it votes, such as 10s.",
        metavar="duration", callback=_duration)  # fmt: skip
@option("-upgrade-version-tag", "Kept for Consul's sake, without effect.", metavar="name")
@pass_api
def set_config(api: Api, /, args: tuple[str, ...], **values: object) -> None:
    """Change the settings by which the leader looks after the servers; those that no flag names stay as they are."""
    current = api.send(operator.autopilot_configuration(Options(datacenter=api.datacenter)))
    given = cast("tuple[tuple[str, str], ...]", click.get_current_context().meta.get(GIVEN_FLAGS, ()))
    changes = {name: values[name] for name in (flag.replace("-", "_") for flag, _ in given) if name in values}
    changed = msgspec.structs.replace(current, **changes)
    if not api.send(operator.set_autopilot_configuration(changed, cas=current.modify_index, dc=api.datacenter)):
        raise CommandError("the settings were changed by somebody else meanwhile: look at them and try again")
    print("Configuration updated!")


@autopilot.command(
    "state",
    cls=ApiCommand,
    examples=("lictor operator autopilot state", "lictor operator autopilot state -format=json"),
)
@format_option
@pass_api
def state(api: Api, args: tuple[str, ...], format: Format) -> None:
    """Show how the servers do: who is healthy and since when, who leads, and how many may fail."""
    found = api.send(operator.autopilot_state(Options(datacenter=api.datacenter)))
    if format is Format.JSON:
        print_json(found)
        return
    servers = cast("dict[str, JsonObject]", found["Servers"])
    print_pairs(
        [
            ("Healthy:", _truth(found["Healthy"])),
            ("Failure Tolerance:", str(found["FailureTolerance"])),
            ("Optimistic Failure Tolerance:", str(found["OptimisticFailureTolerance"])),
            ("Leader:", str(found["Leader"])),
        ],
        _PAIRS_WIDTH,
    )
    print("Voters:")
    for voter in cast("list[str]", found["Voters"]):
        print(f"   {voter}")
    print("\nServers:")
    for id, server in servers.items():
        _print_server(id, server)


def _print_server(id: str, server: JsonObject) -> None:
    print(f"   {id}")
    shown = {
        "Name": "Name",
        "Address": "Address",
        "Version": "Version",
        "Status": "Status",
        "Node Type": "NodeType",
        "Node Status": "NodeStatus",
        "Healthy": "Healthy",
        "Stable Since": "StableSince",
        "Last Contact": "LastContact",
        "Last Term": "LastTerm",
        "Last Index": "LastIndex",
    }
    for title, key in shown.items():
        value = server[key]
        print(f"      {title + ':':<17}{_truth(value) if isinstance(value, bool) else value}")
    meta = cast("dict[str, str]", server.get("Meta") or {})
    if meta:
        print("      Meta")
        for name, text in sorted(meta.items()):
            print(f"         {json.dumps(name, ensure_ascii=False)}: {json.dumps(text, ensure_ascii=False)}")


def _truth(value: object) -> str:
    return "true" if value else "false"
