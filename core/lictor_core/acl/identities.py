"""What the identities of services and nodes grant. Sources: Consul's document `docs/security/acl/acl-system`; pure."""

from __future__ import annotations

from lictor_core.acl.granted import GrantedPolicy
from lictor_core.acl.records import NodeIdentity, ServiceIdentity
from lictor_core.acl.rules import Access, Resource, Rule

__all__ = ["SIDECAR_SUFFIX", "node_identity_policy", "service_identity_policy"]

SIDECAR_SUFFIX = "-sidecar-proxy"
"""Behind the name of a service stands this in that of its proxy."""


def service_identity_policy(identity: ServiceIdentity) -> GrantedPolicy:
    """To register a service and its proxy, and to find all others. Whether it counts in a datacenter is not asked."""
    name = identity.service_name
    return GrantedPolicy(
        name=f"identity of service {name}",
        rules=(
            Rule(resource=Resource.SERVICE, name=name, access=Access.WRITE),
            Rule(resource=Resource.SERVICE, name=name + SIDECAR_SUFFIX, access=Access.WRITE),
            Rule(resource=Resource.SERVICE, is_prefix=True, access=Access.READ),
            Rule(resource=Resource.NODE, is_prefix=True, access=Access.READ),
        ),
    )


def node_identity_policy(identity: NodeIdentity) -> GrantedPolicy:
    """To register an agent and to find services. Whether it counts in a datacenter is not asked."""
    return GrantedPolicy(
        name=f"identity of node {identity.node_name}",
        rules=(
            Rule(resource=Resource.NODE, name=identity.node_name, access=Access.WRITE),
            Rule(resource=Resource.SERVICE, is_prefix=True, access=Access.READ),
        ),
    )
