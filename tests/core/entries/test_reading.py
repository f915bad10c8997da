"""Entries from what clients write, in all spellings; and nothing else, whatever is sent."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lictor_core.codec import pack, unpack
from lictor_core.entries import reading
from lictor_core.entries.reading import KINDS, EntryForm, body_of, check_entry, entry_from, kind_of, read_entry
from lictor_core.errors import RequestError
from lictor_core.records import JsonObject
from tests.core.entries.build import entry

FULL: dict[str, JsonObject] = {
    "service-defaults": {
        "Protocol": "http",
        "MeshGateway": {"Mode": "local"},
        "Expose": {"Checks": True, "Paths": [{"Path": "/a", "ListenerPort": 5, "ParsedFromCheck": False}]},
        "ExternalSNI": "sni",
        "Meta": {"a": "b"},
    },
    "proxy-defaults": {"Config": {"snake_key": [1, {"Camel": None}]}, "MeshGateway": {}, "Expose": {}},
    "service-router": {
        "Routes": [
            {
                "Match": {"HTTP": {"PathPrefix": "/", "Header": [{"Name": "x", "Present": True}]}},
                "Destination": {"Service": "b", "RequestTimeout": "1m30s", "RetryOnStatusCodes": [503]},
            }
        ]
    },
    "service-splitter": {"Splits": [{"Weight": 33.33}, {"Weight": 66.67, "Service": "b"}]},
    "service-resolver": {"Subsets": {"v1": {"Filter": "a == b"}}, "Failover": {"*": {"Datacenters": ["dc2"]}}},
    "ingress-gateway": {
        "TLS": {"Enabled": True},
        "Listeners": [{"Port": 80, "Protocol": "http", "Services": [{"Name": "a", "Hosts": None}]}],
    },
    "terminating-gateway": {"Services": [{"Name": "a", "CAFile": "ca", "SNI": "s"}]},
    "service-intentions": {"Sources": [{"Name": "web", "Action": "allow", "Precedence": 9, "Type": "consul"}]},
    "mesh": {"TLS": {"Incoming": {"TLSMinVersion": "TLSv1_2"}}, "HTTP": {"SanitizeXForwardedClientCert": True}},
    "jwt-provider": {
        "JSONWebKeySet": {
            "Remote": {
                "URI": "https://issuer.example/keys",
                "UseSNI": True,
                "JWKSCluster": {"TLSCertificates": {"TrustedCA": {"Filename": "ca.pem"}}},
            }
        },
        "Locations": [{"QueryParam": {"Name": "token"}}],
        "ClockSkewSeconds": 30,
    },
}
_OTHERS = ("Config", "Meta", "Subsets")
NAMES = {"proxy-defaults": "global", "mesh": "mesh"}


def snake(value: object) -> object:
    """The same with keys in snake case, but for what belongs to somebody else."""
    if isinstance(value, list):
        return [snake(one) for one in cast("list[object]", value)]
    if isinstance(value, dict):
        members = cast("dict[str, object]", value)
        return {snake_key(key): one if key in _OTHERS else snake(one) for key, one in members.items()}
    return value


def snake_key(key: str) -> str:
    return "".join(
        f"_{char.lower()}" if char.isupper() and at and not key[at - 1].isupper() else char.lower()
        for at, char in enumerate(key)
    )


@pytest.mark.parametrize("kind", KINDS)
def test_an_entry_is_kept_as_it_is_shown_and_read_back_the_same(kind: str) -> None:
    found = entry(kind, NAMES.get(kind, "web"), FULL[kind])
    check_entry(found)
    assert body_of(found) == FULL[kind]
    assert entry_from(kind, found.name, unpack(pack(body_of(found)), JsonObject)) == found


@pytest.mark.parametrize("kind", KINDS)
def test_snake_case_is_the_same_entry(kind: str) -> None:
    body = cast("dict[str, object]", snake({"Kind": kind, "Name": "web", **FULL[kind]}))
    assert read_entry({**body, "CreateIndex": 1, "modify_index": 2}) == entry(kind, "web", FULL[kind])


@pytest.mark.parametrize("kind", KINDS)
def test_an_entry_without_anything_is_one(kind: str) -> None:
    found = entry(kind, "web")
    assert entry_from(kind, found.name, body_of(found)) == found


def test_values_are_turned_to_their_types_as_go_does_it() -> None:
    splits = read_entry({"Kind": "service-splitter", "Name": 5, "Splits": {"Weight": "100", "Service": ["b"]}})
    assert splits == entry("service-splitter", "5", {"Splits": [{"Weight": 100, "Service": "b"}]})
    paths = {"Paths": {"ListenerPort": "0x10", "LocalPathPort": 7.9}, "Checks": 2}
    defaults = entry("service-defaults", "web", {"Expose": [paths], "Meta": {"a": 1, "b": True, "c": None}})
    assert body_of(defaults)["Expose"] == {
        "Checks": True,
        "Paths": [{"ListenerPort": 16, "LocalPathPort": 7, "ParsedFromCheck": False}],
    }
    assert body_of(defaults)["Meta"] == {"a": "1", "b": "1", "c": ""}
    resolver = entry("service-resolver", "web", {"ConnectTimeout": 1_500_000_000})
    assert body_of(resolver) == {"ConnectTimeout": "1.5s"}


def test_every_flaw_of_the_form_is_named_with_its_place() -> None:
    body = {
        "Kind": "service-defaults",
        "Nam": "b",
        "Protocol": {},
        "MeshGateway": {"X": 1},
        "expose": {"checks": "yes", "paths": [{"listener_port": "a", "path": [1, 2]}, 5]},
        "Meta": "x",
        "ExternalSNI": "a",
        "external_sni": "b",
    }
    with pytest.raises(EntryForm) as caught:
        read_entry(body)
    told = str(caught.value).split("; ")
    assert [one.split(":")[0] for one in told if not one.startswith("did you")] == [
        "Nam",
        "Protocol",
        "MeshGateway.X",
        "expose.checks",
        "expose.paths[0].listener_port",
        "expose.paths[0].path",
        "expose.paths[1]",
        "Meta",
        "external_sni",
    ]
    assert "did you mean Name?" in told


@pytest.mark.parametrize("value", [None, 5, "x", [], {}, {"Kind": 5}, {"KIND": "mesh"}, {"Kind": "bogus"}])
def test_what_is_no_entry_of_any_kind_is_refused(value: object) -> None:
    with pytest.raises(EntryForm):
        read_entry(value)


def test_a_namespace_is_told_to_be_no_slip_of_another_key() -> None:
    with pytest.raises(RequestError, match="Namespace: invalid config key; namespaces are"):
        read_entry({"Kind": "service-defaults", "Name": "web", "Namespace": "default"})


def test_an_unknown_kind_is_answered_with_the_nearest_one() -> None:
    with pytest.raises(RequestError, match="did you mean service-router"):
        kind_of("service-ruoter")


def test_numbers_that_no_server_holds_are_refused() -> None:
    for number in (2**63, -(2**63) - 1, 1e300, float("inf")):
        with pytest.raises(EntryForm):
            read_entry({"Kind": "service-router", "Name": "a", "Routes": [{"Destination": {"NumRetries": number}}]})


def test_what_is_kept_is_read_strictly() -> None:
    bodies: list[JsonObject] = [{"Protocol": 5}, {"Bogus": 1}, {"Protocol": "http"}]
    for body in bodies:
        with pytest.raises(RequestError, match="not as entries are kept"):
            entry_from("service-defaults", "web", body)


KEYS = (
    "Routes Match HTTP Header Name Splits Weight Subsets Failover Meta Redirect Service Listeners Services Port Hosts "
    "Sources Permissions Action JWT Providers Config Expose Paths TLS Destination ConnectTimeout MeshGateway v1"
)
LEAVES: st.SearchStrategy[object] = st.one_of(
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=4),
    st.sampled_from((None, "5s", "allow", "*")),
)


def mappings(inner: st.SearchStrategy[object]) -> st.SearchStrategy[dict[str, object]]:
    return st.dictionaries(st.sampled_from(tuple(KEYS.split())), inner, max_size=4)


JSON = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | mappings(inner), max_leaves=12)


@given(st.sampled_from(sorted(KINDS)), mappings(JSON))
def test_whatever_is_sent_is_an_entry_or_refused(kind: str, body: dict[str, object]) -> None:
    try:
        found = read_entry({"Kind": kind, **body})
        list(found.flaws())
    except EntryForm:
        return
    kept = body_of(found)
    assert entry_from(kind, found.name, kept) == found or "Config" in kept
    assert found.normal() == found or "Config" in kept


def test_a_long_key_is_not_written_out_for_each_flaw_below_it() -> None:
    below: JsonObject = {f"unknown{number}": 1 for number in range(2000)}
    with pytest.raises(EntryForm) as refused:
        read_entry({"Kind": "service-resolver", "Name": "a", "Subsets": {"k" * 100_000: below}})
    assert str(refused.value).endswith("; and 1900 more")
    assert len(str(refused.value)) < 50_000


def test_flaws_beyond_those_that_are_told_cost_no_search_for_what_was_meant(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_for: list[str] = []

    def noting(word: str, _: Iterable[str], *, n: int) -> list[str]:
        assert n == 1
        looked_for.append(word)
        return []

    monkeypatch.setattr(f"{reading.__name__}.get_close_matches", noting)
    with pytest.raises(EntryForm, match="and 900 more"):
        read_entry({"Kind": "mesh", **{"x" * 500 + str(number): 1 for number in range(1000)}})
    assert len(looked_for) == 100
    assert max(map(len, looked_for)) <= 64


def test_a_long_kind_is_not_compared_as_a_whole() -> None:
    with pytest.raises(RequestError, match="there are"):
        kind_of("service-router" + "x" * 1_000_000)


def test_flaws_below_a_long_key_of_what_is_well_formed_are_cut_alike() -> None:
    failover = {"f" * 100_000: {"Datacenters": [""] * 2000}}
    with pytest.raises(RequestError) as refused:
        check_entry(read_entry({"Kind": "service-resolver", "Name": "a", "Failover": failover}))
    assert len(str(refused.value)) < 300_000
