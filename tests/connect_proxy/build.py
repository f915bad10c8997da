"""Values for tests of the proxy."""

from __future__ import annotations

from typing import Final

from lictor_connect_proxy.layers.stages import Accepted, Identified, PeerCertificate
from lictor_connect_proxy.snapshot import Endpoint, Leaf, Policy, ProxySnapshot, PublicListener, TrustRoots
from lictor_core.intentions import Rule, precedence
from lictor_core.names import ServiceId
from lictor_core.records import IntentionAction

TRUST_DOMAIN: Final = "11111111-2222-3333-4444-555555555555.consul"
OTHER_DOMAIN: Final = "99999999-2222-3333-4444-555555555555.consul"
NOW: Final = 1_000_000.0


def service_id(service: str, *, trust_domain: str = TRUST_DOMAIN, datacenter: str = "dc1") -> ServiceId:
    return ServiceId(trust_domain, "default", datacenter, service)


def certificate(*uris: str, not_before: float = NOW - 10, not_after: float = NOW + 10) -> PeerCertificate:
    return PeerCertificate(uris=uris, not_before=not_before, not_after=not_after, serial="01")


def identified(service: str, peer: str = "192.0.2.1:4000") -> Identified:
    identity = service_id(service)
    return Identified(Accepted(peer), identity, identity.uri())


def rule(source: str, action: str, destination: str = "db") -> Rule:
    return Rule(
        source=source,
        destination=destination,
        action=IntentionAction(action),
        precedence=precedence(source, destination),
        id=f"{source}-{destination}",
    )


def policy(*rules: Rule) -> Policy:
    return Policy(rules=rules)


def snapshot(
    *rules: Rule, default_allow: bool | None = True, has_policy: bool = True, service: str = "db"
) -> ProxySnapshot:
    """A complete snapshot whose certificates are never loaded."""
    return ProxySnapshot(
        service=service,
        leaf=Leaf(
            certificate_pem="", private_key_pem="", uri=service_id(service).uri(), serial="01", valid_before="later"
        ),
        roots=TrustRoots(trust_domain=TRUST_DOMAIN, pems=("root",)),
        policy=policy(*rules) if has_policy else None,
        default_allow=default_allow,
        public=PublicListener(
            bind_address="127.0.0.1", bind_port=21000, application_host="127.0.0.1", application_port=5432
        ),
    )


def endpoint(number: int) -> Endpoint:
    return Endpoint(f"192.0.2.{number}", 21000 + number, f"node-{number}/db")
