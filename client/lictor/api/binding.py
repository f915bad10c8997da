"""One description of a call for both clients: an area names the functions that make its calls, a client binds them.

    class KV(Area[C]):
        get = Watchable(calls.get)

`KV[Client].get("a")` is the entry, `KV[AsyncClient].get("a")` is to be awaited; parameters and result are those of the
function. `get.answer("a")` tells the index besides, `get.watch("a")` follows it.
"""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Callable, Iterator
from typing import TYPE_CHECKING, Generic, ParamSpec, Self, TypeVar, overload

from lictor.api.messages import Answer, Call

if TYPE_CHECKING:
    from lictor.api.asynchronous import AsyncClient
    from lictor.api.blocking import Client
    from lictor.api.watching import News

__all__ = ["Area", "AsyncOnce", "AsyncWatchable", "BlockingOnce", "BlockingWatchable", "Following", "Once", "Watchable"]

C_co = TypeVar("C_co", covariant=True)
P = ParamSpec("P")
T = TypeVar("T")


class Area(Generic[C_co]):
    """The calls of one part of the API, bound to a client."""

    def __init__(self, client: C_co) -> None:
        self.client = client


class BlockingOnce(Generic[P, T]):
    """A call that a `Client` makes."""

    def __init__(self, client: Client, make: Callable[P, Call[T]]) -> None:
        self._client = client
        self._make = make
        functools.update_wrapper(self, make)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> T:
        """The value. Raises as `Client.send` does."""
        return self._client.send(self._make(*args, **kwargs))

    def answer(self, *args: P.args, **kwargs: P.kwargs) -> Answer[T]:
        """The value, its index, and how fresh it is."""
        return self._client.ask(self._make(*args, **kwargs))


class BlockingWatchable(BlockingOnce[P, T]):
    """A read that can be waited for."""

    def watch(self, *args: P.args, **kwargs: P.kwargs) -> Iterator[News[T]]:
        """The value for ever: once at first, then once for each change. See `Client.watch`."""
        return self._client.watch(self._make(*args, **kwargs))


class AsyncOnce(Generic[P, T]):
    """A call that an `AsyncClient` makes."""

    def __init__(self, client: AsyncClient, make: Callable[P, Call[T]]) -> None:
        self._client = client
        self._make = make
        functools.update_wrapper(self, make)

    async def __call__(self, *args: P.args, **kwargs: P.kwargs) -> T:
        """The value. Raises as `AsyncClient.send` does."""
        return await self._client.send(self._make(*args, **kwargs))

    async def answer(self, *args: P.args, **kwargs: P.kwargs) -> Answer[T]:
        """The value, its index, and how fresh it is."""
        return await self._client.ask(self._make(*args, **kwargs))


class AsyncWatchable(AsyncOnce[P, T]):
    """A read that can be waited for."""

    def watch(self, *args: P.args, **kwargs: P.kwargs) -> AsyncIterator[News[T]]:
        """The value for ever: once at first, then once for each change. See `AsyncClient.watch`."""
        return self._client.watch(self._make(*args, **kwargs))


class _Described(Generic[P, T]):
    def __init__(self, make: Callable[P, Call[T]]) -> None:
        self.make = make
        self._name = ""

    def __set_name__(self, owner: type[object], name: str) -> None:
        self._name = name

    def _kept(self, area: object, bound: object) -> None:
        """Keep what was bound as an attribute of the area: it is looked up there the next time."""
        area.__dict__[self._name] = bound


class Once(_Described[P, T]):
    """A call whose answer cannot be waited for."""

    @overload
    def __get__(self, area: None, owner: type[object]) -> Self: ...
    @overload
    def __get__(self, area: Area[Client], owner: type[object]) -> BlockingOnce[P, T]: ...
    @overload
    def __get__(self, area: Area[AsyncClient], owner: type[object]) -> AsyncOnce[P, T]: ...
    def __get__(
        self, area: Area[Client] | Area[AsyncClient] | None, owner: type[object]
    ) -> Self | BlockingOnce[P, T] | AsyncOnce[P, T]:
        if area is None:
            return self
        client = area.client
        bound = AsyncOnce(client, self.make) if client.is_async is True else BlockingOnce(client, self.make)
        self._kept(area, bound)
        return bound


class Watchable(_Described[P, T]):
    """A call whose answer can be waited for."""

    @overload
    def __get__(self, area: None, owner: type[object]) -> Self: ...
    @overload
    def __get__(self, area: Area[Client], owner: type[object]) -> BlockingWatchable[P, T]: ...
    @overload
    def __get__(self, area: Area[AsyncClient], owner: type[object]) -> AsyncWatchable[P, T]: ...
    def __get__(
        self, area: Area[Client] | Area[AsyncClient] | None, owner: type[object]
    ) -> Self | BlockingWatchable[P, T] | AsyncWatchable[P, T]:
        if area is None:
            return self
        client = area.client
        bound = AsyncWatchable(client, self.make) if client.is_async is True else BlockingWatchable(client, self.make)
        self._kept(area, bound)
        return bound


class Following(_Described[P, T]):
    """The watch of a read, under a name of its own."""

    @overload
    def __get__(self, area: None, owner: type[object]) -> Self: ...
    @overload
    def __get__(self, area: Area[Client], owner: type[object]) -> Callable[P, Iterator[News[T]]]: ...
    @overload
    def __get__(self, area: Area[AsyncClient], owner: type[object]) -> Callable[P, AsyncIterator[News[T]]]: ...
    def __get__(
        self, area: Area[Client] | Area[AsyncClient] | None, owner: type[object]
    ) -> Self | Callable[P, Iterator[News[T]]] | Callable[P, AsyncIterator[News[T]]]:
        if area is None:
            return self
        client = area.client
        bound = AsyncWatchable(client, self.make) if client.is_async is True else BlockingWatchable(client, self.make)
        return bound.watch
