"""Registrations at a steady rate, beside whatever is measured."""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self

__all__ = ["Registering"]

_CONNECTIONS: Final = 4
"""One that waits for its answer holds up no other."""
_PORT: Final = 8500
_END_S_MAX: Final = 30.0
_BEHIND_S_MAX: Final = 1.0


class Registering:
    """PUTs of `body(0)`, `body(1)`, ... to `/v1/catalog/register` at `host`, `per_s` of them, while the block runs.

    A server that cannot take so many gets as many as it takes; `rate` tells. Raises `RuntimeError` at the end of the
    block when one was refused.
    """

    def __init__(self, host: str, per_s: float, body: Callable[[int], bytes], *, port: int = _PORT) -> None:
        self._address = (host, port)
        self._gap_s = 1 / per_s
        self._body = body
        self._over = threading.Event()
        self._turn = threading.Lock()
        self._next = 0
        self._done = 0
        self._refused = ""
        self._threads = [threading.Thread(target=self._register, daemon=True) for _ in range(_CONNECTIONS)]
        self._started = self._due = 0.0
        self.rate = 0.0
        """Registrations taken a second, once the block is over."""

    def __enter__(self) -> Self:
        self._started = self._due = time.monotonic()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(_END_S_MAX)
        self.rate = self._done / (time.monotonic() - self._started)
        if self._refused and error is None:
            raise RuntimeError(f"a registration at {self._address[0]} failed: {self._refused}")

    def _register(self) -> None:
        connection = http.client.HTTPConnection(*self._address, timeout=10)
        try:
            while (number := self._take()) is not None:
                connection.request("PUT", "/v1/catalog/register", self._body(number))
                answer = connection.getresponse()
                text = answer.read()
                if answer.status != http.HTTPStatus.OK:
                    self._refused = f"{answer.status} {text[:200]!r}"
                    return
                with self._turn:
                    self._done += 1
        except (OSError, http.client.HTTPException) as error:
            self._refused = str(error)
        finally:
            connection.close()

    def _take(self) -> int | None:
        """The next number when its time has come; None when the block is over."""
        with self._turn:
            now = time.monotonic()
            # Who is behind catches up, but not with more than a second's worth at once.
            due = self._due = max(self._due + self._gap_s, now - _BEHIND_S_MAX)
            number, self._next = self._next, self._next + 1
        return None if self._over.wait(max(0.0, due - now)) else number
