"""Where upstreams lead: their chains, the instances of the targets, or what a prepared query found. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from lictor_connect_proxy.feed.needs import ChainOf, InstancesOf, Known, MeshGateways, QueryOf
from lictor_connect_proxy.snapshot import Endpoint, ProxySnapshot, QueryResult, UpstreamKey
from lictor_core.entries.chains import Chain, Target

__all__ = ["Reached", "instances_of", "reach"]

_BY_GATEWAYS: Final = ("local", "remote")


class Reached(msgspec.Struct):
    """Parts of a snapshot, as it describes them."""

    endpoints: dict[UpstreamKey, tuple[Endpoint, ...]] = {}
    queried: dict[UpstreamKey, QueryResult] = {}
    chains: dict[UpstreamKey, Chain] = {}
    instances: dict[str, tuple[Endpoint, ...]] = {}


def reach(keys: Iterable[UpstreamKey], known: Known, before: ProxySnapshot, datacenter: str) -> Reached:
    """Where each of `keys` leads, seen from `datacenter`, which is empty while it is not known."""
    reached = Reached()
    for key in dict.fromkeys(keys):
        if key.is_query:
            _take_query(key, known, reached)
            continue
        found = known.value(ChainOf(key))
        if found is None:
            continue
        if found.chain is None:
            endpoints = known.value(InstancesOf(key.service, key.datacenter))
            if endpoints is not None:
                reached.endpoints[key] = _usable(endpoints)
            continue
        own = datacenter or ("" if key.datacenter else found.chain.datacenter)
        _take_chain(key, found.chain, _instances(found.chain, known, own), before, reached)
    return reached


def _take_query(key: UpstreamKey, known: Known, reached: Reached) -> None:
    found = known.value(QueryOf(key.service, key.datacenter))
    if found is not None:
        reached.queried[key] = found.result
        reached.endpoints[key] = _usable(found.endpoints)


def _take_chain(
    key: UpstreamKey,
    chain: Chain,
    instances: Mapping[str, tuple[Endpoint, ...]],
    before: ProxySnapshot,
    reached: Reached,
) -> None:
    if len(instances) < len(chain.targets) and key in before.chains and before.knows(key):
        chain = before.chains[key]
        instances = {target: before.instances[target] for target in chain.targets}
    reached.chains[key] = chain
    reached.instances.update(instances)
    start = chain.nodes[chain.start_node].resolver
    if start is not None and len(instances) == len(chain.targets):
        targets = [start.target, *(start.failover.targets if start.failover is not None else ())]
        usable = [_usable(instances[target]) for target in targets]
        reached.endpoints[key] = next((one for one in usable if one), ())


def _instances(chain: Chain, known: Known, own: str) -> dict[str, tuple[Endpoint, ...]]:
    """The instances of the targets of a chain, of those that are known."""
    found = {id: instances_of(target, known, own) for id, target in chain.targets.items()}
    return {id: instances for id, instances in found.items() if instances is not None}


def instances_of(target: Target, known: Known, own: str, *, connect: bool = True) -> tuple[Endpoint, ...] | None:
    """Where a target is reached from the datacenter `own`: its instances, or gateways before it; None: not known."""
    is_remote = target.datacenter != own
    mode = target.mesh_gateway.mode
    if is_remote and mode in _BY_GATEWAYS:
        gateways = known.value(MeshGateways(own))
        return None if gateways is None else gateways.get(own if mode == "local" else target.datacenter, ())
    return known.value(
        InstancesOf(
            target.service,
            target.datacenter if is_remote else "",
            target.subset.filter,
            target.subset.only_passing,
            connect,
        )
    )


def _usable(endpoints: tuple[Endpoint, ...]) -> tuple[Endpoint, ...]:
    return tuple(one for one in endpoints if one.healthy)
