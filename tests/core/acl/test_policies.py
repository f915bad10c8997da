import pytest

from lictor_core.acl.policies import RULES_MAX, legacy_rules_of, rules_of
from lictor_core.acl.rules import Access, Resource, Rule
from lictor_core.errors import RequestError


def _rule(resource: Resource, name: str = "", access: Access = Access.READ, *, prefix: bool = False) -> Rule:
    return Rule(resource=resource, name=name, is_prefix=prefix, access=access)


@pytest.mark.parametrize(
    "value",
    [
        {"web": {"policy": "read"}},
        [{"web": {"policy": "read"}}],
        [{"web": [{"policy": "read"}]}],
        {"web": {"policy": "READ", "sentinel": {"code": "x"}}},
    ],
)
def test_a_rule_is_read_whichever_way_its_block_is_written(value: object) -> None:
    assert (_rule(Resource.SERVICE, "web"),) == rules_of({"service": value})


def test_every_resource_is_read() -> None:
    named = [kind for kind in Resource if kind.is_named and kind is not Resource.INTENTION]
    whole = [kind for kind in Resource if not kind.is_named]
    tree: dict[str, object] = {kind: {"x": {"policy": "deny"}} for kind in named}
    tree |= {f"{kind}_prefix": {"y": {"policy": "write"}} for kind in named}
    tree |= dict.fromkeys(whole, "write")

    rules = rules_of(tree)

    assert {
        *(_rule(kind, "x", Access.DENY) for kind in named),
        *(_rule(kind, "y", Access.WRITE, prefix=True) for kind in named),
        *(_rule(kind, access=Access.WRITE) for kind in whole),
    } == set(rules)


def test_only_keys_are_listed() -> None:
    assert Access.LIST is rules_of({"key_prefix": {"": {"policy": "list"}}})[0].access
    with pytest.raises(RequestError, match="Invalid node policy"):
        rules_of({"node": {"n": {"policy": "list"}}})


def test_a_service_says_what_is_granted_of_its_intentions() -> None:
    (rule,) = rules_of({"service": {"web": {"policy": "read", "intentions": "write"}}})

    assert (rule.access, rule.intentions) == (Access.READ, Access.WRITE)


def test_what_is_not_known_is_passed_over() -> None:
    assert rules_of({"foo": {"x": {"policy": "read"}}, "namespace": {"x": {"acl": "write"}}, "acl": ""}) == ()


@pytest.mark.parametrize(
    ("tree", "said"),
    [
        ({"service": {"web": {"policy": "bogus"}}}, 'Invalid service policy: service "web"'),
        ({"service": {"web": {}}}, "Invalid service policy"),
        ({"service": {"web": {"policy": "read", "intentions": "list"}}}, "Invalid service intentions policy"),
        ({"node": {"a": {"b": {"policy": "read"}}}}, "Invalid node policy"),
        ({"acl": "bogus"}, "Invalid acl policy"),
        ({"acl": 3}, "Invalid acl policy"),
        ({"operator": {"policy": "read"}}, "Failed to parse ACL rules"),
        ({"agent_prefix": {"": {"policy": ["read"]}}}, "Failed to parse ACL rules"),
        ({"key": "read"}, "Failed to parse ACL rules"),
        ({"key": {"a": "read"}}, "Failed to parse ACL rules"),
    ],
)
def test_a_wrong_policy_is_refused_by_what_is_wrong(tree: dict[str, object], said: str) -> None:
    with pytest.raises(RequestError, match=said):
        rules_of(tree)


def test_a_policy_has_a_bounded_number_of_rules() -> None:
    names = {f"k{at}": {"policy": "read"} for at in range(RULES_MAX + 1)}

    with pytest.raises(RequestError, match=f"at most {RULES_MAX}"):
        rules_of({"key": names})


def test_names_of_the_older_api_are_prefixes_and_its_words_are_fewer() -> None:
    tree: dict[str, object] = {
        "key": {"a": {"policy": "write"}},
        "key_prefix": {"b": {"policy": "write"}},
        "operator": "read",
        "acl": "write",
    }

    assert (
        _rule(Resource.KEY, "a", Access.WRITE, prefix=True),
        _rule(Resource.OPERATOR),
    ) == legacy_rules_of(tree)
