"""One delta ADS stream: what an Envoy asked for, what it holds, what it is told next. Pure; time stands outside.

`receive` takes its requests, `respond` gives what is due to be sent, now. Both may be called at any time in any order;
after each `receive` something may be due. The rules, and why:

1. Clusters, endpoints, secrets, listeners, routes, in this order, so that nothing refers to what is not there; a kind
   whose changes must wait holds back those behind it. Clusters go last, when nobody refers to them any more.
2. One unanswered response of a kind at most: what changes meanwhile goes together, and the memory is bounded.
3. Who replaces a cluster waits for its endpoints, who replaces a listener for its routes, as if they were new: they are
   sent again (15 s of warming otherwise).
4. A name that is subscribed again on a running stream was forgotten by the client: sent again. In the first request of
   a kind the client names the versions it holds: trusted.
5. What was rejected is not sent again until it is different. A response is rejected as a whole though one resource may
   be at fault: those that the client's words do not name are sent once more without it; when they name none, the
   response is halved until it is found.
6. No answer is worse than an empty one for endpoints and routes; see `resources.empty`. Who asks for all of a kind of
   which there is nothing is told so: it waits else. Of a kind that is not served there is nothing, and that is said.

Source: Envoy's document `docs/root/api-docs/xds_protocol`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Final, NamedTuple

import msgspec

from lictor_connect_proxy.xds.kinds import CLUSTER, ENDPOINTS, LISTENER, ORDER, ROUTES, SECRET
from lictor_connect_proxy.xds.resources import Encoded, State, empty
from lictor_core.errors import OverloadedError

__all__ = ["NAMES_MAX", "RESPONSE_BYTES_MAX", "DeltaRequest", "DeltaResponse", "DeltaStream", "Rejection"]

NAMES_MAX: Final = 65_536
"""Names that one client may subscribe to, and versions that it may name."""
KINDS_MAX: Final = 32
RESPONSE_BYTES_MAX: Final = 1024 * 1024
"""A response is closed once it holds so much; one larger resource goes alone."""
_DETAIL_CHARS_MAX: Final = 1024
_CHILDREN: Final = {CLUSTER: ENDPOINTS, LISTENER: ROUTES}
_WILD: Final = (CLUSTER, LISTENER)
"""Kinds of which a client that names nothing wants all."""


class DeltaRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A DeltaDiscoveryRequest. `nonce` answers a response; `error` tells that it was rejected, and why."""

    kind: str
    subscribe: tuple[str, ...] = ()
    unsubscribe: tuple[str, ...] = ()
    versions: Mapping[str, str] = {}
    nonce: str = ""
    error: str | None = None


class DeltaResponse(NamedTuple):
    """A DeltaDiscoveryResponse."""

    kind: str
    nonce: str
    resources: tuple[tuple[str, Encoded], ...]
    removed: tuple[str, ...]


class Rejection(NamedTuple):
    """What a client would not take: the resources that its words name, or all that were sent together."""

    kind: str
    names: tuple[str, ...]
    detail: str


@dataclass(slots=True)
class _Kind:
    """What the client wants and holds of one kind. `held` are versions, `forced` names to be sent in any case.

    `is_fresh`: it held nothing when it first asked; `is_unanswered`: and it asked for all, and heard nothing yet.
    """

    wants_all: bool = False
    is_begun: bool = False
    is_fresh: bool = False
    is_unanswered: bool = False
    wanted: set[str] = field(default_factory=set[str])
    held: dict[str, str] = field(default_factory=dict[str, str])
    forced: set[str] = field(default_factory=set[str])
    rejected: dict[str, str] = field(default_factory=dict[str, str])
    waiting: DeltaResponse | None = None
    suspects: list[tuple[str, ...]] = field(default_factory=list[tuple[str, ...]])

    def due(self, found: Mapping[str, Encoded], fill: Callable[[str], Encoded | None]) -> dict[str, Encoded]:
        """What must be sent, by name."""
        names = found.keys() | self.wanted if self.wants_all else self.wanted
        due: dict[str, Encoded] = {}
        for name in sorted(names):
            resource = found.get(name)
            if resource is None:
                # Who holds something keeps it: a name goes from here together with what refers to it.
                resource = fill(name) if name not in self.held or name in self.forced else None
            if resource is not None and (self.held.get(name) != resource.version or name in self.forced):
                due[name] = resource
        return due

    def gone(self, found: Mapping[str, Encoded]) -> tuple[str, ...]:
        """What the client holds and must not any more."""
        if not self.wants_all:
            return ()
        return tuple(name for name in self.held if name not in found and name not in self.wanted)


