"""Who asks, and when what was known of that does not hold any more."""

from __future__ import annotations

import pytest

from lictor_core.acl.caller import ANYBODY
from lictor_core.acl.commands import AclPolicyDelete, AclPolicySet, AclTokensDelete, AclTokenSet
from lictor_core.acl.granted import DefaultPolicy
from lictor_core.acl.records import ANONYMOUS_ID, ANONYMOUS_SECRET, Link, Token
from lictor_core.acl.rules import Access, Resource
from lictor_core.acl.times import seconds_of
from lictor_core.commands import Command
from lictor_core.errors import PermissionDeniedError
from lictor_server.acl import resolver as module
from lictor_server.acl.resolver import Resolver
from lictor_server.acl.settings import AclSettings
from lictor_server.state import Store, apply
from tests.server.build_acl import id_of, policy, token
from tests.support.clock import ManualClock

SETTINGS = AclSettings(enabled=True, default_policy=DefaultPolicy.DENY, token_ttl_s=7.0)
READ, WRITE = 'key "a" { policy = "read" }', 'key "a" { policy = "write" }'


class Place:
    """A state and who is judged by it."""

    def __init__(self, settings: AclSettings = SETTINGS) -> None:
        self.store = Store("dc1")
        self.clock = ManualClock()
        self.resolver = Resolver(self.store, settings, self.clock)

    def do(self, command: Command) -> None:
        assert apply(self.store, max(self.store.index, 9) + 1, command)[0].rejection is None


def anonymous(*links: Link) -> Token:
    return Token(
        accessor_id=ANONYMOUS_ID, secret_id=ANONYMOUS_SECRET, description="", policies=links, local=False,
        create_time="", hash="", create_index=0, modify_index=0,
    )  # fmt: skip


def test_without_access_control_everybody_is_anybody() -> None:
    place = Place(AclSettings())
    assert place.resolver.caller("whatever") is ANYBODY
    assert place.resolver.grants("whatever").default is DefaultPolicy.DISABLED


def test_a_secret_is_judged_by_what_its_token_links_to() -> None:
    place = Place()
    place.do(AclPolicySet(policy=policy("p", READ)))
    place.do(AclTokenSet(token=token("t", "p", secret="s", description="of t")))
    caller, grants = place.resolver.caller("s"), place.resolver.grants("s")
    assert caller.accessor_id == grants.accessor_id == id_of("t")
    assert caller.authorizer.allows(Resource.KEY, "a")
    assert not caller.authorizer.allows(Resource.KEY, "b")
    assert (grants.description, grants.ttl_s, grants.default) == ("of t", 7.0, DefaultPolicy.DENY)


@pytest.mark.parametrize("secret", ["s", id_of("t"), "S"])
def test_a_secret_that_no_token_has_is_refused(secret: str) -> None:
    place = Place()
    place.do(AclTokenSet(token=token("t")))
    with pytest.raises(PermissionDeniedError, match=r"^ACL not found$"):
        place.resolver.caller(secret)


def test_who_shows_no_secret_is_the_anonymous_token_also_before_there_is_one() -> None:
    place = Place()
    assert place.resolver.caller("").accessor_id == ANONYMOUS_ID
    assert not place.resolver.caller("").authorizer.allows(Resource.KEY, "a")
    place.do(AclPolicySet(policy=policy("p", READ)))
    place.do(AclTokenSet(token=anonymous(Link(id=id_of("p")))))
    assert place.resolver.caller("").authorizer.allows(Resource.KEY, "a")


def test_a_change_of_a_policy_counts_at_once_and_raises_the_stamp() -> None:
    place = Place()
    place.do(AclPolicySet(policy=policy("p", READ)))
    place.do(AclTokenSet(token=token("t", "p", secret="s")))
    before = place.resolver.caller("s")
    place.do(AclPolicySet(policy=policy("p", WRITE), is_update=True))
    after = place.resolver.caller("s")
    assert after.authorizer.allows(Resource.KEY, "a", Access.WRITE)
    assert after.stamp > before.stamp
    assert after.scope != before.scope
    place.do(AclPolicyDelete(id=id_of("p")))
    assert not place.resolver.caller("s").authorizer.allows(Resource.KEY, "a")


def test_a_change_of_the_token_counts_at_once_and_raises_the_stamp() -> None:
    place = Place()
    place.do(AclPolicySet(policy=policy("p", READ)))
    place.do(AclTokenSet(token=token("t", "p", secret="s")))
    before = place.resolver.caller("s")
    place.do(AclTokenSet(token=token("t", secret="s"), is_update=True))
    assert not place.resolver.caller("s").authorizer.allows(Resource.KEY, "a")
    assert place.resolver.caller("s").stamp > before.stamp
    place.do(AclTokensDelete(accessor_ids=[id_of("t")]))
    with pytest.raises(PermissionDeniedError):
        place.resolver.caller("s")


def test_what_others_change_leaves_a_caller_as_it_is() -> None:
    place = Place()
    place.do(AclTokenSet(token=token("t", secret="s")))
    before = place.resolver.caller("s")
    place.do(AclTokenSet(token=token("u")))
    assert place.resolver.caller("s") is before


def test_a_token_ends_with_its_time() -> None:
    place = Place()
    place.do(AclTokenSet(token=token("t", secret="s", expires="2026-01-02T03:04:05.500000Z")))
    until = seconds_of("2026-01-02T03:04:05.5Z")
    place.clock.advance(until - 0.25 - place.clock.now())
    assert place.resolver.caller("s").expires_at_s == until
    place.clock.advance(0.25)
    with pytest.raises(PermissionDeniedError, match=r"^ACL not found$"):
        place.resolver.caller("s")
    with pytest.raises(PermissionDeniedError):
        place.resolver.grants("s")


def test_callers_that_are_kept_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CALLERS_MAX", 2)
    place = Place()
    for name in "tuv":
        place.do(AclTokenSet(token=token(name, secret=name)))
    first = place.resolver.caller("t")
    place.resolver.caller("u")
    assert place.resolver.caller("t") is first
    place.resolver.caller("v")
    assert place.resolver.caller("t") is first, "it was used later than the one that went"
    place.resolver.caller("u")
    place.resolver.caller("v")
    assert place.resolver.caller("t") is not first
