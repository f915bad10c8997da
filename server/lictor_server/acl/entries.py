"""What it takes to see and to write configuration entries, by their kinds. Pure.

Sources: Consul's document `api-docs/config`; kinds that only later Consul has need what they need there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, cast

from lictor_core.acl.authorizer import Authorizer
from lictor_core.acl.rules import Access, Resource
from lictor_core.records import JsonObject

__all__ = ["require_reading_entry", "require_writing_entry", "sees_entry"]

_READ: Final[Mapping[str, Resource | None]] = {
    "service-defaults": Resource.SERVICE,
    "service-router": Resource.SERVICE,
    "service-splitter": Resource.SERVICE,
    "service-resolver": Resource.SERVICE,
    "ingress-gateway": Resource.SERVICE,
    "terminating-gateway": Resource.SERVICE,
    "service-intentions": Resource.INTENTION,
    "proxy-defaults": None,
    "mesh": None,
    "jwt-provider": None,
}
"""Whose reading it takes to see an entry; None: everybody with a token sees it, since every proxy goes by it."""
_WRITE: Final[Mapping[str, Resource]] = {
    "service-defaults": Resource.SERVICE,
    "service-router": Resource.SERVICE,
    "service-splitter": Resource.SERVICE,
    "service-resolver": Resource.SERVICE,
    "ingress-gateway": Resource.OPERATOR,
    "terminating-gateway": Resource.OPERATOR,
    "service-intentions": Resource.INTENTION,
    "proxy-defaults": Resource.OPERATOR,
    "mesh": Resource.MESH,
    "jwt-provider": Resource.MESH,
}
_LEADING_ELSEWHERE: Final = frozenset({"service-router", "service-splitter", "service-resolver"})
_SERVICE: Final = "Service"


def sees_entry(judge: Authorizer, kind: str, name: str) -> bool:
    """Whether an entry is seen. One of a kind nobody knows is the operator's."""
    resource = _READ.get(kind, Resource.OPERATOR)
    return resource is None or judge.allows(resource, name)


def require_reading_entry(judge: Authorizer, kind: str, name: str) -> None:
    """Raise `PermissionDeniedError` unless an entry of this kind and name may be seen, whether or not it is there."""
    resource = _READ.get(kind, Resource.OPERATOR)
    if resource is not None:
        judge.require(resource, name)


def require_writing_entry(judge: Authorizer, kind: str, name: str, body: JsonObject | None = None) -> None:
    """Raise `PermissionDeniedError` unless an entry may be written, or deleted where it has no `body`.

    An entry that leads to other services is written by who may read these.
    """
    judge.require(_WRITE.get(kind, Resource.OPERATOR), name, Access.WRITE)
    if body is not None and kind in _LEADING_ELSEWHERE:
        for service in dict.fromkeys(_services(body)):
            if service != name:
                judge.require(Resource.SERVICE, service)


def _services(part: object) -> Iterator[str]:
    """Every service that an entry names, wherever it stands in it."""
    if isinstance(part, Mapping):
        for key, value in cast("Mapping[str, object]", part).items():
            if key == _SERVICE and isinstance(value, str):
                if value:
                    yield value
            else:
                yield from _services(value)
    elif isinstance(part, list | tuple):
        for one in cast("list[object]", part):
            yield from _services(one)