class DeltaStream:
    """The server's side of one stream. `owed` is what the last stream of the same client left behind."""

    def __init__(self, owed: Mapping[str, frozenset[str]] | None = None) -> None:
        self.applied: int | None = None
        """The stamp of the last state of which the client has taken, or rejected, everything it wants."""
        self._kinds: dict[str, _Kind] = {kind: _Kind() for kind in ORDER}
        self._count = 0
        for kind, names in (owed or {}).items():
            self._kinds[kind].forced.update(names)

    @property
    def owed(self) -> Mapping[str, frozenset[str]]:
        """Children by kind that the client may be waiting for, though it will say that it holds them (rule 3)."""
        owed: dict[str, frozenset[str]] = {}
        for kind in _CHILDREN.values():
            one = self._kinds[kind]
            unsure = {name for name, _ in one.waiting.resources} if one.waiting else set[str]()
            if found := frozenset(one.forced | unsure):
                owed[kind] = found
        return owed

    @property
    def rejected(self) -> tuple[Rejection, ...]:
        """What the client does not run because it would not take it, by name."""
        return tuple(
            Rejection(kind, (name,), detail)
            for kind, one in self._kinds.items()
            for name, detail in sorted(one.rejected.items())
        )

    def receive(self, request: DeltaRequest) -> Rejection | None:
        """Take a request; a rejection that it tells. Raises `OverloadedError` when it is about too many names."""
        one = self._kind(request.kind)
        if len(one.wanted) + len(request.subscribe) > NAMES_MAX or len(request.versions) > NAMES_MAX:
            raise OverloadedError(f"a proxy may ask for {NAMES_MAX} resources of a kind; this one asks for more")
        if not one.is_begun:
            one.is_begun, one.is_fresh = True, not request.versions
            one.wants_all = request.kind in _WILD and not request.subscribe
            one.held = dict(request.versions)
            one.is_unanswered = one.is_fresh and (one.wants_all or "*" in request.subscribe)
        else:
            for name in request.subscribe:
                one.held.pop(name, None)
        for name in request.unsubscribe:
            one.wanted.discard(name)
            for known in (one.held, one.rejected):
                known.pop(name, None)
            one.forced.discard(name)
            one.wants_all = one.wants_all and name != "*"
        one.wanted.update(name for name in request.subscribe if name != "*")
        one.wants_all = one.wants_all or "*" in request.subscribe
        return self._answered(one, request)

    def respond(self, state: State, stamp: int) -> list[DeltaResponse]:
        """What the client must be told for it to hold `state`, as far as it may be told now.

        `stamp` names the state; see `applied`.
        """
        responses: list[DeltaResponse] = []
        is_held_back, is_settled = False, True
        for kind, one in self._kinds.items():
            found = state.get(kind, {})
            for name in [name for name in one.rejected if name not in found]:
                del one.rejected[name]
                if not one.wants_all:
                    one.held.pop(name, None)  # it never held this, and may be waiting for anything at all
            due = one.due(found, partial(empty, kind))
            gone = () if kind == CLUSTER else one.gone(found) if kind in ORDER else tuple(sorted(one.wanted))
            if not due and not gone and not one.is_unanswered:
                is_settled = is_settled and one.waiting is None
                continue
            is_settled = False
            if one.waiting is not None or (is_held_back and kind != SECRET):
                is_held_back = is_held_back or kind != SECRET
                continue
            sent = self._suspects(one, due) or _portion(due)
            is_held_back = is_held_back or len(sent) < len(due)
            responses.append(self._send(kind, one, sent, gone))
        if is_settled and self._has_asked(state):
            self.applied = stamp
            responses += self._retire_clusters(state)
        return responses

    def _has_asked(self, state: State) -> bool:
        """Whether the client has said what it holds: one that comes again asks for one kind after the other."""
        listeners, secrets = self._kinds[LISTENER], self._kinds[SECRET]
        return listeners.is_begun and (listeners.is_fresh or secrets.is_begun or not state.get(SECRET))

    def _retire_clusters(self, state: State) -> list[DeltaResponse]:
        one = self._kinds[CLUSTER]
        gone = one.gone(state.get(CLUSTER, {}))
        return [self._send(CLUSTER, one, {}, gone)] if gone else []

    def _send(self, kind: str, one: _Kind, sent: Mapping[str, Encoded], gone: tuple[str, ...]) -> DeltaResponse:
        self._count += 1
        response = DeltaResponse(kind, f"{self._count:08x}", tuple(sent.items()), gone)
        one.waiting, one.is_unanswered = response, False
        one.forced -= sent.keys()
        one.held.update({name: resource.version for name, resource in sent.items()})
        for name in gone:
            one.held.pop(name, None)
            one.rejected.pop(name, None)
        if kind not in ORDER:
            one.wanted.clear()
        if kind in _CHILDREN:
            forced = self._kinds[_CHILDREN[kind]].forced
            forced.update(child for resource in sent.values() for child in resource.children)
        return response

    @staticmethod
    def _suspects(one: _Kind, due: Mapping[str, Encoded]) -> dict[str, Encoded]:
        """The next group of those that were rejected together, as far as they are still due."""
        while one.suspects:
            group = one.suspects.pop()
            sent = {name: due[name] for name in group if name in due}
            if sent:
                return sent
        return {}

    def _answered(self, one: _Kind, request: DeltaRequest) -> Rejection | None:
        response = one.waiting
        if not request.nonce or response is None or response.nonce != request.nonce:
            return None
        one.waiting = None
        names = tuple(name for name, _ in response.resources)
        if request.error is None:
            for name in names:
                one.rejected.pop(name, None)
            return None
        detail = request.error[:_DETAIL_CHARS_MAX]
        culprits = tuple(name for name in names if _names(name, request.error))
        if not culprits and len(names) > 1:
            self._suspect(one, names[: len(names) // 2], names[len(names) // 2 :])
            return Rejection(request.kind, names, detail)
        culprits = culprits or names
        for name in culprits:
            one.rejected[name] = detail
        self._suspect(one, tuple(name for name in names if name not in culprits))
        return Rejection(request.kind, culprits, detail)

    @staticmethod
    def _suspect(one: _Kind, *groups: tuple[str, ...]) -> None:
        for group in groups:
            if group:
                one.suspects.append(group)
                one.forced.update(group)

    def _kind(self, kind: str) -> _Kind:
        one = self._kinds.get(kind)
        if one is None:
            if len(self._kinds) >= KINDS_MAX:
                raise OverloadedError(f"a proxy may ask for {KINDS_MAX} kinds of resources; this one asks for more")
            one = self._kinds[kind] = _Kind()
        return one


def _names(name: str, text: str) -> bool:
    """Whether `text` is about `name`, not about a longer name that holds it."""
    return bool(name) and re.search(rf"(?<![\w.-]){re.escape(name)}(?!\.?[\w-])", text) is not None


def _portion(due: Mapping[str, Encoded]) -> dict[str, Encoded]:
    """As much of it as goes into one response."""
    sent: dict[str, Encoded] = {}
    size = 0
    for name, resource in due.items():
        if sent and size + len(resource.body) > RESPONSE_BYTES_MAX:
            break
        sent[name] = resource
        size += len(resource.body)
    return sent
