"""`/v1/acl/*`, and the tokens of an agent: as a cluster without ACLs answers them, which every cluster is today.

Paths and methods are those of Consul 1.8's documents `api-docs/acl` and `api-docs/acl-legacy`. Whatever is asked or
sent, the answer is 401; a body is not looked at.
"""

from __future__ import annotations

from typing import Final

from lictor_agent.http.described import NOTHING, described
from lictor_agent.http.encoding import Answer
from lictor_agent.http.errors import Refusal
from lictor_agent.http.requests import Request
from lictor_agent.http.router import Endpoint, Route
from lictor_agent.http.site import Site

__all__ = ["ROUTES"]

_OFF: Final = "ACL support disabled"
_ALSO: Final = {401: "The cluster has no ACLs."}


@described(NOTHING, also=_ALSO)
async def whole(site: Site, request: Request) -> Answer:
    """Access control, which this cluster does not have."""
    raise Refusal(_OFF, status=401)


@described(NOTHING, also=_ALSO, tail="name")
async def named(site: Site, request: Request) -> Answer:
    """One thing of access control, which this cluster does not have."""
    raise Refusal(_OFF, status=401)


_METHODS: Final[dict[str, tuple[str, ...]]] = {
    "/v1/acl/bootstrap": ("PUT",),
    "/v1/acl/create": ("PUT",),
    "/v1/acl/update": ("PUT",),
    "/v1/acl/destroy/": ("PUT",),
    "/v1/acl/info/": ("GET",),
    "/v1/acl/clone/": ("PUT",),
    "/v1/acl/list": ("GET",),
    "/v1/acl/login": ("POST",),
    "/v1/acl/logout": ("POST",),
    "/v1/acl/replication": ("GET",),
    "/v1/acl/policies": ("GET",),
    "/v1/acl/policy": ("PUT",),
    "/v1/acl/policy/": ("GET", "PUT", "DELETE"),
    "/v1/acl/policy/name/": ("GET",),
    "/v1/acl/roles": ("GET",),
    "/v1/acl/role": ("PUT",),
    "/v1/acl/role/": ("GET", "PUT", "DELETE"),
    "/v1/acl/role/name/": ("GET",),
    "/v1/acl/binding-rules": ("GET",),
    "/v1/acl/binding-rule": ("PUT",),
    "/v1/acl/binding-rule/": ("GET", "PUT", "DELETE"),
    "/v1/acl/auth-methods": ("GET",),
    "/v1/acl/auth-method": ("PUT",),
    "/v1/acl/auth-method/": ("GET", "PUT", "DELETE"),
    "/v1/acl/rules/translate": ("POST",),
    "/v1/acl/rules/translate/": ("GET",),
    "/v1/acl/tokens": ("GET",),
    "/v1/acl/token": ("PUT",),
    "/v1/acl/token/self": ("GET",),
    "/v1/acl/token/": ("GET", "PUT", "DELETE"),
    "/v1/internal/acl/authorize": ("POST",),
}


def _route(path: str, methods: tuple[str, ...]) -> Route:
    endpoint: Endpoint = named if path.endswith("/") else whole
    return Route(path, dict.fromkeys(methods, endpoint))


ROUTES: Final = tuple(_route(path, methods) for path, methods in _METHODS.items())
