"""The asyncio client: the same calls over aiohttp, many at a time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Literal, TypeVar

from lictor.api.asynchronous_transport import AsyncTransport
from lictor.api.errors import ApiError
from lictor.api.facade import Facade
from lictor.api.messages import Answer, Call, Request, Response
from lictor.api.retrying import Attempts, Retry
from lictor.api.settings import Consistency, Settings
from lictor.api.watching import News, Watching, WatchSettings
from lictor_core.clock import Clock, Rng, SystemClock, SystemRng

if TYPE_CHECKING:
    from lictor.api.locks import AsyncLock, LockSettings

__all__ = ["AsyncClient", "AsyncWatch"]

T = TypeVar("T")


class AsyncClient(Facade["AsyncClient"]):
    """Speaks to one agent. An async context manager; may be used by any number of tasks of one loop.

    `settings` is an address, or all of them; what an address does not say is taken from the environment.
    """

    is_async: Literal[True] = True

    def __init__(
        self, settings: Settings | str | None = None, *, clock: Clock | None = None, rng: Rng | None = None
    ) -> None:
        self.settings = settings if isinstance(settings, Settings) else Settings.at(settings or "")
        self._clock = clock or SystemClock()
        self._rng = rng or SystemRng()
        self._transport = AsyncTransport(self.settings)
        self._is_owner = True

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections; the next call opens new ones. A client made by `using` leaves them open."""
        if self._is_owner:
            await self._transport.close()

    def using(
        self,
        *,
        timeout_s: float | None = None,
        token: str | None = None,
        datacenter: str | None = None,
        consistency: Consistency | None = None,
        retry: Retry | None = None,
        watching: WatchSettings | None = None,
    ) -> AsyncClient:
        """A client of the same connections that does some things otherwise: `client.using(timeout_s=2).kv.get("a")`."""
        changed = self.settings.but(
            timeout_s=timeout_s,
            token=token,
            datacenter=datacenter,
            consistency=consistency,
            retry=retry,
            watching=watching,
        )
        other = AsyncClient(changed, clock=self._clock, rng=self._rng)
        other._transport, other._is_owner = self._transport, False
        return other

    async def send(self, call: Call[T]) -> T:
        """Carry out `call`. Raises an `ApiError`: agent, unreachable, timed out or unreadable."""
        return (await self.ask(call)).value

    async def ask(self, call: Call[T]) -> Answer[T]:
        """Carry out `call` and say how fresh the answer is. Raises as `send` does."""
        timeout_s = self.settings.timeout_s + call.request.waits_s
        now = self._clock.monotonic()
        attempts = Attempts(self.settings.retry, self._rng, method=call.request.method, timeout_s=timeout_s, now=now)
        while True:
            try:
                return call.answer(await self._once(call.request, attempts.left_s(self._clock.monotonic())))
            except ApiError as error:
                pause_s = attempts.failed(error, self._clock.monotonic())
                if pause_s is None:
                    raise
            await asyncio.sleep(pause_s)

    def watch(self, call: Call[T]) -> AsyncIterator[News[T]]:
        """What `call` reads, for ever: once at first, then once for each change. See `docs/CLIENT.md`."""
        return AsyncWatch(self, Watching(call, self.settings.watching_settings(), self._rng), self._clock)

    def lock(self, key: str, settings: LockSettings | None = None) -> AsyncLock:
        """The lock `key`, an async context manager: see `AsyncLock`."""
        from lictor.api.locks import AsyncLock

        return AsyncLock(self, key, settings, clock=self._clock, rng=self._rng)

    async def exchange(self, request: Request) -> Response:
        """Send `request` once and read the response, whatever its status."""
        return await self._once(request, self.settings.timeout_s + request.waits_s)

    async def _once(self, request: Request, timeout_s: float) -> Response:
        asked = self.settings.applied(request)
        return await self._transport.exchange(asked, self.settings.headers_of(asked), timeout_s)


class AsyncWatch(AsyncIterator[News[T]]):
    """An endless iterator over news: see `AsyncClient.watch`. Between two of them nothing is under way."""

    def __init__(self, client: AsyncClient, watching: Watching[T], clock: Clock) -> None:
        self._client = client
        self._watching = watching
        self._clock = clock
        self._pause_s = 0.0

    async def __anext__(self) -> News[T]:
        while True:
            pause_s, self._pause_s = self._pause_s, 0.0
            await asyncio.sleep(pause_s)
            call = self._watching.next_call()
            try:
                answer = call.answer(await self._client.exchange(call.request))
            except ApiError as error:
                self._pause_s = self._watching.failed(error)
                continue
            news, self._pause_s = self._watching.answered(answer, self._clock.monotonic())
            if news is not None:
                return news
