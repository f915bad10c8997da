"""Answers as bytes, kept until what they depend on changes (architecture, decision 5).

The key is the message without its id, so whatever a client can say that changes its answer is in the key. For a
service there are several answers, in different orders, made one by one as they are asked for and then given in turn;
new orders are made after some seconds. The first is made when it is asked for; those after it take only a share of the
time, so that a service that changes all the time holds up nobody. What is for one client alone is kept for that client.
Two generations bound the whole: when the young one is full it becomes the old one and the old one is forgotten; an
entry asked for again returns to the young.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Final, TypeAlias

import msgspec

from lictor_core.clock import Clock, Rng
from lictor_core.registry import CatalogView, ColdViewError
from lictor_dns.answer import Answer, Result
from lictor_dns.clients import host_of
from lictor_dns.names import is_of_query, is_reverse, lowered
from lictor_dns.orders import Orders
from lictor_dns.protocol import ID_BYTES
from lictor_dns.question import Question, Refusal, parse
from lictor_dns.recursion import ElsewhereError, Recursion
from lictor_dns.render import limits_for, render, render_refusal
from lictor_dns.settings import DnsSettings
from lictor_dns.spare import SpareTime
from lictor_dns.spent import Spent

__all__ = ["AnswerCache"]

_KEY_BYTES_MAX: Final = 512
"""Longer messages are answered anew each time; a name has at most 255 bytes, and options are short."""
_ORDER_S_MAX: Final = 5
"""Seconds after which new orders are made, so that of many instances all are given sometime."""
_ENTRY_BYTES_MAX: Final = 128 * 1024
"""No further orders are made of an answer when those there are reach this size."""
_GENERATION_BYTES_MAX: Final = 16 * 1024 * 1024
"""Answers of one generation together; there are two of them, for each of UDP and TCP."""
_STALE_S: Final = 5.0
"""Above this age of the picture a question is counted as one that got a stale answer, as in Consul."""
_NO_ID: Final = bytes(ID_BYTES)

_Key: TypeAlias = bytes | tuple[bytes, str]
"""A message without its id; for an answer that is for one client alone, with the client's address."""


