"""What a leader has sent to one follower in its term and knows to have arrived. Pure.

Two states. *Probing*: where the logs agree is not known; one message is under way at a time. *Streaming*: messages
leave without waiting, at most `window_max` unanswered. A refusal counts only when it is about what the follower would
be asked now: answers to older messages could otherwise move the search back and forth for ever.
"""

from __future__ import annotations

import dataclasses
from collections import deque

__all__ = ["Flow", "Progress"]


@dataclasses.dataclass(frozen=True)
class Progress:
    """How far another server is, as its leader knows it."""

    match_index: int
    """The last entry that it surely has on its disk; 0 when it has not said yet."""
    silent_s: float
    """Seconds since it last answered, or since this leadership, or its membership, began."""


class Flow:
    """The leader's view of one follower, for one term. Indexes are those of the log."""

    def __init__(self, last_index: int, window_max: int) -> None:
        self.match_index = 0
        """The last index that the follower said is equal and on its disk."""
        self.next_index = last_index + 1
        """The next entry to send."""
        self._window_max = window_max
        self._probing = True
        self._under_way: deque[int] = deque()

    @property
    def may_send(self) -> bool:
        """Whether entries may leave; a message without entries always may."""
        return len(self._under_way) < (1 if self._probing else self._window_max)

    def sent(self, last_index: int) -> None:
        """Entries up to `last_index` left."""
        self._under_way.append(last_index)
        if not self._probing:
            self.next_index = last_index + 1

    def verified(self, index: int) -> None:
        """The follower is equal with us up to `index`. Never moves anything back: answers may come late."""
        self.match_index = max(self.match_index, index)
        self.next_index = max(self.next_index, index + 1)
        self._probing = False
        while self._under_way and self._under_way[0] <= index:
            self._under_way.popleft()

    def refused(self, index: int, hint: int) -> None:
        """The follower has no entry of ours at `index`; it would like what comes after `hint`."""
        if not self.is_news(index):
            return
        self._probing = True
        self._under_way.clear()
        self.next_index = max(self.match_index, min(hint, index - 1)) + 1

    def is_news(self, index: int) -> bool:
        """Whether a refusal at `index` says something about what would be asked now."""
        if index <= self.match_index:
            return False
        return not self._probing or index == self.next_index - 1

    def forget_under_way(self) -> None:
        """Nothing was answered for a heartbeat: what was under way may be lost, so one message may leave again."""
        if self._probing:
            self._under_way.clear()
