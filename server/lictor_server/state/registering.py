"""Whether something may be registered on a node, and the record of that node: what all ways of registering share.

Everything is judged before anything changes, so that a refused registration leaves no half behind.
"""

from __future__ import annotations

from collections.abc import Iterable

from lictor_core.commands import Rejection
from lictor_core.errors import RequestError
from lictor_core.records import Check, Node
from lictor_server.state.catalog import fold
from lictor_server.state.indexes import Change
from lictor_server.state.store import Store

__all__ = ["refuse", "settle_node", "why_not_these_checks", "why_not_this_node"]


def refuse(message: str) -> Rejection:
    """What the state does not allow."""
    return Rejection(code=RequestError.code, message=message)


def why_not_this_node(store: Store, wanted: Node, *, stays: bool) -> Rejection | None:
    """Whether a living node with another id has the name."""
    catalog = store.catalog
    renamed = catalog.node_of_id(wanted.id) if wanted.id else None
    if wanted.id and (renamed is None or fold(renamed.node) != fold(wanted.node)):
        holder = catalog.reserved_by(wanted)
        if holder is not None and not _node_stays(store, wanted, stays=stays):
            return refuse(
                f"node name {wanted.node!r} belongs to the living node {holder.id} at {holder.address}, "
                f"so node {wanted.id} cannot have it: choose another name, or remove that node first"
            )
    return None


def why_not_these_checks(
    store: Store, wanted: Node, checks: Iterable[Check], registered: set[str], gone: frozenset[str]
) -> Rejection | None:
    """Whether each check is of the node, or of an instance that is `registered` with it or there and not `gone`."""
    for check in checks:
        if check.node and fold(check.node) != fold(wanted.node):
            return refuse(f"check {check.check_id!r} names node {check.node!r}, but is registered on {wanted.node!r}")
        if not check.service_id:
            continue
        owner = fold(check.service_id)
        if owner not in registered and (owner in gone or store.catalog.service_on(wanted.node, owner) is None):
            return refuse(
                f"check {check.check_id!r} is for service {check.service_id!r}, which node {wanted.node!r} "
                "does not have: register the service first, or with the check"
            )
    return None


def _node_stays(store: Store, wanted: Node, *, stays: bool) -> bool:
    return stays and store.catalog.node(wanted.node) is not None


def settle_node(store: Store, change: Change, wanted: Node, *, stays: bool) -> Node:
    """The record of the node to register on: created, replaced or renamed, or as it is when it `stays`."""
    catalog = store.catalog
    if not _node_stays(store, wanted, stays=stays):
        same_id = catalog.node_of_id(wanted.id) if wanted.id else None
        created = 0
        if same_id is not None and fold(same_id.node) != fold(wanted.node):
            created = same_id.create_index
            catalog.drop_node(change, same_id)
            store.coordinates.drop(change, same_id.node)
        catalog.put_node(change, wanted, create_index=created)
    node = catalog.node(wanted.node)
    assert node is not None, "put_node has just stored it"
    return node
