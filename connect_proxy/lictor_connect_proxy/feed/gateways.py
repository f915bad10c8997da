"""Snapshots of gateways: into the mesh (ingress), out of it (terminating), and between datacenters (mesh). Pure.

Sources: Consul's documents `docs/connect/gateways/*`, `docs/agent/config-entries/{ingress,terminating}-gateway`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, TypeVar

import msgspec

from lictor_connect_proxy.feed.answers import LinkedService, entry_as
from lictor_connect_proxy.feed.judging import default_allow, judge_by, providers_for
from lictor_connect_proxy.feed.needs import (
    ChainOf,
    EntriesOf,
    InstancesOf,
    Known,
    LeafOf,
    MeshGateways,
    Roots,
    ServiceNames,
    ServicesBehind,
)
from lictor_connect_proxy.feed.reaching import instances_of, reach
from lictor_connect_proxy.snapshot import (
    CONNECTIONS_MAX,
    Endpoint,
    IngressListener,
    IngressService,
    Leaf,
    Limits,
    MeshGatewayServices,
    ProxySnapshot,
    TerminatedService,
    UpstreamKey,
    UpstreamListener,
)
from lictor_core.entries.base import Entry
from lictor_core.entries.chains import Chain, ChainNode, ChainResolver, Target
from lictor_core.entries.compiler import CONNECT_TIMEOUT
from lictor_core.entries.gateways import CERTIFIED_HOSTS_MAX, IngressDefaults, IngressGateway
from lictor_core.entries.gateways import IngressListener as WrittenListener
from lictor_core.entries.gateways import IngressService as WrittenService
from lictor_core.entries.routing import Resolver, Subset
from lictor_core.names import NAMESPACE, datacenter_sni, service_sni
from lictor_core.records import JsonObject, MeshGateway

__all__ = ["ingress", "mesh", "terminating"]

E = TypeVar("E", bound=Entry)

_TCP: Final = "tcp"
_WILDCARD: Final = "*"


def ingress(base: ProxySnapshot, known: Known, before: ProxySnapshot) -> ProxySnapshot:
    """An ingress gateway: its listeners, and where the services behind them lead."""
    rows, entries = known.value(ServicesBehind(base.service)), known.value(EntriesOf(IngressGateway.kind))
    entry = _entry(entries, base.service, IngressGateway)
    leaf = _ingress_leaf(base, known, before, entry)
    identity = None if leaf is None else leaf.identity()
    datacenter = "" if identity is None else identity.datacenter
    listeners = tuple(_ingress_listeners(base, rows or (), entry))
    keys = [one.upstream.key for listener in listeners for one in listener.services]
    reached = reach(keys, known, before, datacenter)
    return msgspec.structs.replace(
        base,
        roots=known.value(Roots()),
        leaf=leaf,
        datacenter=datacenter,
        ingress=listeners,
        knows_behind=rows is not None and entries is not None,
        endpoints=reached.endpoints,
        chains=reached.chains,
        instances=reached.instances,
    )


def _ingress_leaf(
    base: ProxySnapshot, known: Known, before: ProxySnapshot, entry: IngressGateway | None
) -> Leaf | None:
    """With TLS the one that carries the names; until there is one with new names, the last one is shown.

    The plain leaf is known all the while: where it is taken away, or there was none before, it is what counts.
    """
    plain = known.value(LeafOf(base.service))
    hosts = None if entry is None else entry.named_hosts
    if hosts is None:
        return plain
    named = known.value(LeafOf(base.service, hosts[:CERTIFIED_HOSTS_MAX]))
    if named is not None or plain is None:
        return named
    last = before.leaf
    is_good = last is not None and last.uri == plain.uri and last.valid_before >= plain.valid_before
    return last if is_good else plain


def _ingress_listeners(
    base: ProxySnapshot, rows: Iterable[LinkedService], entry: IngressGateway | None
) -> Iterator[IngressListener]:
    by_port: dict[int, list[LinkedService]] = {}
    for row in rows:
        by_port.setdefault(row.port, []).append(row)
    written = {one.port: one for one in (entry.listeners if entry is not None else None) or ()}
    addresses = dict.fromkeys(one.address for one in base.bind_addresses)
    for address in addresses:
        for port, behind in sorted(by_port.items()):
            listener = written.get(port)
            services = tuple(_ingress_service(row, address, entry, listener) for row in behind)
            tls = None if listener is None else listener.tls
            if tls is None and entry is not None:
                tls = entry.tls
            yield IngressListener(
                bind_address=address,
                port=port,
                protocol=behind[0].protocol or _TCP,
                services=services,
                tls=tls is not None and tls.enabled,
                hosts=tuple(sorted({host for one in services for host in one.hosts})),
            )


def _ingress_service(
    row: LinkedService, address: str, entry: IngressGateway | None, listener: WrittenListener | None
) -> IngressService:
    services = (listener.services if listener is not None else None) or []
    written = next((one for one in services if one.name == row.service), None) or next(
        (one for one in services if one.name == _WILDCARD), None
    )
    limits = _ingress_limits(written, entry.defaults if entry is not None else None)
    upstream = UpstreamListener(
        service=row.service,
        bind_address=address,
        bind_port=row.port,
        protocol=row.protocol or _TCP,
        connections_max=limits.max_connections or CONNECTIONS_MAX,
        limits=limits,
    )
    return IngressService(
        upstream=upstream,
        hosts=row.hosts,
        request_headers=None if written is None else written.request_headers,
        response_headers=None if written is None else written.response_headers,
    )


def _ingress_limits(service: WrittenService | None, defaults: IngressDefaults | None) -> Limits:
    own, common = service or WrittenService(name="", hosts=None), defaults or IngressDefaults()
    return Limits(
        max_connections=own.max_connections or common.max_connections or None,
        max_pending_requests=own.max_pending_requests or common.max_pending_requests or None,
        max_concurrent_requests=own.max_concurrent_requests or common.max_concurrent_requests or None,
    )


def terminating(base: ProxySnapshot, known: Known) -> ProxySnapshot:
    """A terminating gateway: each service behind it with its identity, its rules, its subsets and its instances."""
    roots, rows = known.value(Roots()), known.value(ServicesBehind(base.service))
    resolvers = known.value(EntriesOf(Resolver.kind))
    instances: dict[str, tuple[Endpoint, ...]] = {}
    terminated: list[TerminatedService] = []
    datacenter = ""
    for row in rows or ():
        leaf = known.value(LeafOf(row.service))
        identity = None if leaf is None else leaf.identity()
        found = known.value(ChainOf(UpstreamKey(row.service)))
        chain = None
        if identity is not None and found is not None and resolvers is not None:
            datacenter = identity.datacenter
            protocol = _TCP if found.chain is None else found.chain.protocol
            resolver = _entry(resolvers, row.service, Resolver) or Resolver(name=row.service)
            chain = _own_chain(row.service, protocol, resolver, datacenter, identity.trust_domain)
            here = {id: instances_of(one, known, datacenter, connect=False) for id, one in chain.targets.items()}
            instances.update({id: endpoints for id, endpoints in here.items() if endpoints is not None})
            if any(endpoints is None for endpoints in here.values()):
                chain = None
        terminated.append(
            TerminatedService(
                service=row.service,
                leaf=leaf,
                policy=judge_by(row.service, known),
                chain=chain,
                protocol=_TCP if chain is None else chain.protocol,
                ca_file=row.ca_file,
                cert_file=row.cert_file,
                key_file=row.key_file,
                sni=row.sni,
            )
        )
    return msgspec.structs.replace(
        base,
        roots=roots,
        datacenter=datacenter,
        default_allow=default_allow(known),
        jwt_providers=providers_for([one.policy for one in terminated], known),
        terminated=tuple(terminated),
        instances=instances,
        knows_behind=rows is not None,
    )


def _own_chain(service: str, protocol: str, resolver: Resolver, datacenter: str, domain: str) -> Chain:
    """A service and its subsets as the targets of a chain, each to be asked for by its own TLS server name.

    Redirects, splits and routes were followed by whoever asks.
    """
    subsets: dict[str, Subset] = {"": Subset(), **(resolver.subsets or {})}
    if resolver.default_subset in subsets:
        subsets[""] = subsets[resolver.default_subset]
    targets: dict[str, Target] = {}
    nodes: dict[str, ChainNode] = {}
    for name, subset in subsets.items():
        place = f"{service}.{NAMESPACE}.{datacenter}"
        id = f"{name}.{place}" if name else place
        sni = service_sni(service, datacenter, domain, subset=name)
        targets[id] = Target(
            id=id,
            service=service,
            service_subset=name,
            namespace=NAMESPACE,
            datacenter=datacenter,
            mesh_gateway=MeshGateway(),
            subset=subset,
            sni=sni,
            name=sni,
        )
        how = ChainResolver(
            connect_timeout=resolver.connect_timeout or CONNECT_TIMEOUT,
            target=id,
            load_balancer=resolver.load_balancer,
        )
        nodes[f"resolver:{id}"] = ChainNode(type="resolver", name=id, resolver=how)
    return Chain(
        service_name=service,
        namespace=NAMESPACE,
        datacenter=datacenter,
        protocol=protocol,
        start_node=f"resolver:{service}.{NAMESPACE}.{datacenter}",
        nodes=nodes,
        targets=targets,
    )


def mesh(base: ProxySnapshot, known: Known) -> ProxySnapshot:
    """A mesh gateway: what it passes on, by the names that are asked for. It looks into nothing, and judges nobody."""
    roots, leaf = known.value(Roots()), known.value(LeafOf(base.service))
    identity = None if leaf is None else leaf.identity()
    names, resolvers = known.value(ServiceNames()), known.value(EntriesOf(Resolver.kind))
    found = None
    if roots is not None and identity is not None and names is not None and resolvers is not None:
        here, domain = identity.datacenter, roots.trust_domain
        services: dict[str, tuple[Endpoint, ...]] = {}
        for name in names:
            resolver = _entry(resolvers, name, Resolver) or Resolver(name=name)
            for subset, chosen in (("", Subset()), *(resolver.subsets or {}).items()):
                endpoints = known.value(InstancesOf(name, "", chosen.filter, chosen.only_passing))
                if endpoints:
                    services[service_sni(name, here, domain, subset=subset)] = endpoints
        gateways = known.value(MeshGateways(here)) or {}
        elsewhere = {datacenter_sni(name, domain): one for name, one in gateways.items() if name != here}
        found = MeshGatewayServices(services=services, datacenters=elsewhere)
    return msgspec.structs.replace(
        base,
        roots=roots,
        leaf=leaf,
        datacenter="" if identity is None else identity.datacenter,
        mesh=found,
        knows_behind=found is not None,
    )


def _entry(entries: Mapping[str, JsonObject] | None, name: str, form: type[E]) -> E | None:
    """The entry of a name, whose case does not count; None when there is none."""
    found = next((entry for key, entry in (entries or {}).items() if key.lower() == name.lower()), None)
    return None if found is None else entry_as(found, form)
