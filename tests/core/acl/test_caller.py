from lictor_core.acl.authorizer import Authorizer
from lictor_core.acl.caller import ANYBODY, Caller
from lictor_core.acl.rules import Access, Resource
from tests.core.acl.grants import grants


def test_callers_see_by_the_scope_of_their_authorizer() -> None:
    authorizer = Authorizer(grants())

    assert authorizer.scope == Caller(authorizer=authorizer).scope != ""


def test_anybody_may_do_everything() -> None:
    assert ANYBODY.scope == ""
    assert ANYBODY.authorizer.allows(Resource.ACL, access=Access.WRITE)
