import contextlib
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lictor_core.acl.policies import POLICY_BYTES_MAX
from lictor_core.acl.rules import Access, Resource, Rule
from lictor_core.errors import BodyTooLargeError, RequestError
from lictor_server.acl.texts import legacy_rules, policy_rules, translated_text
from tests.support.strategies import json_values

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

    assert set(legacy_rules(old)) == set(policy_rules(translated_text(old)))


_WORDS = st.sampled_from(
    (
        "service", "key_prefix", "operator", "policy", "intentions", '"web"', '""', "{", "}", "=", '"read"', '"list"',
        "[", "]", ",", ":", "3", "true", "\n", "# x\n", "<<E\nx\nE\n",
    )
)  # fmt: skip
_OLD_BLOCKS = st.builds(
    '{} "{}" {{ policy = "{}" }}'.format,
    st.sampled_from(("agent", "event", "key", "node", "query", "service", "session")),
    st.text("ab/*", max_size=3),
    st.sampled_from(("read", "write", "deny")),
)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(_WORDS, max_size=14).map(" ".join) | st.text(max_size=40) | json_values().map(json.dumps))
def test_whatever_the_text_it_is_a_policy_or_refused_and_translated_or_refused(text: str) -> None:
    for read in (policy_rules, legacy_rules, translated_text):
        with contextlib.suppress(RequestError):
            read(text)


@given(st.lists(_OLD_BLOCKS | st.just('operator = "read"'), max_size=8).map("\n".join))
def test_whatever_the_older_rules_they_grant_the_same_when_they_are_translated(text: str) -> None:
    try:
        old = legacy_rules(text)
    except RequestError:
        return
    assert sorted(old, key=repr) == sorted(policy_rules(translated_text(text)), key=repr)
