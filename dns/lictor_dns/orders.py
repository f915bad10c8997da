"""The replies to one question, in one order after the other: looked up once where that will do, and not too many."""

from __future__ import annotations

from typing import Final

from lictor_core.clock import Rng
from lictor_core.registry import CatalogView
from lictor_dns.answer import Answer, Result
from lictor_dns.order import is_reorderable, reordered
from lictor_dns.protocol import ID_BYTES
from lictor_dns.question import Question
from lictor_dns.recursion import Recursion
from lictor_dns.render import limits_for, render
from lictor_dns.resolve import resolve
from lictor_dns.settings import DnsSettings

__all__ = ["TURNS_MAX", "Orders"]

TURNS_MAX: Final = 32
"""Most orders made of one answer."""
_TURN_BITS: Final = 16
_RECORD_BYTES: Final = 200
"""About what a record takes while it is held."""


class Orders:
    """Makes the replies to `question` of `client`, without their id. The view may change meanwhile, but not for what is
    asked.
    """

    def __init__(
        self,
        view: CatalogView,
        question: Question,
        settings: DnsSettings,
        rng: Rng,
        *,
        is_udp: bool,
        client: object = None,
        recursion: Recursion | None = None,
    ) -> None:
        self._view = view
        self._question = question
        self._settings = settings
        self._rng = rng
        self._client = client
        self._is_udp = is_udp
        self._recursion = recursion
        self._limits = limits_for(question, settings, is_udp=is_udp)
        self._first_turn = rng.bits(_TURN_BITS)
        self._first: Answer | None = None
        self._made = 0
        self._turns = 1
        self.held_bytes = 0
        """About what is held to make further orders from."""

    @property
    def is_left(self) -> bool:
        """Whether there is an order that was not made yet."""
        return self._made < min(self._turns, TURNS_MAX)

    def make(self, now: float) -> tuple[bytes, Answer]:
        """The next reply, and the answer that it was made from. Raises `ColdViewError` as `resolve` does, and
        `ElsewhereError` where the recursors are to be asked.
        """
        # The first answer begins with the first turn's instance: in it turns are counted from there.
        answer = reordered(self._first, self._rng, self._made) if self._first else self._look_up(now)
        if not self._made:
            self._turns = answer.turns
            self._hold(answer)
        self._made += 1
        return render(self._question, answer, self._limits)[ID_BYTES:], answer

    def _hold(self, answer: Answer) -> None:
        if is_reorderable(answer):
            self._first = answer
            self.held_bytes = _RECORD_BYTES * (len(answer.answers) + sum(map(len, answer.attached)))

    def _look_up(self, now: float) -> Answer:
        # As many records as there may be orders can be reordered; of more instances only what is needed is looked at.
        few = self._limits.records_max
        answer = resolve(
            self._view,
            self._question,
            self._settings,
            now=now,
            rng=self._rng,
            turn=self._first_turn + self._made,
            records_max=few if self._turns > TURNS_MAX else max(few, TURNS_MAX),
            client=self._client,
            recursion=self._recursion,
        )
        if answer.result is Result.ELSEWHERE:
            assert self._recursion is not None, "only where there is somebody to ask"
            raise self._recursion.elsewhere(self._question, self._limits.bytes_max, is_udp=self._is_udp)
        return answer
