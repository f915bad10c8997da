"""Which permission each endpoint needs, who judges it, and what becomes of whom lacks it. A test finds routes without.

What only the agent knows is judged here: before the endpoint where the table alone tells what is needed (`GATED`), else
within it. What the registry has is judged by the servers, which the token goes to. Sources: the tables of required ACLs
in Consul's `api-docs`; verdicts of Consul 1.8.7.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from lictor_agent.http.errors import Refusal
from lictor_core.acl.authorizer import Authorizer
from lictor_core.acl.rules import Access, Resource
from lictor_core.errors import PermissionDeniedError

if TYPE_CHECKING:
    from lictor_agent.http.router import Route

__all__ = ["NEEDS", "Judge", "Need", "Permission", "need_of", "require_gate"]


class Judge(enum.StrEnum):
    """Who judges, and how who may not is told."""

    GATED = "gated"
    """This agent, before the endpoint is asked: refused."""
    AGENT = "agent"
    """This agent, where it is known what is needed: refused."""
    AGENT_FILTERS = "agent filters"
    """This agent: what may not be seen is left out."""
    SERVERS = "servers"
    """The servers: refused."""
    SERVERS_FILTER = "servers filter"
    """The servers: what may not be seen is left out."""
    NOBODY = "nobody"
    """Everybody may."""


@dataclass(frozen=True, slots=True)
class Permission:
    """One permission; `of` says whose name counts, for people: empty for what has none."""

    resource: Resource
    access: Access
    of: str = ""

    @property
    def text(self) -> str:
        """As documents write it."""
        needed = f"{self.resource}:{self.access.word}"
        return f"{needed} of {self.of}" if self.of else needed


@dataclass(frozen=True, slots=True)
class Need:
    """What one method of one path needs: all of `permissions`. `why` tells of what is no matter of course."""

    judge: Judge
    permissions: tuple[Permission, ...] = ()
    why: str = ""

    @property
    def text(self) -> str:
        """For people, in a sentence."""
        if self.judge is Judge.NOBODY:
            return f"Needs no permission: {self.why}."
        needed = " and ".join(one.text for one in self.permissions)
        filters = self.judge in (Judge.AGENT_FILTERS, Judge.SERVERS_FILTER)
        text = f"Shows what {needed} allows" if filters else f"Needs {needed}"
        return f"{text}; {self.why}." if self.why else f"{text}."


_NODE: Final = "this node"
_R, _W, _L = Access.READ, Access.WRITE, Access.LIST
_ACL, _AGENT, _EVENT, _KEY, _KEYRING = Resource.ACL, Resource.AGENT, Resource.EVENT, Resource.KEY, Resource.KEYRING
_NODES, _OPERATOR, _QUERY, _SERVICE = Resource.NODE, Resource.OPERATOR, Resource.QUERY, Resource.SERVICE
_SESSION, _INTENTION = Resource.SESSION, Resource.INTENTION


def _gated(resource: Resource, access: Access, why: str = "") -> Need:
    of = _NODE if resource is Resource.AGENT else ""
    return Need(Judge.GATED, (Permission(resource, access, of),), why)


def _here(resource: Resource, access: Access, of: str, why: str = "") -> Need:
    return Need(Judge.AGENT, (Permission(resource, access, of),), why)


def _seen_here(*permissions: tuple[Resource, str]) -> Need:
    return Need(Judge.AGENT_FILTERS, tuple(Permission(resource, Access.READ, of) for resource, of in permissions))


def _there(resource: Resource, access: Access, of: str = "", why: str = "") -> Need:
    return Need(Judge.SERVERS, (Permission(resource, access, of),), why)


def _seen_there(*permissions: tuple[Resource, str]) -> Need:
    return Need(Judge.SERVERS_FILTER, tuple(Permission(resource, Access.READ, of) for resource, of in permissions))


def _open(why: str) -> Need:
    return Need(Judge.NOBODY, why=why)


_SERVICES: Final = (_SERVICE, "each service")
_EACH_NODE: Final = (_NODES, "each node")
_OF_CHECK: Final = "its service, else node:write of this node"
_OF_ENTRY: Final = "the service that the entry is of, else operator:"
_ACL_READ: Final = _there(_ACL, _R)
_ACL_WRITE: Final = _there(_ACL, _W)
_PUBLIC: Final = "every part of the mesh must know it"
_BEARER: Final = "who asks is told of the token that is shown"

NEEDS: Final[Mapping[tuple[str, str], Need]] = MappingProxyType(
    {
        ("/v1/status/leader", "GET"): _open("who asks could not find the servers without it"),
        ("/v1/status/peers", "GET"): _open("who asks could not find the servers without it"),
        # The agent itself.
        ("/v1/agent/self", "GET"): _gated(_AGENT, _R),
        ("/v1/agent/members", "GET"): _seen_here(_EACH_NODE),
        ("/v1/agent/maintenance", "PUT"): _here(_NODES, _W, _NODE),
        ("/v1/agent/reload", "PUT"): _gated(_AGENT, _W),
        ("/v1/agent/join/", "PUT"): _gated(_AGENT, _W),
        ("/v1/agent/force-leave/", "PUT"): _gated(_OPERATOR, _W),
        ("/v1/agent/leave", "PUT"): _gated(_AGENT, _W),
        ("/v1/agent/monitor", "GET"): _gated(_AGENT, _R),
        ("/v1/agent/metrics", "GET"): _gated(_AGENT, _R),
        ("/v1/agent/host", "GET"): _gated(_OPERATOR, _R),
        ("/v1/agent/token/", "PUT"): _gated(_AGENT, _W),
        ("/debug/pprof/", "GET"): _gated(_OPERATOR, _R),
        ("/v1/internal/dns/explain", "GET"): _gated(_AGENT, _R),
        # What is registered here.
        ("/v1/agent/services", "GET"): _seen_here(_SERVICES),
        ("/v1/agent/service/", "GET"): _here(_SERVICE, _R, "the instance's service"),
        ("/v1/agent/service/register", "PUT"): _here(
            _SERVICE, _W, "the service", "also of what is replaced, and of its sidecar"
        ),
        ("/v1/agent/service/deregister/", "PUT"): _here(_SERVICE, _W, "the instance's service"),
        ("/v1/agent/service/maintenance/", "PUT"): _here(_SERVICE, _W, "the instance's service"),
        ("/v1/agent/checks", "GET"): _seen_here((_SERVICE, "a check's service, else node:read of this node")),
        ("/v1/agent/check/register", "PUT"): _here(_SERVICE, _W, _OF_CHECK, "also of what is replaced"),
        ("/v1/agent/check/deregister/", "PUT"): _here(_SERVICE, _W, _OF_CHECK),
        ("/v1/agent/check/pass/", "PUT"): _here(_SERVICE, _W, _OF_CHECK),
        ("/v1/agent/check/warn/", "PUT"): _here(_SERVICE, _W, _OF_CHECK),
        ("/v1/agent/check/fail/", "PUT"): _here(_SERVICE, _W, _OF_CHECK),
        ("/v1/agent/check/update/", "PUT"): _here(_SERVICE, _W, _OF_CHECK),
        ("/v1/agent/health/service/id/", "GET"): _here(_SERVICE, _R, "the instance's service"),
        ("/v1/agent/health/service/name/", "GET"): _here(_SERVICE, _R, "the service"),
        ("/v1/agent/local", "GET"): _seen_here((_SERVICE, "each service, node:read of this node for its checks")),
        ("/v1/agent/local/service/", "GET"): _here(_SERVICE, _R, "the instance's service"),
        # Proxies on this host.
        ("/v1/agent/connect/authorize", "POST"): _here(_SERVICE, _W, "the target"),
        ("/v1/agent/connect/ca/roots", "GET"): _open(_PUBLIC),
        ("/v1/agent/connect/ca/leaf/", "GET"): _here(_SERVICE, _W, "the service"),
        ("/v1/agent/connect/exposed/", "GET"): _here(_SERVICE, _R, "the proxy"),
        ("/v1/agent/connect/proxies", "GET"): _seen_here((_SERVICE, "each proxied service")),
        ("/v1/agent/connect/proxies/", "PUT"): _here(_SERVICE, _W, "the proxied service"),
        ("/v1/agent/connect/xds", "GET"): _open("it tells where to ask, not what"),
        # The catalog.
        ("/v1/catalog/register", "PUT"): _there(_NODES, _W, "the node", "service:write of the service"),
        ("/v1/catalog/deregister", "PUT"): _there(_NODES, _W, "the node", "or service:write of the service"),
        ("/v1/catalog/datacenters", "GET"): _open("DNS tells it as well"),
        ("/v1/catalog/nodes", "GET"): _seen_there(_EACH_NODE),
        ("/v1/catalog/services", "GET"): _seen_there(_SERVICES),
        ("/v1/catalog/service/", "GET"): _seen_there(_SERVICES, _EACH_NODE),
        ("/v1/catalog/connect/", "GET"): _seen_there(_SERVICES, _EACH_NODE),
        ("/v1/catalog/gateway-services/", "GET"): _seen_there(_SERVICES),
        ("/v1/catalog/node/", "GET"): _seen_there(_EACH_NODE, _SERVICES),
        ("/v1/catalog/node-services/", "GET"): _seen_there(_EACH_NODE, _SERVICES),
        ("/v1/health/node/", "GET"): _seen_there(_EACH_NODE, _SERVICES),
        ("/v1/health/checks/", "GET"): _seen_there(_EACH_NODE, _SERVICES),
        ("/v1/health/state/", "GET"): _seen_there(_EACH_NODE, _SERVICES),
        ("/v1/health/service/", "GET"): _seen_there(_EACH_NODE, _SERVICES),
        ("/v1/health/connect/", "GET"): _seen_there(_EACH_NODE, _SERVICES),
        ("/v1/health/ingress/", "GET"): _seen_there(_EACH_NODE, _SERVICES),
        ("/v1/coordinate/datacenters", "GET"): _open("it shows servers; their coordinates by node:read"),
        ("/v1/coordinate/nodes", "GET"): _seen_there(_EACH_NODE),
        ("/v1/coordinate/node/", "GET"): _there(_NODES, _R, "the node"),
        ("/v1/coordinate/update", "PUT"): _here(_NODES, _W, "the node"),
        ("/v1/internal/ui/nodes", "GET"): _seen_there(_EACH_NODE, _SERVICES),
        ("/v1/internal/ui/node/", "GET"): _seen_there(_EACH_NODE, _SERVICES),
        ("/v1/internal/ui/services", "GET"): _seen_there(_EACH_NODE, _SERVICES),
        ("/v1/internal/ui/gateway-services-nodes/", "GET"): _seen_there(_EACH_NODE, _SERVICES),
        ("/v1/internal/federation-states", "GET"): _gated(_OPERATOR, _R),
        ("/v1/internal/federation-states/mesh-gateways", "GET"): _seen_there(_EACH_NODE, _SERVICES),
        ("/v1/internal/federation-state/", "GET"): _gated(_OPERATOR, _R),
        ("/v1/internal/service-virtual-ip", "GET"): _seen_there(_SERVICES),
        # Keys, sessions, transactions, queries, events.
        ("/v1/kv/", "GET"): _there(_KEY, _R, "each key", "key:list of a prefix where enable_key_list_policy is set"),
        ("/v1/kv/", "PUT"): _there(_KEY, _W, "the key"),
        ("/v1/kv/", "DELETE"): _there(_KEY, _W, "each key"),
        ("/v1/session/create", "PUT"): _there(_SESSION, _W, "the node"),
        ("/v1/session/destroy/", "PUT"): _there(_SESSION, _W, "the node"),
        ("/v1/session/renew/", "PUT"): _there(_SESSION, _W, "the node"),
        ("/v1/session/info/", "GET"): _seen_there((_SESSION, "the node")),
        ("/v1/session/node/", "GET"): _seen_there((_SESSION, "the node")),
        ("/v1/session/list", "GET"): _seen_there((_SESSION, "each node")),
        ("/v1/txn", "PUT"): Need(Judge.SERVERS, why="what each operation needs by itself"),
        ("/v1/query", "GET"): _seen_there((_QUERY, "each query")),
        ("/v1/query", "POST"): _there(_QUERY, _W, "the query"),
        ("/v1/query/", "GET"): _seen_there((_QUERY, "the query"), _SERVICES, _EACH_NODE),
        ("/v1/query/", "PUT"): _there(_QUERY, _W, "the query"),
        ("/v1/query/", "DELETE"): _there(_QUERY, _W, "the query"),
        ("/v1/event/fire/", "PUT"): _there(_EVENT, _W, "the event"),
        ("/v1/event/list", "GET"): _seen_there((_EVENT, "each event")),
        # The mesh.
        ("/v1/connect/intentions", "GET"): _seen_there((_INTENTION, "each destination")),
        ("/v1/connect/intentions", "POST"): _there(_INTENTION, _W, "the destination"),
        ("/v1/connect/intentions/match", "GET"): _there(_INTENTION, _R, "each name"),
        ("/v1/connect/intentions/check", "GET"): _there(_INTENTION, _R, "the destination"),
        ("/v1/connect/intentions/", "GET"): _there(_INTENTION, _R, "the destination"),
        ("/v1/connect/intentions/", "PUT"): _there(_INTENTION, _W, "the destination"),
        ("/v1/connect/intentions/", "DELETE"): _there(_INTENTION, _W, "the destination"),
        ("/v1/connect/intentions/exact", "GET"): _there(_INTENTION, _R, "the destination"),
        ("/v1/connect/intentions/exact", "PUT"): _there(_INTENTION, _W, "the destination"),
        ("/v1/connect/intentions/exact", "DELETE"): _there(_INTENTION, _W, "the destination"),
        ("/v1/internal/intentions/explain", "GET"): _there(_INTENTION, _R, "the destination"),
        ("/v1/connect/ca/configuration", "GET"): _there(_OPERATOR, _W),
        ("/v1/connect/ca/configuration", "PUT"): _there(_OPERATOR, _W),
        ("/v1/connect/ca/roots", "GET"): _open(_PUBLIC),
        ("/v1/connect/ca/status", "GET"): _there(_OPERATOR, _R),
        ("/v1/config", "PUT"): _there(_SERVICE, _W, _OF_ENTRY + "write"),
        ("/v1/config/", "GET"): _seen_there((_SERVICE, _OF_ENTRY + "read")),
        ("/v1/config/", "DELETE"): _there(_SERVICE, _W, _OF_ENTRY + "write"),
        ("/v1/discovery-chain/", "GET"): _there(_SERVICE, _R, "the service"),
        ("/v1/discovery-chain/", "POST"): _there(_SERVICE, _R, "the service"),
        # The servers.
        ("/v1/operator/autopilot/configuration", "GET"): _there(_OPERATOR, _R),
        ("/v1/operator/autopilot/configuration", "PUT"): _there(_OPERATOR, _W),
        ("/v1/operator/autopilot/health", "GET"): _gated(_OPERATOR, _R),
        ("/v1/operator/autopilot/state", "GET"): _gated(_OPERATOR, _R),
        ("/v1/operator/raft/configuration", "GET"): _gated(_OPERATOR, _R),
        ("/v1/operator/raft/peer", "DELETE"): _gated(_OPERATOR, _W),
        ("/v1/operator/raft/transfer-leader", "POST"): _gated(_OPERATOR, _W),
        ("/v1/operator/raft/transfer-leader", "PUT"): _gated(_OPERATOR, _W),
        ("/v1/operator/keyring", "GET"): _gated(_KEYRING, _R),
        ("/v1/operator/keyring", "POST"): _gated(_KEYRING, _W),
        ("/v1/operator/keyring", "PUT"): _gated(_KEYRING, _W),
        ("/v1/operator/keyring", "DELETE"): _gated(_KEYRING, _W),
        ("/v1/operator/security", "GET"): _gated(_OPERATOR, _R),
        ("/v1/snapshot", "GET"): _there(_ACL, _W),
        ("/v1/snapshot", "PUT"): _there(_ACL, _W),
        # Access control itself.
        ("/v1/acl/bootstrap", "PUT"): _open("it gives the first token"),
        ("/v1/acl/create", "PUT"): _ACL_WRITE,
        ("/v1/acl/update", "PUT"): _ACL_WRITE,
        ("/v1/acl/destroy/", "PUT"): _ACL_WRITE,
        ("/v1/acl/info/", "GET"): _open("who knows the secret may know what it comes to"),
        ("/v1/acl/clone/", "PUT"): _ACL_WRITE,
        ("/v1/acl/list", "GET"): _ACL_READ,
        ("/v1/acl/login", "POST"): _open("the auth method vouches"),
        ("/v1/acl/logout", "POST"): _open("a token that came of a login may end itself"),
        ("/v1/acl/replication", "GET"): _open("it tells no more than that nothing is copied"),
        ("/v1/acl/policies", "GET"): _ACL_READ,
        ("/v1/acl/policy", "PUT"): _ACL_WRITE,
        ("/v1/acl/policy/", "GET"): _ACL_READ,
        ("/v1/acl/policy/", "PUT"): _ACL_WRITE,
        ("/v1/acl/policy/", "DELETE"): _ACL_WRITE,
        ("/v1/acl/policy/name/", "GET"): _ACL_READ,
        ("/v1/acl/roles", "GET"): _ACL_READ,
        ("/v1/acl/role", "PUT"): _ACL_WRITE,
        ("/v1/acl/role/", "GET"): _ACL_READ,
        ("/v1/acl/role/", "PUT"): _ACL_WRITE,
        ("/v1/acl/role/", "DELETE"): _ACL_WRITE,
        ("/v1/acl/role/name/", "GET"): _ACL_READ,
        ("/v1/acl/binding-rules", "GET"): _ACL_READ,
        ("/v1/acl/binding-rule", "PUT"): _ACL_WRITE,
        ("/v1/acl/binding-rule/", "GET"): _ACL_READ,
        ("/v1/acl/binding-rule/", "PUT"): _ACL_WRITE,
        ("/v1/acl/binding-rule/", "DELETE"): _ACL_WRITE,
        ("/v1/acl/auth-methods", "GET"): _ACL_READ,
        ("/v1/acl/auth-method", "PUT"): _ACL_WRITE,
        ("/v1/acl/auth-method/", "GET"): _ACL_READ,
        ("/v1/acl/auth-method/", "PUT"): _ACL_WRITE,
        ("/v1/acl/auth-method/", "DELETE"): _ACL_WRITE,
        ("/v1/acl/rules/translate", "POST"): _ACL_READ,
        ("/v1/acl/rules/translate/", "GET"): _ACL_READ,
        ("/v1/acl/tokens", "GET"): _ACL_READ,
        ("/v1/acl/token", "PUT"): _ACL_WRITE,
        ("/v1/acl/token/self", "GET"): _open(_BEARER),
        ("/v1/acl/token/", "GET"): _ACL_READ,
        ("/v1/acl/token/", "PUT"): _ACL_WRITE,
        ("/v1/acl/token/", "DELETE"): _ACL_WRITE,
        ("/v1/internal/acl/authorize", "POST"): _open(_BEARER),
        ("/v1/internal/acl/explain", "GET"): _ACL_READ,
        ("/v1/openapi.json", "GET"): _open("it is the same at every agent"),
    }
)
"""By path of the route and method."""

_KEYRING_DENIED: Final = {_R: "Reading keyring denied by ACLs", _W: "Modifying keyring denied due to ACLs"}


def need_of(route: Route, method: str) -> Need | None:
    """What a method of a route needs; None when the table does not have it, as in a test that looks for that."""
    return NEEDS.get((route.path, method))


def require_gate(need: Need, authorizer: Authorizer, node_name: str) -> None:
    """Raise `PermissionDeniedError` unless what is `GATED` may be done; `node_name` is this agent's."""
    for permission in need.permissions:
        name = node_name if permission.of == _NODE else ""
        try:
            authorizer.require(permission.resource, name, permission.access)
        except PermissionDeniedError as error:
            if permission.resource is not Resource.KEYRING:
                raise
            # Of this one Consul tells in other words, and by another status.
            raise Refusal(f"{_KEYRING_DENIED[permission.access]}: {error}", status=500) from error
