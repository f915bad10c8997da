"""The things a data plane may have to know, as values: each is a question to an agent, and a name for people.

A snapshot is put together from what is known (`Known`); what was looked for on the way is what has to be known. So
questions follow from snapshots, and a snapshot that needs less asks less.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Final, Generic, TypeVar, cast
from urllib.parse import quote

import msgspec

from lictor_connect_proxy.feed import sources
from lictor_connect_proxy.feed.answers import (
    LinkedService,
    Queried,
    chain_in,
    default_allow_in,
    endpoints_in,
    entries_in,
    exposed_paths_in,
    leaf_in,
    linked_services_in,
    mesh_gateways_in,
    query_in,
    roots_in,
    service_names_in,
)
from lictor_connect_proxy.feed.asking import AgentSource
from lictor_connect_proxy.feed.registrations import Registration, registration_in
from lictor_connect_proxy.feed.sources import Fetched
from lictor_connect_proxy.snapshot import Endpoint, ExposedPath, Leaf, Policy, TrustRoots, UpstreamKey
from lictor_core.codec import to_json
from lictor_core.entries.base import Entry
from lictor_core.entries.chains import Chain
from lictor_core.entries.gateways import IngressGateway
from lictor_core.entries.routing import Resolver
from lictor_core.errors import NotFoundError, PermissionDeniedError
from lictor_core.records import JsonObject

__all__ = [
    "ChainFound",
    "ChainOf",
    "DefaultFound",
    "DefaultPolicy",
    "EntriesOf",
    "ExposedForChecks",
    "InstancesOf",
    "Known",
    "LeafOf",
    "MeshGateways",
    "Need",
    "QueryOf",
    "RegistrationOf",
    "Roots",
    "RulesOf",
    "ServiceNames",
    "ServicesBehind",
]

T = TypeVar("T")

_FORMS: Final[Mapping[str, type[Entry]]] = {form.kind: form for form in (Resolver, IngressGateway)}
"""Entries that snapshots are made of here; others are handed on as they are."""


class Need(msgspec.Struct, Generic[T], frozen=True):
    """Something to know. With `closed` an answer that cannot be used is worse than none: it takes the last one out.

    What each kind says for itself is its `name` and how to `ask`.
    """

    closed: ClassVar[bool] = False

    @property
    def name(self) -> str:
        """What people call it."""
        raise NotImplementedError

    async def ask(self, agent: AgentSource, cursor: str) -> Fetched[T]:
        """Ask once, and with the cursor of the last answer wait for another one."""
        raise NotImplementedError


class RegistrationOf(Need[Registration], frozen=True):
    """A proxy as it is registered."""

    proxy_id: str

    @property
    def name(self) -> str:
        return "registration"

    async def ask(self, agent: AgentSource, cursor: str) -> Fetched[Registration]:
        return await sources.ask_by_hash(agent, cursor, f"/v1/agent/service/{_part(self.proxy_id)}", registration_in)


class Roots(Need[TrustRoots], frozen=True):
    """The roots of the CA."""

    closed: ClassVar[bool] = True

    @property
    def name(self) -> str:
        return "roots"

    async def ask(self, agent: AgentSource, cursor: str) -> Fetched[TrustRoots]:
        return await sources.ask_by_index(agent, cursor, "/v1/agent/connect/ca/roots", roots_in)


class LeafOf(Need[Leaf], frozen=True):
    """The leaf of a service, which the agent renews; with `hosts`, also none, that of an ingress gateway with TLS."""

    closed: ClassVar[bool] = True
    service: str
    hosts: tuple[str, ...] | None = None

    @property
    def name(self) -> str:
        return "leaf" if self.hosts is None else "leaf with the names of the gateway"

    async def ask(self, agent: AgentSource, cursor: str) -> Fetched[Leaf]:
        parameters = None if self.hosts is None else {"ingress": ",".join(self.hosts)}
        path = f"/v1/agent/connect/ca/leaf/{_part(self.service)}"
        return await sources.ask_by_index(agent, cursor, path, leaf_in, parameters)


class RulesOf(Need[Policy], frozen=True):
    """The intentions with a service as destination."""

    closed: ClassVar[bool] = True
    service: str

    @property
    def name(self) -> str:
        return "intentions"

    async def ask(self, agent: AgentSource, cursor: str) -> Fetched[Policy]:
        return await sources.ask_for_rules(agent, cursor, self.service)


class DefaultFound(msgspec.Struct, frozen=True):
    """What becomes of connections that no intention speaks of; `hidden` says why it cannot be seen, and is strict."""

    allow: bool
    hidden: str = ""


class DefaultPolicy(Need[DefaultFound], frozen=True):
    """The default policy. A token that may not see it gets the strict answer."""

    closed: ClassVar[bool] = True

    @property
    def name(self) -> str:
        return "default_policy"

    async def ask(self, agent: AgentSource, cursor: str) -> Fetched[DefaultFound]:
        try:
            found = DefaultFound(default_allow_in((await agent.get("/v1/agent/self")).body))
        except PermissionDeniedError as error:
            found = DefaultFound(False, str(error))
        return Fetched(found, "", agent.settled_s)


class ChainFound(msgspec.Struct, frozen=True):
    """A discovery chain; None from an agent that knows none."""

    chain: Chain | None


class ChainOf(Need[ChainFound], frozen=True):
    """What connections to an upstream go through."""

    upstream: UpstreamKey

    @property
    def name(self) -> str:
        return f"chain of {_place(self.upstream.service, self.upstream.datacenter)}"

    async def ask(self, agent: AgentSource, cursor: str) -> Fetched[ChainFound]:
        key = self.upstream
        demands: JsonObject = {}
        if key.protocol:
            demands["OverrideProtocol"] = key.protocol
        if key.connect_timeout:
            demands["OverrideConnectTimeout"] = key.connect_timeout
        if key.mesh_gateway:
            demands["OverrideMeshGateway"] = {"Mode": key.mesh_gateway}
        where = {"compile-dc": key.datacenter} if key.datacenter else {}
        path = f"/v1/discovery-chain/{_part(key.service)}"
        try:
            return await sources.ask_by_post(
                agent, cursor, path, lambda body: ChainFound(chain_in(body)), where, to_json(demands)
            )
        except NotFoundError:  # there is a chain for each name: what is missing is the question
            return Fetched(ChainFound(None), "", agent.settled_s)


class InstancesOf(Need[tuple[Endpoint, ...]], frozen=True):
    """The instances of a service that `filter` chooses: those of the mesh, or with `connect` false the service's own.

    The datacenter is empty for the agent's own.
    """

    service: str
    datacenter: str = ""
    filter: str = ""
    only_passing: bool = False
    connect: bool = True

    @property
    def name(self) -> str:
        return f"instances {_place(self.service, self.datacenter)}"

    async def ask(self, agent: AgentSource, cursor: str) -> Fetched[tuple[Endpoint, ...]]:
        kind = "connect" if self.connect else "service"
        path = f"/v1/health/{kind}/{_part(self.service)}"
        parameters = {"filter": self.filter} if self.filter else {}
        is_remote = bool(self.datacenter)

        def parse(body: bytes) -> tuple[Endpoint, ...]:
            return endpoints_in(body, only_passing=self.only_passing, is_remote=is_remote)

        if not is_remote:
            return await sources.ask_by_index(agent, cursor, path, parse, parameters)
        return await sources.ask_elsewhere(agent, cursor, path, parse, {**parameters, "dc": self.datacenter})


class QueryOf(Need[Queried], frozen=True):
    """What a prepared query finds, asked for again as often as it says."""

    query: str
    datacenter: str = ""

    @property
    def name(self) -> str:
        return f"query {_place(self.query, self.datacenter)}"

    async def ask(self, agent: AgentSource, cursor: str) -> Fetched[Queried]:
        parameters = {"connect": "true", **({"dc": self.datacenter} if self.datacenter else {})}
        found = query_in((await agent.get(f"/v1/query/{_part(self.query)}/execute", parameters)).body)
        return Fetched(found, "", found.ttl_s)


class ExposedForChecks(Need[tuple[ExposedPath, ...]], frozen=True):
    """The paths that a proxy opens for checks; none by an agent that asks no checks through proxies in this way."""

    proxy_id: str

    @property
    def name(self) -> str:
        return "exposed checks"

    async def ask(self, agent: AgentSource, cursor: str) -> Fetched[tuple[ExposedPath, ...]]:
        try:
            answer = await agent.get(f"/v1/agent/connect/exposed/{_part(self.proxy_id)}")
        except NotFoundError:
            return Fetched((), "", agent.settled_s)
        return Fetched(exposed_paths_in(answer.body), "")


class MeshGateways(Need[dict[str, tuple[Endpoint, ...]]], frozen=True):
    """The mesh gateways, by their datacenters."""

    own_datacenter: str

    @property
    def name(self) -> str:
        return "mesh gateways"

    async def ask(self, agent: AgentSource, cursor: str) -> Fetched[dict[str, tuple[Endpoint, ...]]]:
        path = "/v1/internal/federation-states/mesh-gateways"
        return await sources.ask_by_index(agent, cursor, path, lambda body: mesh_gateways_in(body, self.own_datacenter))


class ServicesBehind(Need[tuple[LinkedService, ...]], frozen=True):
    """The services behind a gateway."""

    gateway: str

    @property
    def name(self) -> str:
        return "services of the gateway"

    async def ask(self, agent: AgentSource, cursor: str) -> Fetched[tuple[LinkedService, ...]]:
        path = f"/v1/catalog/gateway-services/{_part(self.gateway)}"
        return await sources.ask_by_index(agent, cursor, path, linked_services_in)


class EntriesOf(Need[dict[str, JsonObject]], frozen=True):
    """The configuration entries of a kind, by name."""

    kind: str

    @property
    def name(self) -> str:
        return f"{self.kind} entries"

    async def ask(self, agent: AgentSource, cursor: str) -> Fetched[dict[str, JsonObject]]:
        form = _FORMS.get(self.kind)
        path = f"/v1/config/{_part(self.kind)}"
        return await sources.ask_by_index(agent, cursor, path, lambda body: entries_in(body, form))


class ServiceNames(Need[tuple[str, ...]], frozen=True):
    """The names of all services."""

    @property
    def name(self) -> str:
        return "services"

    async def ask(self, agent: AgentSource, cursor: str) -> Fetched[tuple[str, ...]]:
        return await sources.ask_by_index(agent, cursor, "/v1/catalog/services", service_names_in)


class Known:
    """What is known, for one assembly; `wanted` is what was looked for, known or not."""

    def __init__(self, values: Mapping[Need[object], object]) -> None:
        self._values = values
        self.wanted: dict[Need[object], None] = {}

    def value(self, need: Need[T]) -> T | None:
        """What is known of it; None for nothing."""
        key = cast("Need[object]", need)
        self.wanted[key] = None
        return cast("T | None", self._values.get(key))


def _part(name: str) -> str:
    return quote(name, safe="")


def _place(name: str, datacenter: str) -> str:
    return f"{name} in {datacenter}" if datacenter else name
