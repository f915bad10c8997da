"""The intentions of one destination as an entry, looked at alone."""

from __future__ import annotations

from lictor_core.entries.access import SOURCES_MAX, ServiceIntentions
from tests.core.entries.build import entry, flaws

KIND = "service-intentions"


def test_sources_come_in_deciding_order_with_their_precedence() -> None:
    found = entry(KIND, "db", {"Sources": [{"Name": "*", "Action": "deny"}, {"Name": "web", "Action": "ALLOW"}]})
    assert isinstance(found, ServiceIntentions)
    assert [(one.name, one.action, one.precedence, one.type) for one in found.sources] == [
        ("web", "allow", 9, "consul"),
        ("*", "deny", 8, "consul"),
    ]


def test_what_the_registry_gives_itself_is_not_believed() -> None:
    source = {"Name": "web", "Action": "allow", "Precedence": 5, "LegacyID": "x", "LegacyMeta": {"a": "b"}}
    found = entry(KIND, "db", {"Sources": [source]})
    assert isinstance(found, ServiceIntentions)
    assert (found.sources[0].precedence, found.sources[0].legacy_id, found.sources[0].legacy_meta) == (9, "", None)


def test_a_source_has_an_action_or_permissions_and_comes_once() -> None:
    permission = {"Action": "allow", "HTTP": {"PathExact": "/"}}
    sources = [
        {"Name": "a", "Action": "maybe"},
        {"Name": "a", "Action": "allow", "Permissions": [permission]},
        {"Name": "b*", "Permissions": [permission], "Type": "other", "Description": "d" * 513},
        {"Name": ""},
    ]
    # In deciding order: the nameless one first.
    assert flaws(KIND, {"Sources": sources}, "db") == [
        "Sources[0].Name",
        "Sources[0].Action",
        "Sources[1].Action",
        "Sources[2].Name",
        "Sources[2].Action",
        "Sources[3].Name",
        "Sources[3].Type",
        "Sources[3].Description",
    ]


def test_permissions_are_for_one_destination_and_say_which_requests_they_mean() -> None:
    permissions = [
        {"Action": "allow"},
        {"HTTP": {"PathExact": "a", "PathRegex": "b", "Methods": ["get", "GET", "brew"], "Header": [{"Name": "x"}]}},
        {"Action": "allow", "JWT": {"Providers": [{"Name": "okta"}]}},
    ]
    assert flaws(KIND, {"Sources": [{"Name": "web", "Permissions": permissions}]}, "*") == [
        "Sources[0].Permissions",
        "Sources[0].Permissions[0].HTTP",
        "Sources[0].Permissions[1].Action",
        "Sources[0].Permissions[1].HTTP",
        "Sources[0].Permissions[1].HTTP.PathExact",
        "Sources[0].Permissions[1].HTTP.Header[0]",
        "Sources[0].Permissions[1].HTTP.Methods",
        "Sources[0].Permissions[1].HTTP.Methods",
    ]


def test_a_token_has_a_provider_and_claims_have_paths() -> None:
    providers = [{"Name": "a"}, {"Name": "a", "VerifyClaims": [{"Value": "v"}, {"Path": ["x", ""]}]}, {}]
    body = {"JWT": {"Providers": providers}, "Sources": [{"Name": "web", "Action": "allow"}]}
    assert flaws(KIND, body, "db") == [
        "JWT.Providers[1].Name",
        "JWT.Providers[1].VerifyClaims[0].Path",
        "JWT.Providers[1].VerifyClaims[1].Path",
        "JWT.Providers[2].Name",
    ]
    assert flaws(KIND, {"JWT": {}, "Sources": []}, "db*") == ["Name", "JWT.Providers", "Sources"]


def test_sources_are_bounded_and_the_bound_is_told_alone() -> None:
    sources = [{"Name": "same", "Action": "allow"} for _ in range(SOURCES_MAX + 1)]
    assert flaws(KIND, {"Sources": sources}, "db") == ["Sources"]
    assert len(flaws(KIND, {"Sources": sources[:-1]}, "db")) == SOURCES_MAX - 1
