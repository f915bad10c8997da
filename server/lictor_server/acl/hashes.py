"""The hash of what a token, policy or role says: what Consul 1.8.7 shows for the same record, tried against it.

BLAKE2b, 32 bytes, over the texts one behind the other; base64.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable

from lictor_core.acl.records import NodeIdentity, Policy, Role, ServiceIdentity, Token

__all__ = ["hash_of_policy", "hash_of_role", "hash_of_token"]

_HASH_BYTES = 32


def hash_of_policy(policy: Policy) -> str:
    """Of its name, description, rules and datacenters."""
    return _hash((policy.name, policy.description, policy.rules, *policy.datacenters))


def hash_of_role(role: Role) -> str:
    """Of its name, description, links and identities."""
    return _hash(
        (
            role.name,
            role.description,
            *(link.id for link in role.policies),
            *_identities(role.service_identities, role.node_identities),
        )
    )


def hash_of_token(token: Token) -> str:
    """Of its description, where it counts, its links and identities, and what one of the older API says."""
    return _hash(
        (
            token.description,
            *((token.type, token.rules) if token.legacy else ()),
            "local" if token.local else "global",
            *(link.id for link in token.policies),
            *(link.id for link in token.roles),
            *_identities(token.service_identities, token.node_identities),
        )
    )


def _identities(services: Iterable[ServiceIdentity], nodes: Iterable[NodeIdentity]) -> Iterable[str]:
    for service in services:
        yield service.service_name
        yield from service.datacenters
    for node in nodes:
        yield node.node_name
        yield node.datacenter


def _hash(texts: Iterable[str]) -> str:
    digest = hashlib.blake2b(digest_size=_HASH_BYTES)
    for text in texts:
        digest.update(text.encode(errors="surrogatepass"))
    return base64.b64encode(digest.digest()).decode()
