"""`lictor catalog`: datacenters, nodes, services."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import replace

from lictor.api.calls import catalog
from lictor.cli.api import Api, ApiCommand, pass_api
from lictor.cli.data import check_count
from lictor.cli.flags import GoGroup, flag, key_value, option
from lictor.cli.formats import Format, format_option, print_json
from lictor.cli.terminal import print_table
from lictor_core.records import CatalogService, Node

__all__ = ["command"]

_SHORT_ID_CHARS = 8
_TAGS_GAP_CHARS = 6

command = GoGroup(
    "catalog",
    help="Show what the catalog knows: the servers' view of all nodes and services, not only those of one agent.",
    examples=(
        ("lictor catalog nodes", "all nodes"),
        ("lictor catalog nodes -service=web", "those that run web"),
        ("lictor catalog services -tags", "all services with their tags"),
    ),
)


@command.command("datacenters", cls=ApiCommand, examples=("lictor catalog datacenters",))
@format_option
@pass_api
def datacenters(api: Api, args: tuple[str, ...], format: Format) -> None:
    """List the known datacenters, the nearest first."""
    check_count(args, 0, 0, "")
    names = api.send(catalog.datacenters())
    if format is Format.JSON:
        print_json(names)
        return
    for name in names:
        print(name)


@command.command(
    "nodes",
    cls=ApiCommand,
    examples=("lictor catalog nodes -detailed", "lictor catalog nodes -service=web -node-meta=rack=7"),
)
@flag("-detailed", "Show whole ids, tagged addresses and metadata.")
@option("-filter", "An expression that nodes must fulfil.", metavar="expression")
@format_option
@option("-near", "Sort by distance from this node; _agent is the agent's own.", metavar="node")
@option("-node-meta", "Only nodes with this metadata; may be repeated.", metavar="key=value", multiple=True,
        callback=key_value)  # fmt: skip
@option("-service", "Only nodes that run this service.", metavar="name")
@pass_api
def nodes(
    api: Api,
    args: tuple[str, ...],
    detailed: bool,
    filter: str,
    format: Format,
    near: str,
    node_meta: Mapping[str, str],
    service: str,
) -> None:
    """List the nodes of a datacenter."""
    check_count(args, 0, 0, "")
    options = replace(api.options(), near=near, filter=filter, node_meta=node_meta)
    if service:
        found = [_node_of(row) for row in api.send(catalog.service(service, options))]
        found = list({node.node: node for node in found}.values())
    else:
        found = api.send(catalog.nodes(options))
    if not near:
        found.sort(key=lambda node: node.node)
    if format is Format.JSON:
        print_json(found)
        return
    if not found:
        print("No nodes match: ask with fewer conditions", file=sys.stderr)
        return
    if detailed:
        heading = ["Node", "ID", "Address", "DC", "TaggedAddresses", "Meta"]
        print_table([heading, *(_detailed_row(node) for node in found)])
    else:
        print_table([["Node", "ID", "Address", "DC"], *(_row(node) for node in found)])


@command.command(
    "services",
    cls=ApiCommand,
    examples=("lictor catalog services -tags", "lictor catalog services -node=alpha"),
)
@format_option
@option("-node", "Only services on this node, named by name or id.", metavar="node")
@option("-node-meta", "Only services on nodes with this metadata; may be repeated.", metavar="key=value",
        multiple=True, callback=key_value)  # fmt: skip
@flag("-tags", "Show the tags beside each service.")
@pass_api
def services(
    api: Api, args: tuple[str, ...], format: Format, node: str, node_meta: Mapping[str, str], tags: bool
) -> None:
    """List the services of a datacenter."""
    check_count(args, 0, 0, "")
    found: dict[str, list[str]] = {}
    if node:
        on_node = api.send(catalog.node(node, api.options()))
        for instance in on_node.services.values() if on_node is not None else ():
            known = found.setdefault(instance.service, [])
            known += [tag for tag in instance.tags if tag not in known]
    else:
        found = api.send(catalog.services(replace(api.options(), node_meta=node_meta)))
    if format is Format.JSON:
        print_json({name: sorted(found[name]) for name in found})
        return
    if not found:
        print("No services match: ask with fewer conditions", file=sys.stderr)
        return
    if tags:
        width = max(len(name) for name in found) + _TAGS_GAP_CHARS
        lines = [f"{name:<{width}}{','.join(sorted(found[name]))}" for name in sorted(found)]
        print("\n".join(lines).strip())
    else:
        for name in sorted(found):
            print(name)


def _row(node: Node) -> list[str]:
    return [node.node, node.id[:_SHORT_ID_CHARS], node.address, node.datacenter]


def _detailed_row(node: Node) -> list[str]:
    return [node.node, node.id, node.address, node.datacenter, _pairs(node.tagged_addresses), _pairs(node.meta)]


def _pairs(mapping: Mapping[str, str] | None) -> str:
    return ", ".join(f"{key}={value}" for key, value in sorted((mapping or {}).items()))


def _node_of(row: CatalogService) -> Node:
    return Node(
        id=row.id,
        node=row.node,
        address=row.address,
        datacenter=row.datacenter,
        tagged_addresses=row.tagged_addresses,
        meta=row.node_meta,
        create_index=row.create_index,
        modify_index=row.modify_index,
    )
