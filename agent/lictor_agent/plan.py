"""What anti-entropy does next, and when: a state machine without I/O, which `loop` carries out.

Changes are told at once, as many as there are in one round. From time to time the whole is compared: first by a digest
that the servers answer, and only when that differs by a listing. After a failure what was told is in doubt and told
again, later and later; once the servers are back the whole is compared, at a moment that is spread the wider the more
nodes there are. Source of the intervals: Consul's document `docs/internals/anti-entropy`.

  START --ASK_DIGEST--> differs or never listed --ASK_LISTING--> known --rounds of changes--> known
                        agrees ------------------------------------^
"""

from __future__ import annotations

import enum
import heapq
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

from lictor_agent.batches import Batch, batched, subjects
from lictor_agent.local import Change, LocalState, Subject
from lictor_agent.sync import Item, Observed, Scope, adopted_tags, diff, everything, output_due
from lictor_core.agreement import plain_check, plain_service
from lictor_core.backoff import Backoff
from lictor_core.clock import Rng
from lictor_core.records import Check, Node, NodeDigest, Service

__all__ = [
    "REFUSED_AGAIN_S",
    "SERVERS_BACK_S",
    "SYNC_EVERY_S",
    "Ask",
    "Plan",
    "Round",
    "SyncTokens",
    "cluster_scale",
]

SYNC_EVERY_S: Final = 60.0
"""Between full comparisons in a cluster of up to `_NODES_AT_BASE` nodes; each doubling adds the same again."""
SERVERS_BACK_S: Final = 3.0
"""Within this time (the same way longer in a larger cluster) the whole is compared once the servers are back."""
REFUSED_AGAIN_S: Final = 15.0
"""After this time what was refused is tried again, the same way later in a larger cluster."""
_NODES_AT_BASE: Final = 128
_RETRY_S_MIN: Final = 0.05
_RETRY_S_MAX: Final = 15.0

R = TypeVar("R", Service, Check)


def cluster_scale(nodes: int) -> int:
    """How many times rarer what every agent does must be in a cluster of this size: 1 up to 128 nodes, 2 up to 256."""
    return 1 + max(math.ceil(math.log2(max(nodes, 1) / _NODES_AT_BASE)), 0)


class Ask(enum.Enum):
    """What is asked of the servers."""

    DIGEST = "digest"
    LISTING = "listing"


@dataclass(frozen=True, slots=True)
class Round:
    """What is told: lanes at the same time, the batches of each in order."""

    lanes: tuple[tuple[Batch, ...], ...]


@dataclass(frozen=True, slots=True)
class SyncTokens:
    """By which token the agent writes what has none of its own: `default` its services and checks, `agent` its node."""

    default: str = ""
    agent: str = ""

    @property
    def for_node(self) -> str:
        """The token for the node's record, and for what is removed that nobody knows."""
        return self.agent or self.default


