"""Tokens with policies that overlap in many ways, and what is asked of each: may it do this?

Policies are drawn from a fixed seed, so that they are the same whenever this is read. Questions are those that
`/v1/internal/acl/authorize` takes.
"""

from __future__ import annotations

import random
from typing import Final

from lictor_core.acl.rules import Access, Resource, Rule

__all__ = ["DEFAULTS", "QUESTIONS", "TOKENS", "Question"]

Question = tuple[Resource, str, Access]
"""May it have this access to what has this name?"""

DEFAULTS: Final = ("deny", "allow")
_NAMES: Final = ("", "a", "ab", "abc", "b", "ba", "*")
_ASKED: Final = ("a", "ab", "abc", "abcd", "b", "c", "*")
_TOKENS: Final = 60
_SEED: Final = 18
_KINDS: Final = tuple(kind for kind in Resource if kind not in (Resource.INTENTION, Resource.MESH))


def _rule(rng: random.Random) -> Rule:
    resource = rng.choice((*_KINDS, Resource.KEY, Resource.SERVICE, Resource.SERVICE))
    levels = [level for level in Access if level is not Access.LIST or resource is Resource.KEY]
    if not resource.is_named:
        return Rule(resource=resource, access=rng.choice(levels))
    says_more = resource is Resource.SERVICE and rng.random() < 0.5
    return Rule(
        resource=resource,
        name=rng.choice(_NAMES),
        is_prefix=rng.random() < 0.6,
        access=rng.choice(levels),
        intentions=rng.choice(levels) if says_more else None,
    )


def _policies(rng: random.Random) -> tuple[str, ...]:
    return tuple("\n".join(_rule(rng).shown for _ in range(rng.randint(1, 9))) for _ in range(rng.choice((1, 1, 2, 3))))


def _tokens() -> list[tuple[str, ...]]:
    rng = random.Random(_SEED)
    return [(), *(_policies(rng) for _ in range(_TOKENS - 1))]


TOKENS: Final = _tokens()
"""The texts of the policies of each token."""
QUESTIONS: Final[list[Question]] = [
    (resource, name if resource.is_named else "", access)
    for resource in Resource
    if resource is not Resource.MESH
    for access in (Access.READ, Access.LIST, Access.WRITE)
    if access is not Access.LIST or resource is Resource.KEY
    for name in (_ASKED if resource.is_named else ("",))
]
"""Asked of every token."""