class AnswerCache:
    """Message to reply, both without their id, for one transport; not for use from several threads.

    Call `refresh` once in each pass of the loop, then `reply` for the messages of that pass, then `passed`. `refused`
    is told of every message that is no question, with the client as it was given to `reply`. Where the view has not
    got yet what a question needs, `reply` leaves in `cold` how that is brought; the question is put again then
    (`late`). So it does where `recursion` has to be asked.
    """

    def __init__(
        self,
        view: CatalogView,
        settings: DnsSettings,
        clock: Clock,
        rng: Rng,
        refused: Callable[[Refusal, object], None],
        *,
        is_udp: bool,
        recursion: Recursion | None = None,
    ) -> None:
        self._view = view
        self._settings = settings
        self._clock = clock
        self._rng = rng
        self._refused = refused
        self._is_udp = is_udp
        self._recursion = recursion
        self._generation_max = max(1, settings.cache_entries_max // 2)
        self._age_s_max = settings.age_s_max
        self._young: dict[_Key, _Entry] = {}
        self._old: dict[_Key, _Entry] = {}
        self._young_bytes = 0
        self._generation = 1
        # Grows when the view or the second changes: an entry of the same mark needs no second look.
        self._mark = 0
        self._version = 0
        self._now_s = 0.0
        self._is_stale = False
        self.cold: ColdViewError | ElsewhereError | None = None
        """After `reply` gave nothing: what has to be fetched first, if that is why."""
        self.spent = Spent()
        """Figures of all passes, but for questions who has an address."""
        self.spent_on_reverse = Spent()
        """Figures of those."""
        self.stale_count = 0
        """Questions that came while the picture was older than `_STALE_S`."""
        self._reverse_count = 0
        self._is_old = False
        self._began = 0.0
        self._spare = SpareTime()
        self.made_count = 0
        """Answers made so far; all others were taken from what was kept."""

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    @property
    def young_bytes(self) -> int:
        """About what the young generation takes."""
        return self._young_bytes

    def follow(self, settings: DnsSettings) -> None:
        """Answer by other settings from now on; what was kept is forgotten."""
        self._settings = settings
        self._generation_max = max(1, settings.cache_entries_max // 2)
        self._age_s_max = settings.age_s_max
        self._begin_generation({})

    def refresh(self) -> None:
        """Look at the clock and the view: its version, and whether it is too old to answer from."""
        self._began = self._clock.monotonic()
        self._spare.earn(self._began)
        version, now_s = self._view.version, self._clock.now()
        if version != self._version or int(now_s) != int(self._now_s):
            self._mark += 1
        self._version, self._now_s = version, now_s
        self._reverse_count = 0
        age_s = self._view.age_s
        self._is_old = age_s > _STALE_S
        is_stale = age_s > self._age_s_max
        if is_stale is not self._is_stale:
            self._is_stale = is_stale
            self._begin_generation({})

    def passed(self, count: int) -> None:
        """The pass that began with `refresh` is over; it was for so many messages."""
        seconds = self._clock.monotonic() - self._began
        if self._is_old:
            self.stale_count += count
        if self._reverse_count:
            count, seconds = self._apart(count, seconds)
        self.spent.count += count
        self.spent.seconds += seconds

    def _apart(self, count: int, seconds: float) -> tuple[int, float]:
        """What is left of a pass without its reverse questions, each of which took as long as any other."""
        reverse, self._reverse_count = min(self._reverse_count, count), 0
        share_s = seconds * reverse / count if count else 0.0
        self.spent_on_reverse.count += reverse
        self.spent_on_reverse.seconds += share_s
        return count - reverse, seconds - share_s

    def reply(self, key: bytes, client: object) -> bytes | None:
        """The reply to the message that goes on with `key` after its id; None where there is none, or none yet."""
        entry = self._young.get(key)
        try:
            if entry is not None and entry.mark == self._mark:
                return next(entry.replies)
            return self._missed(key, client)
        except (ColdViewError, ElsewhereError) as cold:
            # An iterator that raised is at its end.
            self._forget(key)
            self.cold = cold
            return None

    def take_cold(self) -> ColdViewError | ElsewhereError | None:
        """What the last message that got nothing has to wait for; None when it gets nothing at all."""
        cold, self.cold = self.cold, None
        return cold

    def failed(self, key: bytes) -> bytes:
        """The reply to a question whose answer cannot be known now."""
        question = parse(_NO_ID + key)
        assert not isinstance(question, Refusal), "what was resolved once is a question"
        limits = limits_for(question, self._settings, is_udp=self._is_udp)
        is_ours = self._settings.zone().inside(lowered(question.labels)) is not None
        answer = Answer(result=Result.FAILED, recursion_available=bool(self._settings.recursors), authoritative=is_ours)
        return render(question, answer, limits)[ID_BYTES:]

    def _missed(self, key: bytes, client: object) -> bytes | None:
        entry = self._held(key)
        own: _Key = key
        if entry is None:
            question = parse(_NO_ID + key)
            if isinstance(question, Refusal):
                self._refused(question, client)
                refusal = render_refusal(question)
                return refusal and refusal[ID_BYTES:]
            if is_of_query(question.labels):
                own = (key, host_of(client))
                entry = self._held(own)
            if entry is None:
                entry = _Entry(self._version, int(self._now_s), is_reverse=is_reverse(question.labels))
                entry.replies = self._replies(entry, question, own)
        if entry.is_reverse:
            # It gets no mark, and so comes by here each time: nobody else has to be counted one by one for its sake.
            self._reverse_count += 1
        else:
            entry.mark = self._mark
        try:
            reply = next(entry.replies)
        except (ColdViewError, ElsewhereError):
            self._forget(own)
            raise
        if len(key) <= _KEY_BYTES_MAX:
            self._keep(own if entry.is_by_client else key, entry)
        return reply

    def _replies(self, entry: _Entry, question: Question, own: _Key) -> Iterator[bytes]:
        """Replies for one turn after the other; the first round makes them, all others repeat them."""
        client = None if isinstance(own, bytes) else own[1:]
        orders = Orders(
            self._view,
            question,
            self._settings,
            self._rng,
            is_udp=self._is_udp,
            client=client,
            recursion=self._recursion,
        )
        replies: list[bytes] = []
        size = repeated = 0
        while orders.is_left and size <= _ENTRY_BYTES_MAX:
            if replies and not self._spare.is_left:
                repeated += 1
                yield replies[repeated % len(replies)]
                continue
            reply = self._make(entry, orders)
            replies.append(reply)
            size += len(reply)
            yield reply
        self._weigh(entry, -orders.held_bytes)
        # From here on the iterator is one that runs no code of ours, and nothing holds `orders`.
        entry.replies = itertools.cycle(replies)
        yield next(entry.replies)

    def _make(self, entry: _Entry, orders: Orders) -> bytes:
        """One more reply."""
        began = self._clock.monotonic()
        reply, answer = orders.make(self._now_s)
        if entry.answer is None:
            # The records are not needed any more.
            entry.answer = msgspec.structs.replace(answer, answers=(), authority=(), additional=(), attached=())
            entry.index = self._view.wake_index(answer.topics)
            self._weigh(entry, orders.held_bytes)
        self._weigh(entry, len(reply))
        self.made_count += 1
        self._spare.spend(self._clock.monotonic() - began)
        return reply

    def _weigh(self, entry: _Entry, more: int) -> None:
        """`entry` takes so many bytes more."""
        entry.bytes += more
        if entry.generation == self._generation:
            self._young_bytes += more

    def _held(self, key: _Key) -> _Entry | None:
        """What is kept as `key`, if it still holds."""
        entry = self._young.get(key) or self._old.get(key)
        return entry if entry is not None and self._holds(entry) else None

    def _forget(self, key: _Key) -> None:
        self._forget_young(key)
        self._old.pop(key, None)

    def _holds(self, entry: _Entry) -> bool:
        """Whether what `entry` was made from is as it was."""
        answer = entry.answer
        if answer is None:
            return False
        age_s = abs(int(self._now_s) - entry.second)
        if (age_s and answer.this_second) or (age_s > _ORDER_S_MAX and answer.turns > 1):
            return False
        if entry.version != self._version:
            if answer.any_change or self._view.wake_index(answer.topics) != entry.index:
                return False
            entry.version = self._version
        return True

    def _keep(self, key: _Key, entry: _Entry) -> None:
        if self._young.get(key) is entry:
            return
        self._forget_young(key)
        if len(self._young) >= self._generation_max or self._young_bytes >= _GENERATION_BYTES_MAX:
            self._begin_generation(self._young)
        entry.generation = self._generation
        self._young_bytes += _size(key) + entry.bytes
        self._young[key] = entry

    def _forget_young(self, key: _Key) -> None:
        entry = self._young.pop(key, None)
        if entry is not None:
            self._young_bytes -= _size(key) + entry.bytes
            entry.generation = 0

    def _begin_generation(self, old: dict[_Key, _Entry]) -> None:
        self._generation += 1
        self._old, self._young, self._young_bytes = old, {}, 0


def _size(key: _Key) -> int:
    return len(key) if isinstance(key, bytes) else sum(map(len, key))


class _Entry:
    """The replies to one message, and what they were made from: the view's version, the second, the topics' index.

    The index is the one that wakes watchers: a check's output, which changes often, is in no answer. `bytes` is what it
    takes, and with it what is held to make further replies from; `generation` where it is counted, 0 nowhere.
    """

    __slots__ = ("answer", "bytes", "generation", "index", "is_reverse", "mark", "replies", "second", "version")

    def __init__(self, version: int, second: int, *, is_reverse: bool) -> None:
        self.replies: Iterator[bytes] = iter(())
        self.answer: Answer | None = None
        self.index = 0
        self.version = version
        self.second = second
        self.is_reverse = is_reverse
        self.mark = 0
        self.bytes = 0
        self.generation = 0

    @property
    def is_by_client(self) -> bool:
        """Whether it is an answer for one client alone."""
        return self.answer is not None and self.answer.by_client
