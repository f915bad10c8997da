"""Anti-entropy: what the catalog must be told so that it agrees with the agent (architecture, decision 8).

Pure. `diff` compares what is registered here with what the catalog was last seen to have, and gives the changes that
make it agree. What the agent does not know goes, but for what the servers keep on a node themselves. Source: Consul's
document `docs/internals/anti-entropy`.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import msgspec

from lictor_agent.local import LocalCheck, LocalState
from lictor_core.agreement import SERVERS_OWN_CHECK, SERVERS_OWN_SERVICE, node_digest, plain_check, plain_service
from lictor_core.agreement import same_node as says_the_same
from lictor_core.commands import NodeUpdate
from lictor_core.records import Check, Node, Service

__all__ = ["CHECKS_PER_ITEM_MAX", "Item", "Observed", "Scope", "adopted_tags", "diff", "everything", "output_due"]

CHECKS_PER_ITEM_MAX: Final = 128
"""Checks that are told in one piece: with an output of 4 KiB each they stay well below the bound of a command."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Item:
    """One change that is made whole: the node's record, a removal, or an instance and checks."""

    node: bool = False
    gone_service: str = ""
    gone_check: str = ""
    service: Service | None = None
    checks: tuple[Check, ...] = ()


@dataclass
class Observed:
    """What the catalog has of this node: as it was read, with the commands noted that were carried out since.

    What is in doubt may be otherwise there: a command about it was sent, and its answer was lost.
    """

    node: Node | None = None
    services: dict[str, Service] = field(default_factory=dict[str, Service])
    checks: dict[str, Check] = field(default_factory=dict[str, Check])
    doubtful_services: set[str] = field(default_factory=set[str])
    doubtful_checks: set[str] = field(default_factory=set[str])

    @property
    def is_doubtful(self) -> bool:
        """Whether anything is in doubt."""
        return bool(self.doubtful_services or self.doubtful_checks)

    def digest(self) -> str:
        """The digest that the catalog gives if it has exactly this."""
        return node_digest(self.node, self.services.values(), self.checks.values())

    def note(self, command: NodeUpdate) -> None:
        """Take over what `command` did."""
        if not command.skip_node_update or self.node is None:
            self.node = command.node
        for service_id in command.gone_services:
            for check_id in self._checks_of(service_id):
                self._drop_check(check_id)
            self.services.pop(service_id, None)
            self.doubtful_services.discard(service_id)
        for check_id in command.gone_checks:
            self._drop_check(check_id)
        for service in command.services:
            self.services[service.id] = service
            self.doubtful_services.discard(service.id)
        for check in command.checks:
            self.checks[check.check_id] = check
            self.doubtful_checks.discard(check.check_id)

    def doubt(self, command: NodeUpdate) -> None:
        """`command` may have been carried out, or not."""
        if not command.skip_node_update:
            self.node = None
        for service_id in command.gone_services:
            self.doubtful_services.add(service_id)
            self.doubtful_checks.update(self._checks_of(service_id))
        self.doubtful_checks.update(command.gone_checks)
        self.doubtful_services.update(one.id for one in command.services)
        self.doubtful_checks.update(one.check_id for one in command.checks)

    def _checks_of(self, service_id: str) -> list[str]:
        return [key for key, one in self.checks.items() if one.service_id == service_id]

    def _drop_check(self, check_id: str) -> None:
        self.checks.pop(check_id, None)
        self.doubtful_checks.discard(check_id)


@dataclass
class Scope:
    """Which services and checks to compare; `node` also the record of the node."""

    node: bool = False
    services: set[str] = field(default_factory=set[str])
    checks: set[str] = field(default_factory=set[str])

    def __bool__(self) -> bool:
        return self.node or bool(self.services) or bool(self.checks)


def everything(local: LocalState, observed: Observed) -> Scope:
    """The scope of a full comparison."""
    return Scope(
        True,
        {*local.services, *observed.services, *observed.doubtful_services},
        {*local.checks, *observed.checks, *observed.doubtful_checks},
    )


