"""Resources of one proxy in wire form. Only what changed is encoded again; equal content has an equal version.

The version of a resource is a hash of its bytes. So an Envoy that names the versions it holds after the agent was
started again is told of nothing that it has.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple, cast

from lictor_connect_proxy.xds.descriptors import encoded
from lictor_connect_proxy.xds.kinds import CLUSTER, ENDPOINTS, LISTENER, ROUTES, Resources
from lictor_core.errors import ConfigurationError
from lictor_core.records import JsonObject

__all__ = ["Encoded", "Encoder", "Flaw", "State", "empty"]

_VERSION_BYTES: Final = 8
_DEPTH_MAX: Final = 64
"""How deep a listener is searched for the names of its routes; protobuf itself stops at 100."""


class Encoded(NamedTuple):
    """One resource as it is sent. `children` names what must be sent again after it: the endpoints of a cluster, the
    routes of a listener (design of Envoy: whoever replaces a parent waits for them as if they were new).
    """

    version: str
    body: bytes
    children: tuple[str, ...] = ()


State = Mapping[str, Mapping[str, Encoded]]
"""For each type URL its resources by name."""


class Flaw(NamedTuple):
    """A resource that cannot be encoded; what was there before it stays."""

    kind: str
    name: str
    reason: str


class Encoder:
    """Remembers what it encoded last. Not to be used by two threads at once."""

    def __init__(self) -> None:
        self._last: dict[str, dict[str, tuple[JsonObject, Encoded | None, str]]] = {}

    def encode(self, resources: Resources) -> tuple[State, tuple[Flaw, ...]]:
        """All of `resources` in wire form, and those that are none of Envoy's."""
        flaws: list[Flaw] = []
        state: dict[str, dict[str, Encoded]] = {}
        last, self._last = self._last, {}
        for kind, wanted in resources.items():
            before = last.get(kind, {})
            now = self._last.setdefault(kind, {})
            for name, fields in wanted.items():
                known = before.get(name)
                if known is None or known[0] != fields:
                    known = _encode(kind, fields, known[1] if known else None)
                now[name] = known
                if known[2]:
                    flaws.append(Flaw(kind, name, known[2]))
            state[kind] = {name: known[1] for name, known in now.items() if known[1] is not None}
        return state, tuple(flaws)


def empty(kind: str, name: str) -> Encoded | None:
    """What is answered for a name that nobody knows; None where no answer is right.

    Envoy waits for endpoints and routes that it asked for: without an answer a cluster or listener is not ready until
    a time-out. It shall wait for a secret: an empty one would be a wrong one.
    """
    if kind == ENDPOINTS:
        return _encoded(kind, {"cluster_name": name})
    if kind == ROUTES:
        return _encoded(kind, {"name": name})
    return None


def _encode(kind: str, fields: JsonObject, before: Encoded | None) -> tuple[JsonObject, Encoded | None, str]:
    try:
        return fields, _encoded(kind, fields), ""
    except ConfigurationError as error:
        return fields, before, str(error)


def _encoded(kind: str, fields: JsonObject) -> Encoded:
    body = encoded(kind, fields)
    version = hashlib.blake2b(body, digest_size=_VERSION_BYTES).hexdigest()
    return Encoded(version, body, tuple(_children(kind, fields)))


def _children(kind: str, fields: JsonObject) -> Iterator[str]:
    if kind == CLUSTER:
        eds = _object(fields.get("eds_cluster_config"))
        if eds:
            yield str(eds.get("service_name") or fields.get("name", ""))
    elif kind == LISTENER:
        yield from sorted(set(_route_names(fields, 0)))


def _route_names(value: object, depth: int) -> Iterator[str]:
    if depth > _DEPTH_MAX:
        return
    if isinstance(value, list):
        for inner in cast(list[object], value):
            yield from _route_names(inner, depth + 1)
        return
    for key, inner in _object(value).items():
        name = _object(inner).get("route_config_name")
        if key == "rds" and isinstance(name, str):
            yield name
        else:
            yield from _route_names(inner, depth + 1)


def _object(value: object) -> JsonObject:
    return cast(JsonObject, value) if isinstance(value, dict) else {}
