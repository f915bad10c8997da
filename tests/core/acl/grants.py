"""Grants for tests, in few words, and strategies that draw them."""

from __future__ import annotations

from typing import Final

from hypothesis import strategies as st

from lictor_core.acl.granted import DefaultPolicy, GrantedPolicy, Grants
from lictor_core.acl.rules import Access, Resource, Rule

__all__ = ["ACCESSOR", "NAMES", "grants", "grants_drawn", "names_drawn", "rule"]

ACCESSOR: Final = "6f2d3a0e-0000-4000-8000-000000000001"
NAMES: Final = ("", "a", "ab", "abc", "abd", "b", "ba", "*", "a*")
"""Names that begin with one another in many ways."""


def rule(resource: Resource, name: str, access: Access, *, prefix: bool = False, **rest: Access | None) -> Rule:
    return Rule(resource=resource, name=name, is_prefix=prefix, access=access, **rest)


def grants(*rules: Rule, default: DefaultPolicy = DefaultPolicy.DENY, accessor_id: str = ACCESSOR) -> Grants:
    """Of one policy, `ops`, with these rules."""
    return Grants(accessor_id=accessor_id, policies=(GrantedPolicy(name="ops", rules=rules),), default=default)


def names_drawn() -> st.SearchStrategy[str]:
    return st.sampled_from(NAMES) | st.text("ab*", max_size=4)


@st.composite
def _rules(draw: st.DrawFn) -> Rule:
    resource = draw(st.sampled_from([kind for kind in Resource if kind is not Resource.INTENTION]))
    levels = st.sampled_from(Access)
    said = draw(st.none() | levels) if resource is Resource.SERVICE else None
    if not resource.is_named:
        return Rule(resource=resource, access=draw(levels))
    return Rule(
        resource=resource, name=draw(names_drawn()), is_prefix=draw(st.booleans()), access=draw(levels), intentions=said
    )


@st.composite
def grants_drawn(draw: st.DrawFn) -> Grants:
    """Of up to three policies about names that begin with one another; now and then the management's."""
    policies = tuple(
        GrantedPolicy(
            name=f"p{at}",
            rules=tuple(draw(st.lists(_rules(), max_size=6))),
            is_management=draw(st.integers(0, 9)) == 0,
        )
        for at in range(draw(st.integers(0, 3)))
    )
    return Grants(accessor_id=ACCESSOR, policies=policies, default=draw(st.sampled_from(DefaultPolicy)))