def diff(
    node: Node, local: LocalState, observed: Observed, now: float, *, output_wait_s: float, scope: Scope | None = None
) -> list[Item]:
    """The changes that make the catalog agree, removals first; none when it does.

    Carrying them all out and comparing again gives none. A change of output alone waits for its time (`output_due`).
    Without a scope everything is compared. An instance comes before its checks.
    """
    scope = everything(local, observed) if scope is None else scope
    items = (
        [Item(node=True)] if scope.node and (observed.node is None or not says_the_same(node, observed.node)) else []
    )
    items += _removals(local, observed, scope)
    services = sorted(key for key in scope.services if key in local.services and not _same(local, key, observed))
    by_service: dict[str, list[LocalCheck]] = {}
    for key in sorted(scope.checks):
        one = local.checks.get(key)
        if one is not None and not _agrees(one, observed, now, output_wait_s):
            by_service.setdefault(one.check.service_id, []).append(one)
    for service_id in services:
        owner = local.services[service_id]
        own = by_service.pop(service_id, [])
        # What another token is for is told apart, by that token.
        items += _puts(owner.service, [one.check for one in own if one.token == owner.token])
        by_service[service_id] = [one for one in own if one.token != owner.token]
    for own in by_service.values():
        # Without the instance, which the catalog has: sending it again would undo tags that others set there.
        for token in sorted({one.token for one in own}):
            items += _puts(None, [one.check for one in own if one.token == token])
    return items


def adopted_tags(local: LocalState, observed: Observed) -> list[tuple[str, list[str]]]:
    """Id and tags of the instances whose tags others may set in the catalog, and did (`EnableTagOverride`)."""
    return [
        (key, there.tags)
        for key, one in local.services.items()
        if one.service.enable_tag_override
        and (there := observed.services.get(key)) is not None
        and there.tags != one.service.tags
    ]


def output_due(check: LocalCheck, output_wait_s: float) -> float | None:
    """The monotonic time from which the catalog is to be told of a changed output; None when none is waiting.

    Between half and one and a half `output_wait_s` after the change, at a place that follows from the check's id, so
    that checks whose output always changes do not write all at once.
    """
    if check.output_since is None:
        return None
    spread = zlib.crc32(f"{check.check.node}/{check.check.check_id}".encode()) / 2**32
    return check.output_since + output_wait_s * (0.5 + spread)


def _removals(local: LocalState, observed: Observed, scope: Scope) -> Iterator[Item]:
    gone = {
        key
        for key in scope.services
        if key not in local.services
        and key != SERVERS_OWN_SERVICE
        and (key in observed.services or key in observed.doubtful_services)
    }
    for key in sorted(gone):
        yield Item(gone_service=key)
    for key in sorted(scope.checks):
        if key in local.checks or key == SERVERS_OWN_CHECK:
            continue
        there = observed.checks.get(key)
        if there is None:
            if key in observed.doubtful_checks:
                yield Item(gone_check=key)
        # The checks of an instance that goes go with it; those of the servers' own service are the servers'.
        elif there.service_id not in gone and there.service_id != SERVERS_OWN_SERVICE:
            yield Item(gone_check=key)


def _puts(service: Service | None, checks: list[Check]) -> Iterator[Item]:
    if service is not None and not checks:
        yield Item(service=service)
    for start in range(0, len(checks), CHECKS_PER_ITEM_MAX):
        yield Item(service=service, checks=tuple(checks[start : start + CHECKS_PER_ITEM_MAX]))
        service = None


def _same(local: LocalState, service_id: str, observed: Observed) -> bool:
    there = observed.services.get(service_id)
    if there is None or service_id in observed.doubtful_services:
        return False
    here = local.services[service_id].service
    return here is there or plain_service(here) == plain_service(there)


def _agrees(here: LocalCheck, observed: Observed, now: float, output_wait_s: float) -> bool:
    check_id = here.check.check_id
    there = observed.checks.get(check_id)
    if there is None or check_id in observed.doubtful_checks:
        return False
    if here.check is there:
        return True
    mine, theirs = plain_check(here.check), plain_check(there)
    if mine == theirs:
        return True
    due = output_due(here, output_wait_s)
    return due is not None and now < due and mine == msgspec.structs.replace(theirs, output=mine.output)
