"""Who is at the other end of one connection to the server port, for methods that tie something to it."""

from __future__ import annotations

from collections.abc import Callable

from lictor_server.tls import Proof

__all__ = ["Visitor"]


class Visitor:
    """The other end of one RPC connection. All methods belong to the event loop.

    `address` is its `host:port`, for the log; `proof` what its certificate proves, None on a plain connection. Who
    `is_nobody` has come for a certificate, and is told nothing else.
    """

    def __init__(self, address: str, proof: Proof | None = None, *, is_nobody: bool = False) -> None:
        self.address = address
        self.proof = proof
        self.is_nobody = is_nobody
        self.lives_on = False
        """Whether it said that it closes the connection on purpose, as an agent does that goes to another server."""
        self._callbacks: list[Callable[[], None]] | None = []

    @property
    def is_gone(self) -> bool:
        """Whether the connection is over."""
        return self._callbacks is None

    def at_end(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call `callback` once when the connection ends, at once if it has; what is returned takes that back.

        Callbacks are quick, do not raise, and are called in the order in which they came. Calls and streams of the
        connection are cancelled by then.
        """
        if self._callbacks is None:
            callback()
        else:
            self._callbacks.append(callback)
        return lambda: self._forget(callback)

    def end(self) -> None:
        """The connection is over: for the listener alone."""
        callbacks, self._callbacks = self._callbacks, None
        for callback in callbacks or ():
            callback()

    def _forget(self, callback: Callable[[], None]) -> None:
        if self._callbacks is not None and callback in self._callbacks:
            self._callbacks.remove(callback)
