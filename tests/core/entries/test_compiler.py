"""Chains by rules; that they are Consul's chains is held against the real one in tests/compat (discovery_chain)."""

from __future__ import annotations

import itertools

import pytest

from lictor_core.entries.compiler import CHAIN_SPLITS_MAX, REDIRECTS_MAX, SPLITTERS_DEEP_MAX
from lictor_core.entries.routing import WEIGHT_WHOLE
from lictor_core.errors import RequestError
from tests.core.entries.build import DOMAIN, chain, entries, entry, http


def split(name: str, *to: str) -> list[object]:
    weight = WEIGHT_WHOLE / len(to)
    return [{"Weight": weight, "Service": one} for one in to]


def test_a_service_without_entries_is_its_instances() -> None:
    found = chain(entries(), "web")
    assert found.start_node == "resolver:web.default.dc1"
    assert list(found.nodes) == ["resolver:web.default.dc1"]
    resolver = found.nodes[found.start_node].resolver
    assert resolver is not None
    assert (resolver.default, resolver.connect_timeout, resolver.failover) == (True, "5s", None)
    assert found.targets["web.default.dc1"].sni == f"web.default.dc1.internal.{DOMAIN}"
    assert found.customization_hash == ""


def test_a_splitter_under_a_splitter_becomes_part_of_it() -> None:
    of = entries(
        *http("web", "a", "b", "c"),
        entry("service-splitter", "web", {"Splits": split("web", "a", "c")}),
        entry("service-splitter", "a", {"Splits": split("a", "a", "b")}),
    )
    found = chain(of, "web")
    splits = found.nodes["splitter:web.default"].splits
    assert [(one.weight, one.next_node.split(".")[0]) for one in splits] == [
        (25, "resolver:a"),
        (25, "resolver:b"),
        (50, "resolver:c"),
    ]
    assert "splitter:a.default" not in found.nodes


def test_a_route_leads_to_its_services_splitter_and_with_a_subset_past_it() -> None:
    of = entries(
        *http("web", "a", "b"),
        entry("service-splitter", "a", {"Splits": split("a", "a", "b")}),
        entry("service-resolver", "a", {"Subsets": {"v1": {"Filter": "Service.ID == x"}}}),
        entry(
            "service-router",
            "web",
            {"Routes": [{"Destination": {"Service": "a"}}, {"Destination": {"Service": "a", "ServiceSubset": "v1"}}]},
        ),
    )
    routes = chain(of, "web").nodes["router:web.default"].routes
    assert [one.next_node for one in routes] == [
        "splitter:a.default",
        "resolver:v1.a.default.dc1",
        "resolver:web.default.dc1",
    ]


def test_what_an_asker_changes_tells_its_chains_apart() -> None:
    of = entries(*http("web"), entry("service-router", "web"))
    plain, tcp, slow = (chain(of, "web"), chain(of, "web", protocol="tcp"), chain(of, "web", timeout="9s"))
    assert tcp.start_node == "resolver:web.default.dc1"
    assert slow.start_node == plain.start_node == "router:web.default"
    assert len({plain.customization_hash, tcp.customization_hash, slow.customization_hash}) == 3
    assert chain(of, "web", protocol="http").customization_hash == ""


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ([entry("service-router", "web")], "does not permit"),
        ([*http("a"), entry("service-resolver", "web", {"Redirect": {"Service": "a"}})], "inconsistent"),
        ([entry("service-resolver", "web", {"Redirect": {"Service": "web", "ServiceSubset": "v"}})], "no.* subset"),
        (
            [
                entry("service-resolver", "web", {"Redirect": {"Service": "a"}}),
                entry("service-resolver", "a", {"Redirect": {"Service": "WEB"}}),
            ],
            "circular",
        ),
        (
            [
                *http("web", "a"),
                entry("service-splitter", "web", {"Splits": split("web", "a")}),
                entry("service-splitter", "a", {"Splits": split("a", "web")}),
            ],
            "circular",
        ),
        (
            [
                entry("service-defaults", "web", {"ExternalSNI": "x"}),
                entry("service-resolver", "web", {"Subsets": {"v": {}}}),
            ],
            "ExternalSNI",
        ),
    ],
)
def test_entries_that_contradict_one_another_make_no_chain(given: list[object], reason: str) -> None:
    with pytest.raises(RequestError, match=reason.replace("no.* subset", "does not have a subset")):
        chain(entries(*given), "web")  # type: ignore[arg-type]


