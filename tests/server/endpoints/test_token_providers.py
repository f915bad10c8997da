"""Intentions and the providers of tokens that they name."""

from __future__ import annotations

import pytest

from lictor_core.commands import IntentionSet
from lictor_core.errors import RequestError
from lictor_server.endpoints.token_providers import check_providers, demanded_providers
from lictor_server.state import Store, apply
from tests.server.build import config, intention, unconfig

KIND, PROVIDER = "service-intentions", "jwt-provider"
KEYS: dict[str, object] = {"JSONWebKeySet": {"Local": {"Filename": "/keys"}}}
OKTA: dict[str, object] = {"Providers": [{"Name": "okta"}, {"Name": "auth0"}]}
PERMISSION: dict[str, object] = {"Action": "allow", "JWT": {"Providers": [{"Name": "okta"}]}}
DEMANDS: dict[str, dict[str, object]] = {
    "of the whole": {"JWT": OKTA, "Sources": [{"Name": "web", "Action": "allow"}]},
    "of a permission": {"Sources": [{"Name": "web", "Permissions": [PERMISSION]}]},
    "where nothing is allowed": {"JWT": OKTA, "Sources": [{"Name": "web", "Action": "deny"}]},
}


def store(*providers: str) -> Store:
    made = Store("dc1")
    for index, name in enumerate(providers, 3):
        apply(made, index, config(PROVIDER, name, KEYS))
    return made


@pytest.mark.parametrize("body", DEMANDS.values(), ids=DEMANDS.keys())
def test_a_provider_that_is_not_there_cannot_be_demanded(body: dict[str, object]) -> None:
    check_providers(store("okta", "auth0"), config(KIND, "db", body))
    for state in (store(), store("auth0"), store("OKTA", "auth0")):
        with pytest.raises(RequestError, match="there is no jwt-provider 'okta'"):
            check_providers(state, config(KIND, "db", body))


@pytest.mark.parametrize("body", DEMANDS.values(), ids=DEMANDS.keys())
def test_a_provider_that_is_demanded_is_not_deleted(body: dict[str, object]) -> None:
    state = store("okta", "auth0", "other")
    apply(state, 10, config(KIND, "db", body))
    with pytest.raises(RequestError, match="the intentions to 'db' demand its tokens"):
        check_providers(state, unconfig(PROVIDER, "okta"))
    check_providers(state, unconfig(PROVIDER, "other"))
    check_providers(state, unconfig(PROVIDER, "nobody"))
    apply(state, 11, unconfig(KIND, "db"))
    check_providers(state, unconfig(PROVIDER, "okta"))


def test_many_that_demand_it_are_counted() -> None:
    state = store("okta", "auth0")
    for index in range(5):
        apply(state, 10 + index, config(KIND, f"db{index}", DEMANDS["of the whole"]))
    with pytest.raises(RequestError, match="'db0', 'db1', 'db2' and 2 more"):
        check_providers(state, unconfig(PROVIDER, "okta"))


def test_other_commands_are_none_of_its_business() -> None:
    check_providers(store(), IntentionSet(intention=intention("web", "db", id="i1")))
    check_providers(store(), config("service-defaults", "db", {"Protocol": "http"}))
    check_providers(store(), unconfig(KIND, "db"))


def test_what_has_another_form_names_nobody() -> None:
    body: dict[str, object] = {"JWT": "okta", "Sources": "all", "Permissions": [1, {"JWT": dict[str, object]()}]}
    assert list(demanded_providers(body)) == []