class Plan:
    """Keeps account of what the catalog was told of one node. `changed` must hear of every change of the state."""

    def __init__(
        self,
        local: LocalState,
        node: Node,
        rng: Rng,
        *,
        output_wait_s: float,
        now: float,
        tokens: SyncTokens,
        sync_every_s: float | None = None,
    ) -> None:
        """`sync_every_s` stands in the place of `SYNC_EVERY_S`."""
        self.tokens = tokens
        self.node = node
        self.nodes = 0
        """How many nodes the catalog had when last asked."""
        self._local = local
        self._rng = rng
        self._output_wait_s = output_wait_s
        self._sync_every_s = SYNC_EVERY_S if sync_every_s is None else sync_every_s
        self._observed = Observed()
        self._is_known = False
        self._needs_listing = False
        self._scope = Scope()
        self._has_rest = False
        self._full_at = now
        self._backoff = Backoff(rng, first_s=_RETRY_S_MIN, max_s=_RETRY_S_MAX)
        self._retry_at: float | None = None
        self._was_away = False
        self._dues: list[tuple[float, str]] = []
        self._has_due: set[str] = set()
        self._singly: set[tuple[Subject, str]] = set()
        self._told_by: dict[tuple[Subject, str], str] = {}
        self._is_shut_out = False

    @property
    def has_changes(self) -> bool:
        """Whether something changed that was not tried to be told."""
        return bool(self._scope)

    @property
    def has_rest(self) -> bool:
        """Whether the last round left something of itself to the next one."""
        return self._has_rest

    def holds_back(self, batch: Batch) -> bool:
        """Whether a batch is not to be told after all: the servers will not have this node, since another has its name.

        Each change on it would be refused, too. The next comparison finds them again.
        """
        return self._is_shut_out and not batch.items[0].node

    @property
    def remembered(self) -> int:
        """Of how many things it is remembered by which token they were told, or that they must be told alone."""
        return len(self._told_by.keys() | self._singly)

    def due_at(self) -> float | None:
        """The monotonic time of the next step; None for at once."""
        if self._retry_at is not None:
            return self._retry_at
        if self._scope and self._is_known:
            return None
        return min(self._full_at, self._dues[0][0]) if self._dues else self._full_at

    def next(self, now: float) -> Ask | Round | None:
        """What to do now; None when nothing is due."""
        if self._retry_at is not None and now < self._retry_at:
            return None
        self._retry_at = None
        self._take_dues(now)
        # After an outage changes go first, since everybody has the whole to compare; else they must not put it off.
        changes_first = self._is_known and self._was_away and bool(self._scope)
        if now >= self._full_at and not changes_first:
            return Ask.LISTING if self._needs_listing else Ask.DIGEST
        return self._round(now) if self._scope and self._is_known else None

    def changed(self, change: Change) -> None:
        """Something changed in the local state."""
        if change.subject is Subject.SERVICE:
            self._scope.services.add(change.id)
            return
        self._scope.checks.add(change.id)
        if not change.status_changed and change.id not in self._has_due:
            check = self._local.checks.get(change.id)
            due = None if check is None else output_due(check, self._output_wait_s)
            if due is not None:
                self._wait_until(due, change.id)

    def node_changed(self, node: Node) -> None:
        """The node has another record; its name is the same."""
        self.node = node
        self._scope.node = True

    def digest(self, answer: NodeDigest, now: float) -> None:
        """The servers answered `Ask.DIGEST`."""
        self._back(now)
        self.nodes = answer.nodes
        if self._is_known and not self._observed.is_doubtful and answer.digest == self._observed.digest():
            self._looked(now)
        else:
            self._needs_listing = True

    def listing(self, node: Node | None, services: Mapping[str, Service], checks: Iterable[Check], now: float) -> None:
        """The servers answered `Ask.LISTING`: all that the catalog has of this node."""
        self._back(now)
        self._needs_listing = False
        self._is_known = True
        # What agrees is kept once: an agent with thousands of services need not hold them twice.
        own_services = {key: one.service for key, one in self._local.services.items()}
        own_checks = {key: one.check for key, one in self._local.checks.items()}
        self._observed = Observed(
            node,
            {key: _shared(own_services.get(key), there, plain_service) for key, there in services.items()},
            {one.check_id: _shared(own_checks.get(one.check_id), one, plain_check) for one in checks},
        )
        for service_id, tags in adopted_tags(self._local, self._observed):
            self._local.adopt_tags(service_id, tags)
        self._looked(now)

    def written(self, batch: Batch, now: float) -> None:
        """The servers carried out a batch."""
        self._back(now)
        self._observed.note(batch.command(self.node))
        for item in batch.items:
            self._is_shut_out = self._is_shut_out and not item.node
            for key in _keys(item):
                self._singly.discard(key)
                if batch.token and not (item.gone_service or item.gone_check):
                    self._told_by[key] = batch.token
                else:
                    self._told_by.pop(key, None)
            for check in item.checks:
                current = self._local.checks.get(check.check_id)
                if current is not None and current.check.output == check.output:
                    self._local.output_told(check.check_id)

    def refused(self, batch: Batch, now: float) -> bool:
        """The servers will not have a batch, and did nothing of it. Whether that is final for the time being.

        It is not while the batch holds several changes: then each is told by itself.
        """
        self._back(now)
        for item in batch.items:
            self._singly.update(_keys(item))
        if len(batch.items) > 1:
            self._rescope(batch)
            return False
        if any(item.node for item in batch.items):
            self._is_shut_out = True
        again_s = REFUSED_AGAIN_S * cluster_scale(self.nodes)
        self._full_at = min(self._full_at, now + self._rng.uniform(0.75 * again_s, 1.25 * again_s))
        return True

    def lost(self, batch: Batch) -> None:
        """Whether a batch was carried out is not known, or it was not sent: it is told again."""
        self._observed.doubt(batch.command(self.node))
        self._rescope(batch)

    def failed(self, now: float) -> float:
        """The servers did not answer: seconds until the next attempt."""
        self._was_away = True
        pause_s = self._backoff.next_s()
        self._retry_at = now + pause_s
        return pause_s

    def look_again(self, now: float) -> None:
        """The catalog may have lost what it had of this node: compare the whole soon."""
        soon_s = SERVERS_BACK_S * cluster_scale(self.nodes)
        self._full_at = min(self._full_at, now + self._rng.uniform(0, soon_s))

    def _back(self, now: float) -> None:
        if self._was_away:
            self._was_away = False
            self._backoff.reset()
            self.look_again(now)

    def _looked(self, now: float) -> None:
        interval_s = self._sync_every_s * cluster_scale(self.nodes)
        self._full_at = now + interval_s * self._rng.uniform(0.75, 1.25)
        self._scope = everything(self._local, self._observed)
        self._is_shut_out = False
        self._forget_all_but(self._scope)

    def _forget_all_but(self, scope: Scope) -> None:
        """What is neither here nor in the catalog is remembered no more: ids that never come again must not pile up."""
        known = {Subject.SERVICE: scope.services, Subject.CHECK: scope.checks}
        self._told_by = {key: token for key, token in self._told_by.items() if key[1] in known[key[0]]}
        self._singly = {key for key in self._singly if key[1] in known[key[0]]}

    def _round(self, now: float) -> Round | None:
        scope, self._scope = self._scope, Scope()
        self._has_rest = False
        if self._is_shut_out and not scope.node:
            return None
        items = diff(self.node, self._local, self._observed, now, output_wait_s=self._output_wait_s, scope=scope)
        lanes, later = batched(items, self._token, self._is_single)
        for item in later:
            self._has_rest = True
            self._scope.checks.update(check.check_id for check in item.checks)
        return Round(tuple(map(tuple, lanes))) if lanes else None

    def _rescope(self, batch: Batch) -> None:
        self._has_rest = True
        for item in batch.items:
            self._scope.node |= item.node
            services, checks = subjects(item)
            self._scope.services.update(services)
            self._scope.checks.update(checks)
            if item.gone_service:
                self._scope.checks |= self._observed.doubtful_checks

    def _take_dues(self, now: float) -> None:
        while self._dues and self._dues[0][0] <= now:
            _, check_id = heapq.heappop(self._dues)
            self._has_due.discard(check_id)
            if check_id not in self._local.untold_outputs:
                continue
            due = output_due(self._local.checks[check_id], self._output_wait_s)
            if due is not None and due > now:  # it was told since, with a new status, and has changed again
                self._wait_until(due, check_id)
            else:
                self._scope.checks.add(check_id)

    def _wait_until(self, due: float, check_id: str) -> None:
        self._has_due.add(check_id)
        heapq.heappush(self._dues, (due, check_id))

    def _token(self, item: Item) -> str:
        if item.node:
            return self.tokens.for_node
        if item.gone_service or item.gone_check:
            return self._told_by.get(_keys(item)[0], self.tokens.for_node)
        if item.service is not None:
            return self._local.services[item.service.id].token or self.tokens.default
        return self._local.checks[item.checks[0].check_id].token or self.tokens.default

    def _is_single(self, item: Item) -> bool:
        return bool(self._singly) and any(key in self._singly for key in _keys(item))


def _shared(mine: R | None, theirs: R, plain: Callable[[R], R]) -> R:
    return mine if mine is not None and plain(mine) == plain(theirs) else theirs


def _keys(item: Item) -> list[tuple[Subject, str]]:
    services, checks = subjects(item)
    return [*((Subject.SERVICE, one) for one in services), *((Subject.CHECK, one) for one in checks)]
