import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lictor_core.acl.authorizer import EVERYTHING, MANAGEMENT_RULES, Authorizer
from lictor_core.acl.granted import DefaultPolicy, GrantedPolicy, Grants
from lictor_core.acl.rules import Access, Resource, Rule
from lictor_core.errors import PermissionDeniedError
from tests.core.acl.grants import ACCESSOR, NAMES, grants, grants_drawn, names_drawn, rule

_RESOURCES = st.sampled_from(Resource)
_ASKED = st.sampled_from([Access.READ, Access.LIST, Access.WRITE])
_STRENGTH = (Access.READ, Access.LIST, Access.WRITE, Access.DENY)
"""Of rules about the same place the last of these counts."""


def _stronger(levels: list[Access]) -> Access:
    return max(levels, key=_STRENGTH.index)


def _all_rules(given_: Grants) -> list[Rule]:
    return [one for policy in given_.policies for one in (MANAGEMENT_RULES if policy.is_management else policy.rules)]


def _by_place(given_: Grants, resource: Resource) -> dict[tuple[str, bool], Access]:
    """A dumb twin: rule by rule, no index."""
    kept = Resource.SERVICE if resource is Resource.INTENTION else resource
    if resource is Resource.MESH and not any(one.resource is kept for one in _all_rules(given_)):
        kept = Resource.OPERATOR
    rules = [one for one in _all_rules(given_) if one.resource is kept]
    places: dict[tuple[str, bool], Access] = {}
    for place in {(one.name, one.is_prefix) for one in rules}:
        here = [one for one in rules if (one.name, one.is_prefix) == place]
        level = _stronger([one.access for one in here])
        if resource is Resource.INTENTION:
            said = [one.intentions for one in here if one.intentions is not None]
            level = _stronger(said) if said else (Access.DENY if level is Access.DENY else Access.READ)
        places[place] = level
    return places


def _oracle(given_: Grants, resource: Resource, name: str, access: Access) -> bool:
    if given_.default is DefaultPolicy.DISABLED:
        return True
    places = _by_place(given_, resource)
    default = given_.default is DefaultPolicy.ALLOW and resource is not Resource.ACL
    if resource is Resource.INTENTION and name == "*":
        base = places[("", True)] >= access if ("", True) in places else default
        levels = places.values()
        if access is Access.WRITE:
            return base and all(level >= access for level in levels)
        return base or any(level >= access for level in levels)
    if (name, False) in places:
        return places[(name, False)] >= access
    fitting = [prefix for prefix, is_prefix in places if is_prefix and name.startswith(prefix)]
    return places[(max(fitting, key=len), True)] >= access if fitting else default


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(grants_drawn(), _RESOURCES, names_drawn(), _ASKED)
def test_judgements_are_those_of_a_naive_reading_of_the_rules(
    given_: Grants, resource: Resource, name: str, access: Access
) -> None:
    asked = name if resource.is_named else ""
    authorizer = Authorizer(given_)

    assert _oracle(given_, resource, asked, access) == authorizer.allows(resource, name, access)
    assert authorizer.judge(resource, name, access).allowed == authorizer.allows(resource, name, access)


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(grants_drawn(), _RESOURCES)
def test_seeing_all_means_that_no_name_is_denied_and_seeing_any_that_one_is_not(
    given_: Grants, resource: Resource
) -> None:
    authorizer = Authorizer(given_)
    names = (
        *NAMES,
        *(one.name for one in _all_rules(given_)),
        *(one.name + "~" for one in _all_rules(given_)),
        "never said",
    )
    plain = [name for name in names if name != "*"] if resource.is_named else [""]

    if authorizer.sees_all(resource):
        assert all(authorizer.allows(resource, name) for name in plain)
    if any(authorizer.allows(resource, name) for name in plain):
        assert authorizer.sees_any(resource)


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(grants_drawn(), names_drawn())
def test_whoever_may_write_all_below_a_prefix_may_write_each_key_there(given_: Grants, prefix: str) -> None:
    authorizer = Authorizer(given_)
    below = [
        prefix,
        prefix + "~",
        *(one.name for one in _all_rules(given_) if one.name.startswith(prefix)),
    ]
    exact = [one.name for one in _all_rules(given_) if one.resource is Resource.KEY and not one.is_prefix]

    if authorizer.allows_under(prefix):
        assert all(authorizer.allows(Resource.KEY, key, Access.WRITE) for key in below)
    elif prefix not in exact:
        assert not all(authorizer.allows(Resource.KEY, key, Access.WRITE) for key in below) or any(
            one.access is not Access.WRITE for one in _all_rules(given_) if one.name.startswith(prefix)
        )
    assert authorizer.judge_under(prefix).allowed == authorizer.allows_under(prefix)


