from lictor_core.acl.authorizer import Authorizer
from lictor_core.acl.denial import DENIED, NAME_SHOWN_MAX, denial, permission
from lictor_core.acl.granted import DefaultPolicy
from lictor_core.acl.records import ANONYMOUS_ID
from lictor_core.acl.rules import Access, Resource
from tests.core.acl.grants import ACCESSOR, grants, rule


def test_where_no_rule_speaks_a_denial_names_the_policies_and_the_default() -> None:
    judgement = Authorizer(grants()).judge(Resource.OPERATOR, access=Access.WRITE)

    assert (
        f"{DENIED}: token with AccessorID '{ACCESSOR}' lacks permission 'operator:write'; "
        'no rule speaks of it (policies: "ops") and the default is "deny"'
    ) == denial(judgement)


def test_who_sent_no_token_is_told_where_one_is_looked_for() -> None:
    judgement = Authorizer(grants(accessor_id=ANONYMOUS_ID)).judge(Resource.NODE, "n1")

    assert "no token was sent, nor is one set as the agent's default" in denial(judgement)


def test_a_denial_of_all_below_a_prefix_shows_the_rule_in_the_way() -> None:
    in_the_way = rule(Resource.KEY, "a/secret", Access.READ)
    authorizer = Authorizer(grants(rule(Resource.KEY, "", Access.WRITE, prefix=True), in_the_way))

    text = denial(authorizer.judge_under("a/"))

    assert "'key:write' on \"a/\" and all below it" in text
    assert in_the_way.shown in text


def test_a_denial_by_default_policy_tells_it() -> None:
    judgement = Authorizer(grants(default=DefaultPolicy.ALLOW)).judge(Resource.ACL, access=Access.WRITE)

    assert 'the default is "allow", which leaves out access control itself' in denial(judgement)


def test_a_denial_is_one_bounded_line_whatever_the_name() -> None:
    judgement = Authorizer(grants()).judge(Resource.KEY, "a\r\nSet-Cookie: x\x1b[2J" + "b" * 5000)

    assert denial(judgement).isprintable()
    assert len(denial(judgement)) < NAME_SHOWN_MAX + 300


def test_a_permission_names_what_has_names() -> None:
    assert permission(Resource.SERVICE, "web", Access.WRITE) == "'service:write' on \"web\""
    assert permission(Resource.OPERATOR, "", Access.READ) == "'operator:read'"


def test_a_denial_is_one_bounded_line_whatever_the_rule() -> None:
    odd = rule(Resource.KEY, "a\r\nb\x1b[2J" + "c" * 5000, Access.READ)
    judgement = Authorizer(grants(odd)).judge(Resource.KEY, odd.name, Access.WRITE)

    assert denial(judgement).isprintable()
    assert len(denial(judgement)) < 1000
