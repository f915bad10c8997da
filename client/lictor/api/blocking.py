"""The blocking client: one kept connection, standard library only, so that a command starts fast.

Not to be shared between threads; a client is cheap, make one a thread.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal, TypeVar

from lictor.api.blocking_transport import BlockingTransport, Watcher
from lictor.api.errors import ApiError
from lictor.api.facade import Facade
from lictor.api.messages import Answer, Call, Request, Response
from lictor.api.retrying import Attempts, Retry
from lictor.api.settings import Consistency, Settings
from lictor_core.clock import Rng, SystemRng

if TYPE_CHECKING:
    from lictor.api.blocking_lock import Lock
    from lictor.api.locks import LockSettings
    from lictor.api.watching import News, Watching, WatchSettings

__all__ = ["BlockingWatch", "Client"]

T = TypeVar("T")


class Client(Facade["Client"]):
    """Speaks to one agent and waits for each answer. A context manager; closing it closes its connection.

    `settings` is an address, or all of them; what an address does not say is taken from the environment.
    """

    is_async: Literal[False] = False

    def __init__(self, settings: Settings | str | None = None, *, rng: Rng | None = None) -> None:
        self.settings = settings if isinstance(settings, Settings) else Settings.at(settings or "")
        self._rng = rng or SystemRng()
        self._transport = BlockingTransport(self.settings)
        self._is_owner = True

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection; the next call opens a new one. A client made by `using` leaves it open."""
        if self._is_owner:
            self._transport.close()

    def using(
        self,
        *,
        timeout_s: float | None = None,
        token: str | None = None,
        datacenter: str | None = None,
        consistency: Consistency | None = None,
        retry: Retry | None = None,
        watching: WatchSettings | None = None,
    ) -> Client:
        """A client of the same connection that does some things otherwise: `client.using(timeout_s=2).kv.get("a")`."""
        changed = self.settings.but(
            timeout_s=timeout_s,
            token=token,
            datacenter=datacenter,
            consistency=consistency,
            retry=retry,
            watching=watching,
        )
        other = Client(changed, rng=self._rng)
        other._transport, other._is_owner = self._transport, False
        return other

    def send(self, call: Call[T]) -> T:
        """Carry out `call`. Raises an `ApiError`: agent, unreachable, timed out or unreadable."""
        return self.ask(call).value

    def ask(self, call: Call[T]) -> Answer[T]:
        """Carry out `call` and say how fresh the answer is. Raises as `send` does."""
        timeout_s = self.settings.timeout_s + call.request.waits_s
        now = time.monotonic()
        attempts = Attempts(self.settings.retry, self._rng, method=call.request.method, timeout_s=timeout_s, now=now)
        while True:
            try:
                return call.answer(self._once(call.request, attempts.left_s(time.monotonic())))
            except ApiError as error:
                pause_s = attempts.failed(error, time.monotonic())
                if pause_s is None:
                    raise
            time.sleep(pause_s)

    def watch(self, call: Call[T]) -> Iterator[News[T]]:
        """What `call` reads, for ever: once at first, then once for each change. See `docs/CLIENT.md`."""
        from lictor.api.watching import Watching

        return BlockingWatch(self, Watching(call, self.settings.watching_settings(), self._rng))

    def lock(self, key: str, settings: LockSettings | None = None) -> Lock:
        """The lock `key`, a context manager: see `Lock`."""
        from lictor.api.blocking_lock import Lock

        return Lock(key, settings, client=self.settings)

    def parts(self, path: str, parameters: tuple[tuple[str, str], ...]) -> Iterator[bytes]:
        """What `path` answers, as it comes, for as long as it does; silence is no failure. Raises as `send` does."""
        request = Request(method="GET", path=path, parameters=parameters)
        return self._transport.parts(request, self.settings.headers_of(request), self.settings.timeout_s)

    def observe(self, watcher: Watcher | None) -> None:
        """Tell `watcher` of the bytes of each exchange from now on; None ends that."""
        self._transport.watcher = watcher

    def interrupt(self) -> None:
        """End what another thread reads just now: the one thing that may be called from there."""
        self._transport.interrupt()

    def exchange(self, request: Request) -> Response:
        """Send `request` once and read the response, whatever its status."""
        return self._once(request, self.settings.timeout_s + request.waits_s)

    def _once(self, request: Request, timeout_s: float) -> Response:
        asked = self.settings.applied(request)
        return self._transport.exchange(asked, self.settings.headers_of(asked), timeout_s)


class BlockingWatch(Iterator["News[T]"]):
    """An endless iterator over news: see `Client.watch`."""

    def __init__(self, client: Client, watching: Watching[T]) -> None:
        self._client = client
        self._watching = watching
        self._pause_s = 0.0

    def __next__(self) -> News[T]:
        while True:
            pause_s, self._pause_s = self._pause_s, 0.0
            time.sleep(pause_s)
            call = self._watching.next_call()
            try:
                answer = call.answer(self._client.exchange(call.request))
            except ApiError as error:
                self._pause_s = self._watching.failed(error)
                continue
            news, self._pause_s = self._watching.answered(answer, time.monotonic())
            if news is not None:
                return news
