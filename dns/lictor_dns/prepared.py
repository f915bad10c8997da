"""What a prepared query finds, from a view: which instances, how near, for how long. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from lictor_core import topics
from lictor_core.durations import parse_duration
from lictor_core.errors import RequestError
from lictor_core.prepared import NEAR_AGENT, NEAR_IP, PreparedQuery
from lictor_core.prepared_finding import is_wanted, runs_by_distance
from lictor_core.records import ServiceHealth
from lictor_core.registry import CatalogView
from lictor_core.topics import Topic
from lictor_dns.clients import Asker

__all__ = ["Prepared", "find_prepared"]


class Prepared(NamedTuple):
    """What a query found: instances of `service` in runs that are equally near, the nearest first.

    `ttl_s` is None where the settings of DNS decide. With `any_change` it holds only while nothing in the catalog is
    touched, with `by_client` for this client alone.
    """

    service: str
    runs: list[list[ServiceHealth]]
    ttl_s: int | None
    any_change: bool
    by_client: bool


def find_prepared(
    view: CatalogView, id_or_name: str, asker: Asker, depends: Callable[[Topic], None]
) -> Prepared | None:
    """What runs under `id_or_name` finds; None when nothing runs there. `depends` is told of every topic.

    Raises `RequestError` for a template that cannot be filled in for this name.
    """
    depends(topics.PREPARED_QUERIES)
    query = view.prepared_query(id_or_name)
    if query is None:
        return None
    wanted = query.service
    depends(topics.connect(wanted.service) if wanted.connect else topics.service(wanted.service))
    rows = [row for row in view.service_health(wanted.service, connect=wanted.connect) if is_wanted(row, wanted)]
    is_by_address = wanted.near == NEAR_IP
    near = _near(view, wanted.near, asker)
    if near:
        depends(topics.COORDINATES)
    return Prepared(
        service=wanted.service,
        runs=runs_by_distance(rows, near, view.coordinates() if near else {}),
        ttl_s=_ttl_s(query),
        any_change=is_by_address,
        by_client=is_by_address and not asker.is_named,
    )


def _near(view: CatalogView, named: str, asker: Asker) -> str:
    """The node that distances are measured from; empty for none."""
    if named == NEAR_AGENT:
        return asker.agent
    if named != NEAR_IP:
        return named
    address = asker.address()
    nodes = view.holders_at(address).nodes if address else []
    return nodes[0].name if nodes else ""


def _ttl_s(query: PreparedQuery) -> int | None:
    """Whole seconds, as Consul cuts them."""
    if not query.dns.ttl:
        return None
    try:
        return max(int(parse_duration(query.dns.ttl)), 0)
    except RequestError:
        return None  # it was read when the query was written; whoever wrote another one gets what Consul gives
