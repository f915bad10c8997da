"""What `resolve` takes from others: the addresses of host names that are not of our zone. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec

from lictor_dns.answer import Answer, Record
from lictor_dns.names import Labels

__all__ = ["Heard", "Outside", "with_recursion"]


class Outside(Protocol):
    """Who knows what others say of host names."""

    def addresses(self, host: Labels, wanted: int) -> Sequence[Record]:
        """What is said of `host` to a question of type `wanted`. Raises `ColdViewError` where it is asked for first."""
        ...


class Heard:
    """The same for one question; remembers in `said` whether its answer depends on what others say."""

    def __init__(self, outside: Outside, wanted: int) -> None:
        self.said = False
        self._outside = outside
        self._wanted = wanted

    def __call__(self, host: Labels) -> Sequence[Record]:
        self.said = True
        return self._outside.addresses(host, self._wanted)


def with_recursion(answer: Answer, heard: Heard | None) -> Answer:
    """`answer` of a server that has recursors."""
    # What others say holds for a time that is not ours to count in topics: it is looked at again each second.
    this_second = answer.this_second or (heard is not None and heard.said)
    return msgspec.structs.replace(answer, recursion_available=True, this_second=this_second)
