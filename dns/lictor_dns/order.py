"""The order in which instances are given, since most clients take the first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import msgspec

from lictor_core.clock import Rng
from lictor_dns.answer import Answer, RecordType

__all__ = ["reordered", "shuffled"]

T = TypeVar("T")


def shuffled(items: Sequence[T], rng: Rng, turn: int, *, depth: int | None = None) -> list[T]:
    """`items` in a random order in which number `turn` (modulo their count) stands first.

    Taking turns shares load evenly also over few answers, where chance alone would favour some instance; what
    follows the first is random, so that when it fails its clients spread over all others. With `depth` only so many
    after the first need be random: of very many items those are all that is given.
    """
    if not items:
        return []
    first = turn % len(items)
    rest = [*items[:first], *items[first + 1 :]]
    if depth is None or depth >= len(rest):
        rng.shuffle(rest)
    else:
        for place in range(depth):
            other = place + rng.below(len(rest) - place)
            rest[place], rest[other] = rest[other], rest[place]
    return [items[first], *rest]


def reordered(answer: Answer, rng: Rng, turn: int) -> Answer | None:
    """`answer` as it would be in another turn, without looking for it again; None where that cannot be known from it.

    That is where every instance gave exactly one record. A host name's CNAME stands before what is behind it.
    """
    answers, attached = answer.answers, answer.attached
    if not answer.interchangeable or len(answers) != answer.turns:
        return None
    if any(record.type is RecordType.CNAME for record in answers):
        return None
    places = shuffled(range(len(answers)), rng, turn)
    return msgspec.structs.replace(
        answer,
        answers=tuple(answers[place] for place in places),
        attached=tuple(attached[place] for place in places) if attached else (),
    )
