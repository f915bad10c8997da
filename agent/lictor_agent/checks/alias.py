"""Alias checks: the health of another instance or node, taken over.

Pure. Source: Consul's document `docs/discovery/checks`: the worst of the checks of the instance and of its node counts,
an instance that is not there is critical. Unlike in Consul an alias of a node never looks at itself: one critical
moment would last for ever.
"""

from __future__ import annotations

from collections.abc import Iterable

from lictor_agent.checks.status import Result
from lictor_core.records import CRITICAL, PASSING, WARNING, Check

__all__ = ["aliased"]


def aliased(check_id: str, service_id: str, node: str, checks: Iterable[Check], *, service_exists: bool) -> Result:
    """What the alias `check_id` of an instance (of the node, when `service_id` is empty) comes to.

    `checks` are all checks of the node that carries it.
    """
    if service_id and not service_exists:
        return Result(CRITICAL, f"Service {service_id} could not be found on node {node}")
    found = [one for one in checks if one.check_id != check_id and one.service_id in ("", service_id)]
    for status in (CRITICAL, WARNING):
        for one in found:
            if one.status == status:
                return Result(status, f'Aliased check "{one.name}" failing: {one.output}')
    return Result(PASSING, "All checks passing." if found else "No checks found.")
