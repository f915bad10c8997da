"""Who asks most at an agent: requests of each address and token in the last whole window, the few at the top shown.

Requests that are answered hot are counted by their connection, and fetched from there once a second: to count each
would cost as much as its answer. Tokens are known here by their secrets for two windows, and shown by their accessors.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from typing import Final

from lictor_core.clock import Clock
from lictor_core.metrics import Gauge

__all__ = ["NAMES_MAX", "SHOWN_MAX", "WINDOW_S", "Talkers"]

WINDOW_S: Final = 10.0
NAMES_MAX: Final = 1024
"""Addresses, and tokens, that are told apart in one window; what further ones ask is in no figure of theirs."""
SHOWN_MAX: Final = 10
"""Series of each kind, so that whoever collects figures keeps few of them."""
_LOCAL: Final = "unix"

AccessorOf = Callable[[str], Awaitable[str]]
"""The accessor of the token with this secret; empty when nobody knows it."""


class Talkers:
    """The requests of one agent."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._began = clock.monotonic()
        self._elapsed_s = 0.0
        self._clients: Counter[str] = Counter()
        self._tokens: Counter[str] = Counter()
        self._last_clients: Counter[str] = Counter()
        self._last_tokens: Counter[str] = Counter()

    def note(self, client: str, token: str, count: int = 1) -> None:
        """`count` requests came from this address, empty on a Unix socket, with this token, if any."""
        _add(self._clients, client or _LOCAL, count)
        if token:
            _add(self._tokens, token, count)

    def turn(self) -> None:
        """Begin another window when this one is over. Called once a second."""
        elapsed_s = self._clock.monotonic() - self._began
        if elapsed_s >= WINDOW_S:
            self._began += elapsed_s
            self._elapsed_s = elapsed_s
            self._last_clients, self._clients = self._clients, Counter()
            self._last_tokens, self._tokens = self._tokens, Counter()

    def clients(self) -> Iterator[Gauge]:
        """Requests a second of the addresses that ask most."""
        for client, count in self._last_clients.most_common(SHOWN_MAX):
            yield Gauge("http.top_client", count / self._elapsed_s, (("client", client),))

    async def tokens(self, accessor_of: AccessorOf) -> list[Gauge]:
        """Requests a second of the tokens that ask most; of secrets that are none's there is nothing to show."""
        found: Counter[str] = Counter()
        for secret, count in self._last_tokens.most_common(SHOWN_MAX):
            found[await accessor_of(secret)] += count
        return [
            Gauge("http.top_token", count / self._elapsed_s, (("accessor", accessor),))
            for accessor, count in found.most_common()
            if accessor
        ]


def _add(counts: Counter[str], name: str, count: int) -> None:
    if name in counts or len(counts) < NAMES_MAX:
        counts[name] += count
