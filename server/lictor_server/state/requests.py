"""Requests that were carried out lately, so that one that is sent again is not carried out again.

A server that lost its leader in the middle of a write cannot know whether the write is in the log, and sends it to the
next leader under the same request id. The table is part of the state: every server answers the repetition alike, also
one that took over a moment ago. Raft paper, section 8 ("if it receives a command whose serial number has already been
executed, it responds immediately without re-executing the request").
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import Final

from lictor_core.codec import pack
from lictor_core.commands import Outcome, Proposal, Rejection
from lictor_core.errors import RepetitionForgottenError
from lictor_core.transactions import OperationResult, TransactionAnswer

__all__ = ["ANSWERS_WEIGHT_MAX", "REQUESTS_MAX", "RecentRequests", "weight_of", "weight_of_result"]

REQUESTS_MAX: Final = 8192
"""Requests remembered. A repetition whose first sending may have been forgotten is refused, as of unknown outcome."""
ANSWERS_WEIGHT_MAX: Final = 16 * 1024 * 1024
"""About so many bytes of what transactions found and wrote are remembered, beside the newest one's."""
_RESULT_WEIGHT: Final = 64
"""Bytes of a result, about, besides what it holds."""

_FORGOTTEN: Final = Rejection(
    code=RepetitionForgottenError.code,
    message="the write was sent again so late that nobody can tell whether it was carried out before: "
    "read before writing it again",
)


def weight_of(outcome: Outcome) -> int:
    """About how many bytes the answer in `outcome` holds. It follows from the outcome alone, as all state must."""
    if not isinstance(outcome.value, TransactionAnswer):
        return 0
    answer = outcome.value
    return sum(map(weight_of_result, answer.results)) + sum(_RESULT_WEIGHT + len(one.text) for one in answer.errors)


def weight_of_result(result: OperationResult) -> int:
    """About how many bytes a result holds. What nodes, instances and checks hold has no bound but a command's."""
    if result.key is not None:
        return 2 * _RESULT_WEIGHT + len(result.key.key) + len(result.key.value or b"")
    return _RESULT_WEIGHT + len(pack(result))


class RecentRequests:
    """Outcomes by request id, the oldest first."""

    def __init__(self) -> None:
        self._outcomes: OrderedDict[bytes, Outcome] = OrderedDict()
        self._weight = 0
        self.forgotten_up_to = 0
        """The index, in the log, of the newest request that fell out."""

    def __len__(self) -> int:
        return len(self._outcomes)

    def earlier(self, proposal: Proposal, index: int) -> Outcome | None:
        """What `proposal`, now at `index`, came to before; None when it surely never was carried out."""
        known = self._outcomes.get(proposal.request)
        if known is not None:
            return known
        if proposal.again and proposal.seen < self.forgotten_up_to:
            return Outcome(index=index, value=False, rejection=_FORGOTTEN)
        return None

    def note(self, request: bytes, outcome: Outcome, index_shift: int) -> None:
        """Remember what a request came to. `index_shift` is what outcomes are ahead of the log by."""
        self._outcomes[request] = outcome
        self._weight += weight_of(outcome)
        while len(self._outcomes) > REQUESTS_MAX or (self._weight > ANSWERS_WEIGHT_MAX and len(self._outcomes) > 1):
            oldest = self._outcomes.popitem(last=False)[1]
            self._weight -= weight_of(oldest)
            self.forgotten_up_to = oldest.index - index_shift

    def forget_all(self, index: int) -> None:
        """Nothing up to `index` of the log is remembered any more."""
        self._outcomes = OrderedDict()
        self._weight = 0
        self.forgotten_up_to = index

    def rows(self) -> Iterable[tuple[bytes, Outcome]]:
        """Everything that is remembered, the oldest first."""
        return self._outcomes.items()

    def restore(self, forgotten_up_to: int, rows: Iterable[tuple[bytes, Outcome]]) -> None:
        """Take over what `rows` gave."""
        self.forgotten_up_to = forgotten_up_to
        self._outcomes = OrderedDict(rows)
        self._weight = sum(map(weight_of, self._outcomes.values()))
