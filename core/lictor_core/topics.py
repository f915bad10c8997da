"""Topics: what a query depends on and what a command touches (architecture, decision 6: watches are per thing).

A query names the topics its answer depends on; applying a command yields the topics that changed. A blocking query
wakes when one of its topics is touched, and its index is the largest of its topics' indexes. A topic that was touched
keeps its index after the thing is gone.
"""

from __future__ import annotations

from typing import Final, NamedTuple

__all__ = [
    "ACL_AUTH_METHODS",
    "ACL_BINDING_RULES",
    "ACL_POLICIES",
    "ACL_ROLES",
    "ACL_TOKENS",
    "AUTOPILOT",
    "CA_CONFIGURATION",
    "CA_LEAVES",
    "CA_ROOTS",
    "CHAINS",
    "CONFIG",
    "COORDINATES",
    "DATACENTERS",
    "DISTANCES",
    "EVENTS",
    "INSTANCES",
    "INTENTIONS",
    "KEYRING",
    "NODES",
    "PREPARED_QUERIES",
    "SERVICES",
    "SESSIONS",
    "VIRTUAL_ADDRESSES",
    "Topic",
    "chain",
    "checks_in_state",
    "config_entry",
    "config_kind",
    "connect",
    "events",
    "gateway",
    "ingress",
    "intention_destination",
    "intention_source",
    "key",
    "key_prefix",
    "node",
    "node_checks",
    "node_services",
    "node_sessions",
    "service",
    "service_checks",
    "session",
]


class Topic(NamedTuple):
    """One watchable thing: a kind and a name, the name in lower case where names ignore case."""

    kind: str
    name: str


ACL_TOKENS: Final = Topic("acl-tokens", "")
"""Any token."""
ACL_POLICIES: Final = Topic("acl-policies", "")
"""Any policy."""
ACL_ROLES: Final = Topic("acl-roles", "")
"""Any role."""
ACL_AUTH_METHODS: Final = Topic("acl-auth-methods", "")
"""Any auth method."""
ACL_BINDING_RULES: Final = Topic("acl-binding-rules", "")
"""Any binding rule."""
NODES: Final = Topic("nodes", "")
"""The list of nodes: a node came, went or changed."""
SERVICES: Final = Topic("services", "")
"""The list of service names with their tags."""
INSTANCES: Final = Topic("instances", "")
"""Any instance, wherever it is: that it is there, and all that is said of it."""
INTENTIONS: Final = Topic("intentions", "")
"""Any intention."""
KEYRING: Final = Topic("keyring", "")
"""The ring of keys that agents prove."""
AUTOPILOT: Final = Topic("autopilot", "")
"""The settings by which the leader looks after the servers."""
CA_ROOTS: Final = Topic("ca-roots", "")
CA_CONFIGURATION: Final = Topic("ca-configuration", "")
CA_LEAVES: Final = Topic("ca-leaves", "")
DATACENTERS: Final = Topic("datacenters", "")
COORDINATES: Final = Topic("coordinates", "")
"""The network coordinates of all nodes, for who watches just these."""
DISTANCES: Final = Topic("distances", "")
"""What answers that are sorted by distance depend on: it is stamped with every coordinate, and never woken."""
SESSIONS: Final = Topic("sessions", "")
"""Which sessions there are."""
EVENTS: Final = Topic("events", "")
"""Any event that somebody fired."""
PREPARED_QUERIES: Final = Topic("prepared-queries", "")
"""Any prepared query; Consul, too, wakes who watches one of them with all."""
VIRTUAL_ADDRESSES: Final = Topic("virtual-addresses", "")
"""Which service has which virtual address."""
CONFIG: Final = Topic("config", "")
"""Any configuration entry."""
CHAINS: Final = Topic("chains", "")
"""What every discovery chain depends on."""


def node(name: str) -> Topic:
    """The record of one node (also touched when it goes)."""
    return Topic("node", name.lower())


def node_services(name: str) -> Topic:
    """The instances on one node."""
    return Topic("node-services", name.lower())


def node_checks(name: str) -> Topic:
    """All checks on one node."""
    return Topic("node-checks", name.lower())


def service(name: str) -> Topic:
    """The instances of a service, their nodes, and the status of their checks."""
    return Topic("service", name.lower())


def service_checks(name: str) -> Topic:
    """The checks of a service's instances."""
    return Topic("service-checks", name.lower())


def connect(name: str) -> Topic:
    """The instances that accept mesh connections for a service: its proxies and native instances."""
    return Topic("connect", name.lower())


def checks_in_state(status: str) -> Topic:
    """The checks in one state; `any` is all of them."""
    return Topic("checks-state", status)


def key(name: str) -> Topic:
    """One key of the KV store."""
    return Topic("key", name)


def key_prefix(prefix: str) -> Topic:
    """All keys under a prefix. Touched by a key that starts with it; the empty prefix by every key."""
    return Topic("key-prefix", prefix)


def intention_source(name: str) -> Topic:
    """Intentions whose source is exactly `name` (which may be `*`)."""
    return Topic("intention-source", name)


def intention_destination(name: str) -> Topic:
    """Intentions whose destination is exactly `name` (which may be `*`)."""
    return Topic("intention-destination", name)


def session(id: str) -> Topic:
    """One session (also touched when it ends)."""
    return Topic("session", id.lower())


def node_sessions(name: str) -> Topic:
    """The sessions of one node."""
    return Topic("node-sessions", name.lower())


def events(name: str) -> Topic:
    """The events of one name; the empty name is `EVENTS`."""
    return Topic("events", name)


def config_kind(kind: str) -> Topic:
    """The configuration entries of one kind; the empty kind is `CONFIG`."""
    return Topic("config-kind", kind) if kind else CONFIG


def config_entry(kind: str, name: str) -> Topic:
    """One configuration entry (also touched when it goes)."""
    return Topic("config-entry", f"{kind}/{name.lower()}")


def chain(service: str) -> Topic:
    """The entries that the discovery chain of one service is made of."""
    return Topic("chain", service.lower())


def gateway(name: str) -> Topic:
    """The services behind one gateway."""
    return Topic("gateway", name.lower())


def ingress(service: str) -> Topic:
    """The instances of the gateways that let traffic in to a service, their nodes, and the status of their checks."""
    return Topic("ingress", service.lower())
