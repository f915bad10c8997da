from hypothesis import given
from hypothesis import strategies as st

from lictor_core.acl.places import Places, outranks
from lictor_core.acl.rules import Access
from tests.core.acl.grants import names_drawn

_LEVELS = st.sampled_from(Access)


@given(st.dictionaries(names_drawn(), _LEVELS), st.dictionaries(names_drawn(), _LEVELS), names_drawn())
def test_the_exact_rule_counts_then_the_longest_prefix(
    exact: dict[str, Access], prefixes: dict[str, Access], name: str
) -> None:
    fitting = sorted((prefix for prefix in prefixes if name.startswith(prefix)), key=len)
    by_prefix = prefixes[fitting[-1]] if fitting else None

    places = Places(exact, prefixes)

    assert exact.get(name, by_prefix) is places.level(name)
    assert by_prefix is places.prefix_level(name)
    assert len(exact) + len(prefixes) == len(places)


def test_rules_below_a_prefix_are_those_about_it_and_what_begins_with_it() -> None:
    places = Places({"a": Access.READ, "b": Access.DENY}, {"": Access.LIST, "ab": Access.WRITE})

    assert list(places.levels_below("a")) == [Access.READ, Access.WRITE]


def test_deny_outranks_write_which_outranks_list_and_read() -> None:
    order = [Access.DENY, Access.WRITE, Access.LIST, Access.READ]

    assert all(outranks(one, other) == (order.index(one) < order.index(other)) for one in order for other in order)
