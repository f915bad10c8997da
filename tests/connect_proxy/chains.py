"""Discovery chains for tests of the proxy, made by the registry's own compiler."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from lictor_connect_proxy.snapshot import Endpoint, ProxySnapshot, UpstreamListener
from lictor_core.entries.base import Entry
from lictor_core.entries.chains import Chain
from lictor_core.entries.compiler import ChainQuestion, compile_chain
from lictor_core.entries.entry_set import EntrySet
from tests.connect_proxy.build import TRUST_DOMAIN
from tests.core.entries.build import entry, http

__all__ = ["chain_of", "chained", "failover", "redirect", "router", "splitter", "subsets"]


def chain_of(service: str, *entries: Entry, trust_domain: str = TRUST_DOMAIN) -> Chain:
    """The chain of `service` that `entries` make, seen from dc1."""
    question = ChainQuestion(service=service, datacenter="dc1", own_datacenter="dc1", trust_domain=trust_domain)
    return compile_chain(EntrySet(entries), question)


def splitter(service: str, **weights: float) -> list[Entry]:
    """Entries that share out `service` among services."""
    splits = [{"Weight": weight, "Service": name} for name, weight in weights.items()]
    return [*http(service, *weights), entry("service-splitter", service, {"Splits": splits})]


def subsets(service: str, **shares: float) -> list[Entry]:
    """Entries that share out `service` among its subsets."""
    named = {name: {"Filter": f"Service.Meta.version == {name}"} for name in shares}
    splits = [{"Weight": weight, "ServiceSubset": name} for name, weight in shares.items()]
    return [
        *http(service),
        entry("service-resolver", service, {"Subsets": named}),
        entry("service-splitter", service, {"Splits": splits}),
    ]


def failover(service: str, to: str = "", *, datacenters: tuple[str, ...] = (), timeout: str = "3s") -> Entry:
    """A resolver that fails over to another service, or to other datacenters."""
    said: dict[str, object] = {"Service": to} if to else {}
    if datacenters:
        said["Datacenters"] = list(datacenters)
    return entry("service-resolver", service, {"ConnectTimeout": timeout, "Failover": {"*": said}})


def redirect(service: str, to: str, datacenter: str = "") -> Entry:
    """A resolver that sends everybody elsewhere."""
    return entry("service-resolver", service, {"Redirect": {"Service": to, "Datacenter": datacenter}})


def router(service: str, *paths: str) -> list[Entry]:
    """A router with a route for each path, in front of `service`."""
    routes = [{"Match": {"HTTP": {"PathPrefix": path}}, "Destination": {"Service": service}} for path in paths]
    return [*http(service), entry("service-router", service, {"Routes": routes})]


def chained(snapshot: ProxySnapshot, chain: Chain, instances: Mapping[str, tuple[Endpoint, ...]]) -> ProxySnapshot:
    """`snapshot` with a chain for its one upstream, whose other targets have no instance."""
    upstream: UpstreamListener = snapshot.upstreams[0]
    return msgspec.structs.replace(
        snapshot,
        endpoints={},
        chains={upstream.key: chain},
        instances={target: instances.get(target, ()) for target in chain.targets},
    )
