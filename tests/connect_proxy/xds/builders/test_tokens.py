"""The filter that verifies tokens."""

from typing import cast

import msgspec

from lictor_connect_proxy.snapshot import ProxySnapshot
from lictor_connect_proxy.xds.builders.tokens import key_clusters, token_filter
from lictor_core.intentions import Rule, stated_rule
from lictor_core.records import JsonObject
from tests.connect_proxy.build import rule, snapshot


def demanding(provider: str, entry: JsonObject) -> ProxySnapshot:
    demand = {"Providers": [{"Name": provider}]}
    one = snapshot(stated_rule(rule("web", "allow"), None, demand))
    return msgspec.structs.replace(one, jwt_providers={provider: entry, "unused": {}})


def rules_of(one: ProxySnapshot) -> tuple[Rule, ...]:
    return () if one.policy is None else one.policy.rules


def configured(one: ProxySnapshot) -> JsonObject:
    return cast(JsonObject, token_filter("tokens", rules_of(one), one.jwt_providers)["typed_config"])


def test_only_providers_that_some_intention_names_are_looked_for() -> None:
    found = configured(demanding("okta", {"JSONWebKeySet": {"Local": {"Filename": "/keys"}}}))
    assert list(cast(JsonObject, found["providers"])) == ["okta"]
    assert "providers" not in configured(snapshot(rule("web", "allow")))


def test_a_provider_that_is_not_known_verifies_nothing() -> None:
    one = msgspec.structs.replace(demanding("okta", {}), jwt_providers={})
    assert "providers" not in configured(one)


def test_a_request_without_a_token_goes_on_to_the_rules() -> None:
    found = configured(demanding("okta", {"JSONWebKeySet": {"Local": {"Filename": "/keys"}}}))
    assert "{'allow_missing_or_failed': {}}" in str(found["rules"])


def test_keys_elsewhere_are_fetched_from_whoever_proves_to_be_there() -> None:
    one = demanding("okta", {"JSONWebKeySet": {"Remote": {"URI": "https://keys.example/jwks"}}})
    (cluster,) = key_clusters(rules_of(one), one.jwt_providers)
    assert "{'address': 'keys.example', 'port_value': 443}" in str(cluster)
    assert "{'san_type': 'DNS', 'matcher': {'exact': 'keys.example'}}" in str(cluster)
    assert f"'cluster': '{cluster['name']}'" in str(configured(one))


def test_keys_elsewhere_may_be_had_without_tls() -> None:
    one = demanding("okta", {"JSONWebKeySet": {"Remote": {"URI": "http://127.0.0.1:8080/jwks"}}})
    (cluster,) = key_clusters(rules_of(one), one.jwt_providers)
    assert "'port_value': 8080" in str(cluster)
    assert "transport_socket" not in cluster
