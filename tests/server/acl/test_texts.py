import pytest

from lictor_core.acl.policies import POLICY_BYTES_MAX
from lictor_core.acl.rules import Access, Resource, Rule
from lictor_core.errors import BodyTooLargeError, RequestError
from lictor_server.acl.texts import legacy_rules, policy_rules, translated_text

_WEB = Rule(resource=Resource.SERVICE, name="web", access=Access.READ)


def test_a_policy_may_be_hcl_or_json() -> None:
    assert policy_rules('service "web" { policy = "read" }') == (_WEB,)
    assert policy_rules(' {"service": {"web": {"policy": "read"}}}') == (_WEB,)
    assert policy_rules("") == ()


def test_a_text_that_is_neither_is_refused() -> None:
    for text in ('service "web" {', '["a"]', '{"a"'):
        with pytest.raises(RequestError, match="Failed to parse ACL rules"):
            policy_rules(text)


def test_a_policy_has_a_bounded_length() -> None:
    with pytest.raises(BodyTooLargeError, match=str(POLICY_BYTES_MAX)):
        policy_rules("#" + "x" * POLICY_BYTES_MAX)


def test_rules_of_the_older_api_translated_grant_the_same() -> None:
    old = """
    key "a" { policy = "write" }
    key "" { policy = "read" }
    service "web" { policy = "read" intentions = "write" }
    operator = "read"
    """

    assert sorted(legacy_rules(old)) == sorted(policy_rules(translated_text(old)))