def test_chains_are_bounded_in_depth_and_width() -> None:
    names = [f"s{number}" for number in range(SPLITTERS_DEEP_MAX + 2)]
    deep = [entry("service-splitter", a, {"Splits": split(a, b)}) for a, b in itertools.pairwise(names)]
    with pytest.raises(RequestError, match="deep"):
        chain(entries(*http(*names), *deep), "s0")
    assert chain(entries(*http(*names), *deep), "s2").nodes["splitter:s2.default"].splits[0].weight == 100
    wide = [
        entry("service-splitter", a, {"Splits": [{"Weight": 50, "Service": b}, {"Weight": 50}]})
        for a, b in itertools.pairwise(names)
    ]
    assert len(chain(entries(*http(*names), *wide), "s3").nodes["splitter:s3.default"].splits) <= CHAIN_SPLITS_MAX
    many = [{"Weight": 1, "Service": f"t{number}"} for number in range(100)]
    both = [entry("service-splitter", "web", {"Splits": split("web", *[f"u{n}" for n in range(20)])})]
    both += [entry("service-splitter", f"u{number}", {"Splits": many}) for number in range(20)]
    speak = http("web", *(f"u{n}" for n in range(20)), *(f"t{n}" for n in range(100)))
    with pytest.raises(RequestError, match="shares"):
        chain(entries(*speak, *both), "web")


def test_redirects_go_no_deeper_than_their_bound() -> None:
    resolvers = [
        entry("service-resolver", f"s{number}", {"Redirect": {"Service": f"s{number + 1}"}})
        for number in range(REDIRECTS_MAX + 1)
    ]
    assert chain(entries(*resolvers), "s1").start_node == f"resolver:s{REDIRECTS_MAX + 1}.default.dc1"
    with pytest.raises(RequestError, match=f"more than {REDIRECTS_MAX} deep"):
        chain(entries(*resolvers), "s0")


def test_failover_targets_are_tried_in_their_order() -> None:
    targets = [{"Service": "c"}, {"ServiceSubset": "v1"}, {"Service": "b", "Datacenter": "dc2"}]
    of = entries(
        entry(
            "service-resolver",
            "a",
            {"Subsets": {"v1": {"Filter": "Service.ID == x"}}, "Failover": {"*": {"Targets": targets}}},
        )
    )
    resolver = chain(of, "a").nodes["resolver:a.default.dc1"].resolver
    assert resolver is not None
    assert resolver.failover is not None
    assert resolver.failover.targets == ["c.default.dc1", "v1.a.default.dc1", "b.default.dc2"]


def test_balancing_and_the_time_for_requests_stand_beside_the_target() -> None:
    balancer = {"Policy": "ring_hash", "HashPolicies": [{"SourceIP": True}]}
    of = entries(entry("service-resolver", "a", {"LoadBalancer": balancer, "RequestTimeout": "3s"}))
    resolver = chain(of, "a").nodes["resolver:a.default.dc1"].resolver
    assert resolver is not None
    assert resolver.load_balancer is not None
    assert (resolver.load_balancer.policy, resolver.request_timeout, resolver.default) == ("ring_hash", "3s", False)


def test_who_gets_copies_of_requests_is_a_target_of_the_chain() -> None:
    of = entries(
        *http("web", "shadow"),
        entry("service-router", "web", {"Routes": [{"Destination": {"Mirror": {"Service": "shadow", "Percent": 5}}}]}),
    )
    found = chain(of, "web")
    assert found.nodes["router:web.default"].routes[0].mirror_target == "shadow.default.dc1"
    assert set(found.targets) == {"web.default.dc1", "shadow.default.dc1"}


def test_splits_that_follow_one_another_both_change_headers_and_the_inner_one_holds() -> None:
    outer = {"Weight": 100, "Service": "a", "RequestHeaders": {"Set": {"x": "outer", "y": "outer"}, "Remove": ["r"]}}
    inner = {"Weight": 60, "Service": "a", "RequestHeaders": {"Set": {"x": "inner"}}}
    of = entries(
        *http("web", "a", "b"),
        entry("service-splitter", "web", {"Splits": [outer]}),
        entry("service-splitter", "a", {"Splits": [inner, {"Weight": 40, "Service": "b"}]}),
    )
    first, second = chain(of, "web").nodes["splitter:web.default"].splits
    assert first.definition is not None
    assert first.definition.request_headers is not None
    assert first.definition.request_headers.set == {"x": "inner", "y": "outer"}
    assert first.definition.request_headers.remove == ("r",)
    assert second.definition is not None
    assert second.definition.request_headers is not None
    assert second.definition.request_headers.set == {"x": "outer", "y": "outer"}
