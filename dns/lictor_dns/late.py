"""Answers that come later: what a question needs is fetched first, and the question is asked again then.

What is for others to answer goes to them, and their reply is the reply.

One question may need several things, one after the other (a service, then the node that a host name names).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

from lictor_core.errors import LictorError
from lictor_core.registry import ColdViewError
from lictor_dns.cache import AnswerCache
from lictor_dns.recursion import ElsewhereError

__all__ = ["LATE_MAX", "LateAnswers"]

LATE_MAX: Final = 4096
"""Questions of one transport that wait at once; one more fails at once."""
_ROUNDS_MAX: Final = 8
"""How many things are fetched for one question: more than names that are followed (`finder`)."""


class LateAnswers:
    """The questions of one transport that wait."""

    def __init__(self, cache: AnswerCache, *, late_max: int = LATE_MAX) -> None:
        self._cache = cache
        self._late_max = late_max
        self._waiting = 0
        self._closed = False

    def __len__(self) -> int:
        return self._waiting

    def wait(self, key: bytes, client: object, send: Callable[[bytes | None], None]) -> None:
        """Call `send` once with the reply to `key`, for which the cache has just said that it is cold.

        It may be called at once. None is for what gets no reply. Nothing is sent after `close`.
        """
        cold = self._cache.take_cold()
        assert cold is not None, "what waits, waits for something"
        if self._waiting >= self._late_max:
            send(self._cache.failed(key))
            return
        self._waiting += 1
        self._bring(cold, key, client, send, _ROUNDS_MAX)

    def close(self) -> None:
        """Send nothing any more."""
        self._closed = True

    def _bring(
        self,
        cold: ColdViewError | ElsewhereError,
        key: bytes,
        client: object,
        send: Callable[[bytes | None], None],
        rounds: int,
    ) -> None:
        if isinstance(cold, ElsewhereError):
            cold.ask(key, partial(self._asked, key, send))
            return
        try:
            cold.bring(partial(self._brought, key, client, send, rounds))
        except LictorError:
            self._send(send, self._cache.failed(key))

    def _brought(
        self, key: bytes, client: object, send: Callable[[bytes | None], None], rounds: int, is_there: bool
    ) -> None:
        if self._closed:
            return
        if not is_there or not rounds:
            self._send(send, self._cache.failed(key))
            return
        self._cache.refresh()
        reply = self._cache.reply(key, client)
        cold = self._cache.take_cold() if reply is None else None
        if cold is None:
            self._send(send, reply)
        else:
            self._bring(cold, key, client, send, rounds - 1)

    def _asked(self, key: bytes, send: Callable[[bytes | None], None], reply: bytes | None) -> None:
        if not self._closed:
            self._send(send, self._cache.failed(key) if reply is None else reply)

    def _send(self, send: Callable[[bytes | None], None], reply: bytes | None) -> None:
        self._waiting -= 1
        send(reply)
