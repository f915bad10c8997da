"""Which chains an entry has a part in, and what its change would break."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lictor_core.entries import graph
from lictor_core.entries.base import Entry
from lictor_core.entries.entry_set import EntrySet
from lictor_core.entries.graph import References, concerned, graph_flaws
from tests.core.entries.build import entries, entry, http

REDIRECTS = (
    entry("service-resolver", "a", {"Redirect": {"Service": "b"}}),
    entry("service-resolver", "b", {"Redirect": {"Service": "C"}}),
)


def test_an_entry_has_a_part_in_all_chains_that_lead_to_its_service() -> None:
    of = References(REDIRECTS)
    assert concerned(of, "service-resolver", "c") == {"a", "b", "c"}
    assert concerned(of, "service-defaults", "B") == {"a", "b"}
    assert concerned(of, "service-resolver", "a") == {"a"}
    assert concerned(of, "proxy-defaults", "global") is None
    assert concerned(of, "mesh", "mesh") == concerned(of, "ingress-gateway", "a") == set()


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["service-resolver", "service-splitter"]),
            st.sampled_from("abC"),
            st.none() | st.lists(st.sampled_from(["a", "B", "c", ""]), min_size=1, max_size=3),
        ),
        max_size=12,
    )
)
def test_references_that_follow_changes_are_those_of_what_is_there(
    steps: list[tuple[str, str, list[str] | None]],
) -> None:
    followed, there = References(), dict[tuple[str, str], Entry]()
    for kind, name, named in steps:
        old = there.pop((kind, name.lower()), None)
        if named is None:
            followed.replace(old, None)
            continue
        failover = {str(n): {"Service": service} for n, service in enumerate(named)}
        splits = [{"Weight": 1, "Service": service} for service in named]
        new = entry(kind, name, {"Failover": failover} if kind == "service-resolver" else {"Splits": splits})
        followed.replace(old, new)
        there[kind, name.lower()] = new
    anew = References(there.values())
    assert {service: set(followed.to(service)) for service in "abc"} == {one: set(anew.to(one)) for one in "abc"}
    assert len(followed) == len(anew)


def test_a_change_far_down_a_chain_is_judged_by_who_leads_to_it() -> None:
    before = entries(*REDIRECTS)
    after = before.with_entry(entry("service-defaults", "c", {"Protocol": "http"}))
    flaws = graph_flaws(References(REDIRECTS), before, after, "service-defaults", "c", "dc1")
    assert len(flaws) == 2
    assert all("inconsistent" in flaw for flaw in flaws)


def test_listeners_keep_their_protocol() -> None:
    gateway = entry("ingress-gateway", "gw", {"Listeners": [{"Port": 80, "Services": [{"Name": "web"}]}]})
    before = entries(gateway)
    after = before.with_entry(http("WEB")[0])
    (flaw,) = graph_flaws(References(), before, after, "service-defaults", "WEB", "dc1")
    assert "listener on port 80" in flaw
    assert graph_flaws(References(), before, before.with_entry(http("db")[0]), "service-defaults", "db", "dc1") == []
    everyone = entry("proxy-defaults", "global", {"Config": {"protocol": "http"}})
    assert len(graph_flaws(References(), before, before.with_entry(everyone), "proxy-defaults", "global", "dc1")) == 1


SPLIT = entry("service-splitter", "web", {"Splits": [{"Weight": 50}, {"Weight": 50, "Service": "DB"}]})


def everyone(protocol: str, **more: object) -> Entry:
    return entry("proxy-defaults", "global", {"Config": {"protocol": protocol, **more}})


def flaws_of_all(before: EntrySet, after: EntrySet) -> list[str]:
    return graph_flaws(References(), before, after, "proxy-defaults", "global", "dc1")


@pytest.mark.parametrize(
    ("others", "now", "count"),
    [
        ((), "grpc", 0),
        ((), "tcp", 1),
        (http("web"), "grpc", 1),
        (http("web"), "http", 0),
        (http("web", "db"), "tcp", 0),
        ((entry("service-defaults", "db", {"MeshGateway": {"Mode": "local"}}),), "tcp", 1),
    ],
)
def test_another_protocol_of_all_proxies_is_judged_by_who_leans_on_it(
    others: Sequence[Entry], now: str, count: int
) -> None:
    before = entries(everyone("http"), SPLIT, *others)
    assert len(flaws_of_all(before, before.with_entry(everyone(now)))) == count


def test_defaults_of_all_proxies_without_another_protocol_cost_no_look_at_chains(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a chain was made")

    before = entries(everyone("http"), SPLIT)
    monkeypatch.setattr(graph, "compile_chain", refuse)
    assert flaws_of_all(before, before.with_entry(everyone("HTTP", other=1))) == []
    assert flaws_of_all(before, before.with_entry(everyone("grpc"))) == []
    with pytest.raises(AssertionError):
        flaws_of_all(before, before.with_entry(everyone("tcp")))


def test_a_gateway_is_of_one_kind() -> None:
    before = entries(entry("ingress-gateway", "gw"))
    assert graph_flaws(References(), entries(), before, "ingress-gateway", "gw", "dc1") == []
    after = before.with_entry(entry("terminating-gateway", "GW"))
    (flaw,) = graph_flaws(References(), before, after, "terminating-gateway", "GW", "dc1")
    assert "ingress-gateway" in flaw
