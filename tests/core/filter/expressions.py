"""Any filter that can be written, and records to judge."""

from __future__ import annotations

from typing import Final

from hypothesis import strategies as st

from lictor_core.filter.tree import All, Either, Expression, Match, Not, Operator, Selector, Value

__all__ = ["NAMES", "TEXTS", "expressions"]

TEXTS: Final = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
NAMES: Final = st.sampled_from(
    ["Tags", "Meta", "not", "in", "and", "or", "is", "empty", "contains", "matches", "a1", "B_"]
)
_FIRST: Final = NAMES.filter(lambda name: name != "not")  # it would be a negation


def _selector(first: str, others: list[str]) -> Selector:
    return Selector((first, *others))


_SELECTORS: Final = st.builds(_selector, _FIRST, st.lists(st.one_of(NAMES, TEXTS), max_size=3))
_VALUED: Final = [one for one in Operator if one not in (Operator.IS_EMPTY, Operator.IS_NOT_EMPTY)]
_MATCHES: Final = st.one_of(
    st.builds(Match, _SELECTORS, st.sampled_from(_VALUED), st.builds(Value, TEXTS)),
    st.builds(Match, _SELECTORS, st.sampled_from([Operator.IS_EMPTY, Operator.IS_NOT_EMPTY])),
)


def expressions(matches: st.SearchStrategy[Match] = _MATCHES) -> st.SearchStrategy[Expression]:
    """Trees over `matches`."""

    def joined(inner: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
        several = st.lists(inner, min_size=2, max_size=3).map(tuple)
        return st.one_of(st.builds(Not, inner), st.builds(All, several), st.builds(Either, several))

    return st.recursive(matches, joined, max_leaves=8)