@given(grants_drawn(), names_drawn())
def test_equal_scopes_judge_alike(given_: Grants, name: str) -> None:
    shuffled = msgspec.structs.replace(given_, accessor_id="another", policies=given_.policies[::-1])

    assert Authorizer(given_).scope == Authorizer(shuffled).scope


def test_scopes_of_other_rules_or_another_default_differ() -> None:
    scopes = {
        Authorizer(one).scope
        for one in (
            grants(),
            grants(default=DefaultPolicy.ALLOW),
            grants(rule(Resource.KEY, "a", Access.READ)),
            grants(rule(Resource.KEY, "a", Access.WRITE)),
            grants(rule(Resource.KEY, "a", Access.READ, prefix=True)),
            grants(rule(Resource.NODE, "a", Access.READ)),
        )
    }

    assert len(scopes) == 6


def test_a_cluster_without_access_control_and_its_management_restrict_nothing() -> None:
    management = Authorizer(
        Grants(
            accessor_id=ACCESSOR,
            policies=(GrantedPolicy(name="global-management", is_management=True),),
            default=DefaultPolicy.DENY,
        )
    )

    for everything in (EVERYTHING, management):
        assert everything.scope == ""
        assert all(everything.allows(resource, "x", Access.WRITE) for resource in Resource)
        assert everything.allows_under("")
        assert everything.sees_all(Resource.NODE)


def test_allowing_by_default_does_not_grant_access_control_itself() -> None:
    authorizer = Authorizer(grants(default=DefaultPolicy.ALLOW))

    assert [kind for kind in Resource if not authorizer.allows(kind, "x", Access.WRITE)] == [Resource.ACL]


def test_a_denial_tells_who_lacks_what_and_the_nearest_rule() -> None:
    authorizer = Authorizer(
        grants(
            rule(Resource.SERVICE, "", Access.DENY, prefix=True),
            rule(Resource.SERVICE, "w", Access.READ, prefix=True),
        )
    )

    with pytest.raises(PermissionDeniedError) as denied:
        authorizer.require(Resource.SERVICE, "web", Access.WRITE)

    assert (
        f"Permission denied: token with AccessorID '{ACCESSOR}' lacks permission 'service:write' on \"web\"; "
        'nearest rule: service_prefix "w" { policy = "read" } of policy "ops"'
    ) == str(denied.value)


def test_what_is_considered_stands_in_the_order_in_which_it_counts() -> None:
    rules = (
        rule(Resource.SERVICE, "", Access.WRITE, prefix=True),
        rule(Resource.SERVICE, "we", Access.READ, prefix=True),
        rule(Resource.SERVICE, "web", Access.READ),
        rule(Resource.SERVICE, "other", Access.READ),
    )
    stronger = rule(Resource.SERVICE, "web", Access.DENY)
    two = Grants(
        accessor_id=ACCESSOR,
        policies=(GrantedPolicy(name="a", rules=rules), GrantedPolicy(name="b", rules=(stronger,))),
        default=DefaultPolicy.DENY,
    )

    judgement = Authorizer(two).judge(Resource.SERVICE, "web")

    assert [stronger, rules[2], rules[1], rules[0]] == [one.rule for one in judgement.considered]
    assert (stronger, "b", False) == (judgement.rule, judgement.policy, judgement.by_default)
