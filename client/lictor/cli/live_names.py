"""Which names stand behind which flag and in which place of which command, and how an agent is asked for them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final, cast

from lictor.api.calls import agent, catalog, kv

if TYPE_CHECKING:
    from lictor.api.blocking import Client
    from lictor.cli.completion import Source

__all__ = ["ARGUMENT_SOURCES", "ARGUMENT_WORDS", "FLAG_SOURCES", "FLAG_WORDS", "SHELLS"]

SHELLS: Final = ("bash", "zsh", "fish")
_LOG_LEVELS: Final = ("trace", "debug", "info", "warn", "err")
_STATES: Final = ("any", "passing", "warning", "critical")
_TYPES: Final = ("A", "AAAA", "ANY", "CNAME", "NS", "PTR", "SOA", "SRV", "TXT")
_KINDS: Final = (
    "service-defaults", "proxy-defaults", "service-router", "service-splitter", "service-resolver",
    "ingress-gateway", "terminating-gateway", "service-intentions", "mesh", "jwt-provider",
)  # fmt: skip


def _services(client: Client, _: str) -> Iterable[str]:
    return client.send(catalog.services())


def _nodes(client: Client, _: str) -> Iterable[str]:
    return [node.node for node in client.send(catalog.nodes())]


def _datacenters(client: Client, _: str) -> Iterable[str]:
    return client.send(catalog.datacenters())


def _instances(client: Client, _: str) -> Iterable[str]:
    return client.send(agent.services())


def _members(client: Client, _: str) -> Iterable[str]:
    return [member.name for member in client.send(agent.members())]


def _dns_names(client: Client, _: str) -> Iterable[str]:
    settings = client.send(agent.self()).get("DebugConfig")
    domain = str(cast("dict[str, object]", settings).get("DNSDomain", "consul.")) if isinstance(settings, dict) else ""
    names = [f"{name}.service" for name in client.send(catalog.services())]
    names += [f"{node.node}.node" for node in client.send(catalog.nodes())]
    return [f"{name}.{domain.rstrip('.') or 'consul'}" for name in names]


def _dns_types(_: Client, __: str) -> Iterable[str]:
    return _TYPES


def _keys(client: Client, current: str) -> Iterable[str]:
    """A level of keys at a time: a store may have any number."""
    return client.send(kv.keys(current, "/"))


FLAG_WORDS: Final[Mapping[tuple[str, str], Sequence[str]]] = {
    ("", "format"): ("pretty", "json"),
    ("", "config-format"): ("hcl", "json"),
    ("", "log-level"): _LOG_LEVELS,
    ("watch", "type"): ("key", "keyprefix", "services", "nodes", "service", "checks", "event"),
    ("watch", "state"): _STATES,
    ("watch", "passingonly"): ("true", "false"),
    ("debug", "capture"): ("metrics", "logs", "host", "agent", "cluster"),
    ("members", "status"): ("alive", "failed", "left", "leaving"),
    ("", "kind"): _KINDS,
    ("services register", "kind"): (
        "connect-proxy", "mesh-gateway", "ingress-gateway", "terminating-gateway",
    ),
}  # fmt: skip
"""By command and flag; the empty command stands for every one that has no line of its own."""

FLAG_SOURCES: Final[Mapping[tuple[str, str], Source]] = {
    ("", "service"): _services,
    ("", "node"): _nodes,
    ("", "near"): _nodes,
    ("", "datacenter"): _datacenters,
    ("", "id"): _instances,
    ("", "sidecar-for"): _instances,
    ("", "proxy-id"): _instances,
    ("maint", "service"): _instances,
    ("watch", "key"): _keys,
    ("watch", "prefix"): _keys,
}

ARGUMENT_WORDS: Final[Mapping[str, Sequence[str]]] = {"completion": SHELLS}

ARGUMENT_SOURCES: Final[Mapping[str, Sequence[Source]]] = {
    "kv get": (_keys,),
    "kv put": (_keys,),
    "kv delete": (_keys,),
    "kv export": (_keys,),
    "lock": (_keys,),
    "force-leave": (_members,),
    "rtt": (_nodes, _nodes),
    "explain service": (_instances,),
    "dns explain": (_dns_names, _dns_types),
    "intention create": (_services, _services),
    "intention check": (_services, _services),
    "intention get": (_services, _services),
    "intention delete": (_services, _services),
    "intention explain": (_services, _services),
    "intention match": (_services,),
}
"""Of each command, one for each of its first arguments."""
