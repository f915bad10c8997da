"""Hashes are those that Consul 1.8.7 showed for the same records."""

from __future__ import annotations

import msgspec

from lictor_core.acl.records import Link, NodeIdentity, ServiceIdentity
from lictor_server.acl.hashes import hash_of_policy, hash_of_role, hash_of_token
from tests.server.acl.desks import given_policy, given_role, given_token

P1, P2 = "0c0e32aa-7bc4-aa8e-c10a-32d8bfc6b0d3", "cce0999f-338c-d714-db5e-2054d61c0af1"


def test_policies() -> None:
    assert hash_of_policy(given_policy("Ab2", description="x")) == "XrBKXDPiDvFNM7Y0UAMWE2ODn1MRiotZLw/4ZPEgIkQ="
    assert (
        hash_of_policy(given_policy("Ab", 'key "a" { policy="read"}')) == "2w2/DrDuRtWdg7Aej+mBJJH0HbSFYNlaEhJWwjhlTVI="
    )
    assert (
        hash_of_policy(given_policy("dc", datacenters=("dc7", "dc1"))) == "0nWwvg2vzXg9C5qa78FL8uaCqQuJBEjjY4y53QmYLfE="
    )


def test_roles() -> None:
    role = given_role(
        "r2",
        policies=(Link(id=P1),),
        service_identities=(ServiceIdentity(service_name="web", datacenters=("dc1",)),),
        node_identities=(NodeIdentity(node_name="n1", datacenter="dc1"),),
    )
    assert hash_of_role(role) == "Onjp9qebL1kAFZIs4B1dMnTfRKcT8MxA1nCLwBVLROk="


def test_tokens() -> None:
    both = given_token(policies=(Link(id=P1), Link(id=P2)))
    assert hash_of_token(both) == "VzeYTDmicSxspp9dcfx+jj8wLJLnvVnb+B8pxnoxvCg="
    assert hash_of_token(given_token(local=True)) == "phJYEP8TihveNo6aOJCxLxq34AAOhSYayisOMnod+Kc="
    described = given_token(description="new")
    assert hash_of_token(described) == "vGj+rBJnm0a9hejLx+CivaibAk/0Mbn0u/bd9BRwOEc="
    older = msgspec.structs.replace(described, legacy=True, type="client", rules="x")
    assert hash_of_token(older) != hash_of_token(described)
