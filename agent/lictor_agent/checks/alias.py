"""Alias checks: the health of another instance or node, taken over.

Pure. Source: Consul's document `docs/discovery/checks`: the worst of the checks of the instance and of its node counts,
an instance that is not there is critical. Unlike in Consul an alias never looks at itself, neither directly nor by way
of other aliases: one critical moment would last for ever, under an output that grows each time it comes around.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from lictor_agent.checks.status import Result
from lictor_core.records import CRITICAL, PASSING, WARNING, Check

__all__ = ["aliased", "aliased_here"]

_WORST_FIRST: Final = (CRITICAL, WARNING)


def aliased(check_id: str, service_id: str, node: str, checks: Iterable[Check], *, service_exists: bool) -> Result:
    """What the alias `check_id` of an instance (of the node, when `service_id` is empty) comes to.

    `checks` are all checks of the node that carries it.
    """
    if service_id and not service_exists:
        return Result(CRITICAL, _missing(service_id, node))
    found = [one for one in checks if one.check_id != check_id and one.service_id in ("", service_id)]
    for status in _WORST_FIRST:
        for one in found:
            if one.status == status:
                return Result(status, _failing([one.name], one.output))
    return _healthy(found)


def aliased_here(
    check_id: str,
    node: str,
    *,
    aim_of: Callable[[str], str | None],
    checks_of: Callable[[str], Sequence[Check]],
    service_exists: Callable[[str], bool],
) -> Result:
    """What an alias on its own node comes to, seen through all aliases of this node that it leads to.

    `aim_of` tells the service (empty: the node) of an alias of this node, None for any other check; `checks_of` the
    checks that count for a service: its own and those of the node.
    """
    aim = aim_of(check_id)
    assert aim is not None, "it is an alias of this node"
    if aim and not service_exists(aim):
        return Result(CRITICAL, _missing(aim, node))
    for status in _WORST_FIRST:
        names: list[str] = []
        seen = {check_id}
        ways: list[Iterator[Check]] = [iter(checks_of(aim))]
        while ways:
            one = next(ways[-1], None)
            if one is None:
                ways.pop()
                del names[-1:]
                continue
            if one.check_id in seen:
                continue
            further = aim_of(one.check_id)
            if further is None:
                if one.status == status:
                    return Result(status, _failing([*names, one.name], one.output))
                continue
            seen.add(one.check_id)
            if further and not service_exists(further):
                if status == CRITICAL:
                    return Result(CRITICAL, _failing([*names, one.name], _missing(further, node)))
                continue
            names.append(one.name)
            ways.append(iter(checks_of(further)))
    return _healthy([one for one in checks_of(aim) if one.check_id != check_id])


def _failing(names: Sequence[str], output: str) -> str:
    """The output of what fails, under the names of the checks by which it is seen."""
    return "".join(f'Aliased check "{name}" failing: ' for name in names) + output


def _missing(service_id: str, node: str) -> str:
    return f"Service {service_id} could not be found on node {node}"


def _healthy(found: Sequence[Check]) -> Result:
    return Result(PASSING, "All checks passing." if found else "No checks found.")
