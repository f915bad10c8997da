"""Answers as bytes, kept until what they depend on changes (architecture, decision 5).

The key is the message without its id, so whatever a client can say that changes its answer is in the key. For a
service there are several answers, in different orders, made one by one as they are asked for and then given in turn;
after a bounded number of rounds new ones are made. Two generations bound the whole: when the young one is full it
becomes the old one and the old one is forgotten; an entry asked for again returns to the young.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Final

from lictor_core.clock import Clock, Rng
from lictor_core.registry import CatalogView
from lictor_dns.answer import Answer
from lictor_dns.question import Question, Refusal, parse
from lictor_dns.render import limits_for, render, render_refusal
from lictor_dns.resolve import resolve
from lictor_dns.settings import DnsSettings

__all__ = ["AnswerCache"]

_ID_BYTES: Final = 2
_KEY_BYTES_MAX: Final = 512
"""Longer messages are answered anew each time; a name has at most 255 bytes, and options are short."""
_TURNS_MAX: Final = 32
"""Most orders kept of one answer."""
_ROUNDS_MAX: Final = 64
"""How often each of them is given before they are made anew: a few hundred microseconds over thousands of answers."""
_ENTRY_BYTES_MAX: Final = 128 * 1024
"""No further orders are made of an answer when those there are reach this size."""
_GENERATION_BYTES_MAX: Final = 16 * 1024 * 1024
"""Answers of one generation together; there are two of them, for each of UDP and TCP."""
_TURN_BITS: Final = 16
_NEVER: Final = -1
"""A version that no view has."""


class AnswerCache:
    """Message to message, for one transport; not for use from several threads.

    Call `refresh` once in each pass of the loop, then `reply` for the messages of that pass. `refused` is told of
    every message that is no question, with the client as it was given to `reply`.
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
    ) -> None:
        self._view = view
        self._settings = settings
        self._clock = clock
        self._rng = rng
        self._refused = refused
        self._is_udp = is_udp
        self._generation_max = max(1, settings.cache_entries_max // 2)
        self._young: dict[bytes, _Entry] = {}
        self._old: dict[bytes, _Entry] = {}
        self._young_bytes = 0
        self._version = _NEVER
        self._is_stale = False
        self.made_count = 0
        """Answers made so far; all others were taken from what was kept."""

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def refresh(self) -> None:
        """Look at the view: its version, and whether it is too old to answer from."""
        self._version = self._view.version
        is_stale = self._view.age_s > self._settings.max_stale_s
        if is_stale is not self._is_stale:
            self._is_stale = is_stale
            self._young, self._old, self._young_bytes = {}, {}, 0

    def reply(self, message: bytes, client: object) -> bytes | None:
        """The reply to `message`, None where there is none."""
        entry = self._young.get(message[_ID_BYTES:])
        if entry is not None and entry.version == self._version:
            tail = next(entry.tails, None)
            if tail is not None:
                return message[:_ID_BYTES] + tail
        return self._missed(message, client)

    def _missed(self, message: bytes, client: object) -> bytes | None:
        key = message[_ID_BYTES:]
        entry = self._young.get(key) or self._old.get(key)
        if entry is not None and self._holds(entry):
            tail = next(entry.tails, None)
            if tail is not None:
                self._keep(key, entry)
                return message[:_ID_BYTES] + tail
        question = parse(message)
        if isinstance(question, Refusal):
            self._refused(question, client)
            return render_refusal(question)
        entry = _Entry()
        entry.tails = self._tails(entry, question)
        tail = next(entry.tails)
        if len(key) <= _KEY_BYTES_MAX:
            self._keep(key, entry)
        return message[:_ID_BYTES] + tail

    def _tails(self, entry: _Entry, question: Question) -> Iterator[bytes]:
        """Answers without their id, one for each turn, in rounds."""
        limits = limits_for(question, self._settings, is_udp=self._is_udp)
        first_turn = self._rng.bits(_TURN_BITS)
        tails: list[bytes] = []
        turns = 1
        while len(tails) < turns and entry.bytes <= _ENTRY_BYTES_MAX:
            now = self._clock.now()
            turn = first_turn + len(tails)
            answer = resolve(self._view, question, self._settings, now=now, rng=self._rng, turn=turn)
            if not tails:
                entry.read(answer, self._view, int(now))
            turns = min(answer.turns, _TURNS_MAX)
            tail = render(question, answer, limits)[_ID_BYTES:]
            self.made_count += 1
            tails.append(tail)
            entry.bytes += len(tail)
            self._young_bytes += len(tail)
            yield tail
        if len(tails) == 1:
            yield from itertools.repeat(tails[0])
        for _ in range(_ROUNDS_MAX - 1):
            yield from tails

    def _holds(self, entry: _Entry) -> bool:
        """Whether what `entry` was made from is as it was; if so it is good for the present version too."""
        if entry.second is not None and entry.second != int(self._clock.now()):
            return False
        if entry.seen_version == self._version:
            return True
        answer = entry.answer
        if answer is None or answer.any_change or self._view.stamp(answer.topics) != entry.stamp:
            return False
        entry.saw(self._version)
        return True

    def _keep(self, key: bytes, entry: _Entry) -> None:
        if key in self._young:
            self._young[key] = entry
            return
        if len(self._young) >= self._generation_max or self._young_bytes >= _GENERATION_BYTES_MAX:
            self._old, self._young, self._young_bytes = self._young, {}, 0
        self._young[key] = entry
        self._young_bytes += len(key) + entry.bytes


class _Entry:
    """The answers to one message, and what they depend on.

    `version` is that of the view for which they may be given without a further look; an answer that shows the time
    has none, so that it is looked at every time.
    """

    __slots__ = ("answer", "bytes", "second", "seen_version", "stamp", "tails", "version")

    def __init__(self) -> None:
        self.tails: Iterator[bytes] = iter(())
        self.answer: Answer | None = None
        self.stamp = 0
        self.second: int | None = None
        self.version = _NEVER
        self.seen_version = _NEVER
        self.bytes = 0

    def read(self, answer: Answer, view: CatalogView, second: int) -> None:
        """`answer` was made from `view` in this second."""
        self.answer = answer
        self.stamp = view.stamp(answer.topics)
        self.second = second if answer.this_second else None
        self.saw(view.version)

    def saw(self, version: int) -> None:
        """The answers hold for this version of the view."""
        self.seen_version = version
        if self.second is None:
            self.version = version
