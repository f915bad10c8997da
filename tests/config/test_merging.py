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
