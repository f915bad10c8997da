"""Many changes told in few commands: what may go together under one token, within the bounds of a command.

Pure. Consul sends a command for each service; here an agent with a thousand of them sends a few.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from lictor_agent.sync import Item
from lictor_core.codec import pack
from lictor_core.commands import NodeUpdate
from lictor_core.records import Node

__all__ = ["BATCH_BYTES_MAX", "BATCH_THINGS_MAX", "Batch", "batched", "subjects"]

BATCH_THINGS_MAX: Final = 256
"""Instances, checks and removals in one command: applying it holds up a server for a few milliseconds at most."""
BATCH_BYTES_MAX: Final = 256 * 1024
"""Bytes in one command, unless a single change has more."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Changes that go together, by one token."""

    token: str
    items: tuple[Item, ...]

    def command(self, node: Node) -> NodeUpdate:
        """The command that makes these changes on `node`, whose record stays unless one of them is about it."""
        return NodeUpdate(
            node=node,
            skip_node_update=not any(item.node for item in self.items),
            gone_services=[item.gone_service for item in self.items if item.gone_service],
            gone_checks=[item.gone_check for item in self.items if item.gone_check],
            services=[item.service for item in self.items if item.service is not None],
            checks=[check for item in self.items for check in item.checks],
        )


def subjects(item: Item) -> tuple[list[str], list[str]]:
    """The ids of the services and of the checks that a change is about."""
    services = [item.gone_service] if item.gone_service else [] if item.service is None else [item.service.id]
    return services, [item.gone_check] if item.gone_check else [check.check_id for check in item.checks]


def batched(
    items: Iterable[Item], token: Callable[[Item], str], alone: Callable[[Item], bool]
) -> tuple[list[list[Batch]], list[Item]]:
    """Lanes of batches, and what must wait for them: lanes may be told at the same time, the batches of each in order.

    There is a lane for each token. What is `alone` shares its batch with nothing. A check that another token is for
    than for its instance waits until that is there.
    """
    lanes: dict[str, list[Item]] = {}
    owners: dict[str, str] = {}
    later: list[Item] = []
    for item in items:
        by = token(item)
        if item.service is not None:
            owners[item.service.id] = by
        elif any(owners.get(check.service_id, by) != by for check in item.checks):
            later.append(item)
            continue
        lanes.setdefault(by, []).append(item)
    return [[Batch(by, tuple(some)) for some in _split(own, alone)] for by, own in lanes.items()], later


def _split(items: Sequence[Item], alone: Callable[[Item], bool]) -> Iterable[list[Item]]:
    some: list[Item] = []
    things = size = 0
    for item in items:
        if alone(item):
            if some:
                yield some
            yield [item]
            some, things, size = [], 0, 0
            continue
        more, bytes_more = 1 + len(item.checks), len(pack((item.service, item.checks)))
        if some and (things + more > BATCH_THINGS_MAX or size + bytes_more > BATCH_BYTES_MAX):
            yield some
            some, things, size = [], 0, 0
        some.append(item)
        things, size = things + more, size + bytes_more
    if some:
        yield some
