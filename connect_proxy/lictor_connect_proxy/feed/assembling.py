"""From what is known to a snapshot. Pure, and done anew for each change.

What a snapshot needs is what is looked for on the way (`needs.Known`). Nothing is put together of halves: a chain takes
the place of the one before it once the instances of all its targets are known.
"""

from __future__ import annotations

import msgspec

from lictor_connect_proxy.feed import gateways
from lictor_connect_proxy.feed.judging import default_allow, judge_by, providers_for
from lictor_connect_proxy.feed.needs import ExposedForChecks, Known, LeafOf, RegistrationOf, Roots
from lictor_connect_proxy.feed.reaching import reach
from lictor_connect_proxy.feed.registrations import Registration
from lictor_connect_proxy.snapshot import ProxySnapshot
from lictor_core.records import ServiceKind

__all__ = ["assemble", "first_snapshot"]


def first_snapshot(registration: Registration) -> ProxySnapshot:
    """The snapshot of a proxy of which nothing else is known."""
    return ProxySnapshot(
        service=registration.service,
        public=registration.public,
        upstreams=registration.upstreams,
        proxy_id=registration.proxy_id,
        kind=registration.kind,
        config=registration.config,
        exposed=registration.exposed,
        bind_addresses=registration.bind_addresses,
    )


def assemble(start: ProxySnapshot, known: Known, before: ProxySnapshot, proxy_id: str = "") -> ProxySnapshot:
    """The snapshot after `before` of a proxy: as it is registered under `proxy_id`, without one as `start` says.

    It is `before` itself where nothing changed.
    """
    registration = known.value(RegistrationOf(proxy_id)) if proxy_id else None
    base = start if registration is None else first_snapshot(registration)
    if registration is not None and registration.exposes_checks:
        paths = known.value(ExposedForChecks(proxy_id)) or ()
        base = msgspec.structs.replace(base, exposed=(*base.exposed, *paths))
    if not base.service:
        return _settled(base, before)
    match base.kind:
        case ServiceKind.INGRESS_GATEWAY:
            found = gateways.ingress(base, known, before)
        case ServiceKind.TERMINATING_GATEWAY:
            found = gateways.terminating(base, known)
        case ServiceKind.MESH_GATEWAY:
            found = gateways.mesh(base, known)
        case _:
            found = _sidecar(base, known, before)
    return _settled(found, before)


def _sidecar(base: ProxySnapshot, known: Known, before: ProxySnapshot) -> ProxySnapshot:
    leaf = known.value(LeafOf(base.service))
    identity = None if leaf is None else leaf.identity()
    datacenter = "" if identity is None else identity.datacenter
    reached = reach((one.key for one in base.upstreams), known, before, datacenter)
    policy = None if base.public is None else judge_by(base.service, known)
    return msgspec.structs.replace(
        base,
        roots=known.value(Roots()),
        leaf=leaf,
        datacenter=datacenter,
        policy=policy,
        default_allow=None if base.public is None else default_allow(known),
        jwt_providers=providers_for([policy], known),
        endpoints=reached.endpoints,
        queried=reached.queried,
        chains=reached.chains,
        instances=reached.instances,
    )


def _settled(found: ProxySnapshot, before: ProxySnapshot) -> ProxySnapshot:
    """`before` with what is another value in `found`, so that who reads it sees what changed; itself for nothing."""
    changed = {
        name: new
        for name in ProxySnapshot.__struct_fields__
        if (new := getattr(found, name)) is not (old := getattr(before, name)) and new != old
    }
    return msgspec.structs.replace(before, **changed) if changed else before
