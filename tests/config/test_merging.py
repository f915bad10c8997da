"""Consul's rules for merging, and their laws."""

from hypothesis import given
from hypothesis import strategies as st

from lictor_config.merging import merged

NAMES = st.sampled_from(["a", "b", "c"])
SOURCES: st.SearchStrategy[list[dict[str, object]]] = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "server": st.booleans(),
            "ports": st.dictionaries(NAMES, st.integers()),
            "recursors": st.lists(NAMES),
            "acl": st.dictionaries(NAMES, st.dictionaries(NAMES, st.integers())),
            "service": st.dictionaries(NAMES, st.integers()),
            "Connect": st.fixed_dictionaries(
                {}, optional={"ca_config": st.dictionaries(NAMES, st.dictionaries(NAMES, st.lists(NAMES)))}
            ),
            "dns_config": st.fixed_dictionaries(
                {"SOA": st.dictionaries(NAMES, st.integers())}, optional={"service_ttl": st.dictionaries(NAMES, NAMES)}
            ),
        },
    ),
    max_size=4,
)
"""Files whose values have their right types; the others are refused before they are merged."""


def test_of_single_values_the_later_holds() -> None:
    assert merged([{"a": 1}, {"a": 2}]) == {"a": 2}


def test_lists_append_and_mappings_merge() -> None:
    first = {"recursors": ["a"], "ports": {"http": 1, "dns": 2}, "acl": {"tokens": {"agent": "x"}}}
    second = {"recursors": ["b"], "ports": {"http": 3}, "acl": {"tokens": {"default": "y"}}}
    assert merged([first, second]) == {
        "recursors": ["a", "b"],
        "ports": {"http": 3, "dns": 2},
        "acl": {"tokens": {"agent": "x", "default": "y"}},
    }


def test_single_definitions_join_the_lists() -> None:
    assert merged([{"service": {"name": "a"}}, {"services": {"name": "b"}}, {"services": [{"name": "c"}]}]) == {
        "services": [{"name": "a"}, {"name": "b"}, {"name": "c"}]
    }


def test_a_list_of_one_mapping_merges_as_the_mapping() -> None:
    assert merged([{"ports": [{"http": 1}]}, {"ports": {"dns": 2}}]) == {"ports": {"http": 1, "dns": 2}}
    assert merged([{"service": [{"name": "a"}]}]) == {"services": [{"name": "a"}]}


def test_keys_ignore_case() -> None:
    assert merged([{"Node_Name": "a"}, {"node_name": "b"}]) == {"node_name": "b"}


def test_keys_of_sections_ignore_case_and_keys_of_the_users_own_do_not() -> None:
    first = {"Ports": {"HTTP": 1}, "node_meta": {"Rack": "a"}}
    assert merged([first, {"ports": {"http": 2}, "node_meta": {"rack": "b"}}]) == {
        "ports": {"http": 2},
        "node_meta": {"Rack": "a", "rack": "b"},
    }


def test_what_a_key_of_the_users_own_holds_is_replaced_as_a_whole() -> None:
    first = {"connect": {"ca_config": {"a": 1, "b": {"x": 1}, "c": [1]}}}
    second = {"connect": {"ca_config": {"b": {"y": 2}, "c": [2]}}}
    assert merged([first, second]) == {"connect": {"ca_config": {"a": 1, "b": {"y": 2}, "c": [2]}}}


def test_the_times_of_the_soa_record_are_replaced_together() -> None:
    first = {"dns_config": {"soa": {"refresh": 1}, "node_ttl": "1s"}}
    assert merged([first, {"dns_config": {"soa": {"retry": 2}}}]) == {
        "dns_config": {"soa": {"retry": 2}, "node_ttl": "1s"}
    }


def test_lists_in_sections_append() -> None:
    first = {"http_config": {"block_endpoints": ["/a"]}}
    second = {"http_config": {"block_endpoints": ["/b"]}}
    assert merged([first, second]) == {"http_config": {"block_endpoints": ["/a", "/b"]}}


def test_null_says_nothing() -> None:
    assert merged([{"a": 1}, {"a": None}]) == {"a": 1}


@given(SOURCES, SOURCES)
def test_merging_in_steps_is_merging_at_once(first: list[dict[str, object]], second: list[dict[str, object]]) -> None:
    assert merged([merged(first), merged(second)]) == merged([*first, *second])


@given(SOURCES)
def test_no_source_is_changed(sources: list[dict[str, object]]) -> None:
    before = repr(sources)
    merged(sources)
    assert repr(sources) == before
