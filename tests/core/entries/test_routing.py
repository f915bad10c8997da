"""Routers, splitters and resolvers looked at alone; tests/compat/scenarios/http/config_routing.py has all refusals."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lictor_core.entries.routing import ROUTES_MAX, Resolver, normal_weight
from tests.core.entries.build import entry, flaws


def test_all_flaws_are_found_at_once() -> None:
    routes = [
        {"Match": {"HTTP": {"PathExact": "a", "PathPrefix": "b", "Methods": ["get", "GET"]}}},
        {"Destination": {"PrefixRewrite": "/x", "NumRetries": -1, "RequestTimeout": "-1s"}},
        {"Match": {"HTTP": {"Header": [{"Name": ""}], "QueryParam": [{"Name": "q"}]}}},
    ]
    assert flaws("service-router", {"Routes": routes}) == [
        "Routes[0].Match.HTTP",
        "Routes[0].Match.HTTP.PathExact",
        "Routes[0].Match.HTTP.PathPrefix",
        "Routes[0].Match.HTTP.Methods",
        "Routes[1].Destination.PrefixRewrite",
        "Routes[1].Destination.RequestTimeout",
        "Routes[1].Destination.NumRetries",
        "Routes[2].Match.HTTP.Header[0].Name",
        "Routes[2].Match.HTTP.Header[0]",
        "Routes[2].Match.HTTP.QueryParam[0]",
    ]


@pytest.mark.parametrize(
    ("weight", "expected"),
    [(33.333, 33.33), (0.005, 0.01), (0.001, 0), (50, 50), (Decimal("33.335"), 33.34), (Decimal("16.665"), 16.67)],
)
def test_weights_are_kept_in_hundredths_halves_going_up(weight: float | Decimal, expected: float) -> None:
    assert normal_weight(weight) == expected


@pytest.mark.parametrize("weight", [-0.001, 100.5, 1e26, 1e300, float("inf")])
def test_a_weight_that_is_no_percentage_stays_as_it_is(weight: float) -> None:
    assert normal_weight(weight) == weight


@given(st.integers(min_value=0, max_value=10_000))
def test_a_weight_that_is_kept_stays_as_it_is(hundredths: int) -> None:
    kept = normal_weight(Decimal(hundredths) / 100)
    assert normal_weight(kept) == kept
    assert isinstance(kept, int) == (hundredths % 100 == 0)


@pytest.mark.parametrize(
    ("splits", "expected"),
    [
        ([{"Weight": 33.33}, {"Weight": 66.67, "Service": "b"}], []),
        ([{"Weight": 99.99}], ["Splits"]),
        ([{"Weight": 50}, {"Weight": 50, "Service": "web"}], ["Splits[1]"]),
        ([{"Weight": -10}, {"Weight": 110, "Service": "b"}], ["Splits[0].Weight", "Splits[1].Weight"]),
        ([], ["Splits"]),
    ],
)
def test_shares_make_a_whole_and_name_nobody_twice(splits: list[object], expected: list[str]) -> None:
    assert flaws("service-splitter", {"Splits": splits}) == expected


def test_what_excludes_one_another_in_a_resolver_is_named() -> None:
    body: dict[str, object] = {
        "DefaultSubset": "none",
        "Subsets": {"Bad": {}, "v1": {}},
        "ConnectTimeout": "-1s",
        "Redirect": {"ServiceSubset": "v1"},
        "Failover": {"v2": {"Datacenters": [""]}, "*": {}, "v1": {"ServiceSubset": "v3"}},
    }
    assert flaws("service-resolver", body) == [
        "Subsets[Bad]",
        "DefaultSubset",
        "ConnectTimeout",
        "Redirect",
        "Redirect.ServiceSubset",
        "Failover[*]",
        "Failover[v1].ServiceSubset",
        "Failover[v2]",
        "Failover[v2].Datacenters[0]",
    ]


def test_a_resolver_that_says_nothing_is_the_default() -> None:
    nothing, timeout = (entry("service-resolver", "web", {"ConnectTimeout": value}) for value in ("0s", "1s"))
    assert isinstance(nothing, Resolver)
    assert isinstance(timeout, Resolver)
    assert nothing.is_default()
    assert nothing.connect_timeout == ""
    assert not timeout.is_default()


def test_routes_are_bounded_and_the_bound_is_told_alone() -> None:
    routes = [{"Match": {"HTTP": {"PathExact": "no-slash"}}} for _ in range(ROUTES_MAX + 1)]
    assert flaws("service-router", {"Routes": routes}) == ["Routes"]
    assert len(flaws("service-router", {"Routes": routes[:-1]})) == ROUTES_MAX
