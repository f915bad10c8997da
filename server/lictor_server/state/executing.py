"""Running prepared queries over the store. Pure; core's `prepared_finding` says what one finds."""

from __future__ import annotations

from lictor_core.prepared import NEAR_AGENT, NEAR_IP, Execution, PreparedQuery, QueryOrigin
from lictor_core.prepared_finding import is_wanted, runs_by_distance
from lictor_server.state.store import Store

__all__ = ["execute", "render"]


def render(store: Store, id_or_name: str) -> PreparedQuery | None:
    """The query that runs under an id or a name, filled in. Raises `RequestError` where that cannot be done."""
    return store.prepared.render(id_or_name)


def execute(store: Store, id_or_name: str, origin: QueryOrigin, *, connect: bool) -> Execution | None:
    """What the query that runs under an id or a name finds; None when there is none. Raises as `render` does."""
    query = render(store, id_or_name)
    if query is None:
        return None
    service = query.service
    found = store.health.of(service.service, connect=connect or service.connect)
    runs = runs_by_distance(
        [row for row in found if is_wanted(row, service)],
        _near(store, service.near, origin),
        store.coordinates.known,
    )
    return Execution(
        service=service.service,
        rows=[row for run in runs for row in run],
        runs=[len(run) for run in runs],
        dns=query.dns,
        datacenter=store.datacenter,
    )


def _near(store: Store, named: str, origin: QueryOrigin) -> str:
    """The node that distances are measured from; empty for none. Who runs the query has the say before its author."""
    near = origin.near or named
    if near == NEAR_AGENT:
        return origin.agent
    if near == NEAR_IP:
        holders = store.addresses.nodes_at(origin.address) if origin.address else []
        return holders[0].node if holders else ""
    return near
