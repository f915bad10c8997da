"""The order in which instances are given, since most clients take the first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import msgspec

from lictor_core.clock import Rng
from lictor_dns.answer import Answer, RecordType

__all__ = ["is_reorderable", "reordered", "shuffled"]

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


def is_reorderable(answer: Answer) -> bool:
    """Whether every instance gave exactly one record, so that other orders can be known from this one.

    Not so with a host name, whose CNAME stands before what is behind it, nor where some are nearer than others.
    """
    answers = answer.answers
    return (
        answer.interchangeable
        and not answer.ranked
        and len(answers) == answer.turns > 1
        and not any(record.type is RecordType.CNAME for record in answers)
    )


def reordered(answer: Answer, rng: Rng, turn: int) -> Answer:
    """`answer`, which is reorderable, as it would be in another turn, without looking it up again."""
    answers, attached = answer.answers, answer.attached
    places = shuffled(range(len(answers)), rng, turn)
    return msgspec.structs.replace(
        answer,
        answers=tuple(answers[place] for place in places),
        attached=tuple(attached[place] for place in places) if attached else (),
    )
