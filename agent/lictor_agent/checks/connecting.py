"""Connections that checks open: one of its own for each run, to a name or an address, with TLS or without.

A name with several addresses is dialed as Go does: the next address is tried where one has not answered after 300 ms.
Names are looked up in threads, at most `LOOKUPS_MAX` at a time, and a name that is being looked up is not looked up a
second time: one whose servers are silent takes one thread, however many checks ask for it.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import threading
from collections import deque
from collections.abc import Callable
from functools import lru_cache
from typing import Final, NamedTuple, TypeAlias, TypeVar, cast

import aiohappyeyeballs

from lictor_agent.checks.dialing import DialError, dial_failure, split_host_port
from lictor_core.addresses import join_host_port

__all__ = ["LOOKUPS_MAX", "Dialer", "Tls"]

LOOKUPS_MAX: Final = 32
"""Names that are looked up at the same time; others wait their turn, and at most their check's time-out."""
_NEXT_ADDRESS_S: Final = 0.3
_HOSTS_MAX: Final = 8192
"""Hosts of which it is remembered whether they are addresses: each run of a check asks."""
_THIS_MACHINE: Final = "localhost"

_Key: TypeAlias = tuple[str, int]
_Found: TypeAlias = list[tuple[int, int, int, str, tuple[str, int] | tuple[str, int, int, int]]]
_Outcome: TypeAlias = _Found | OSError | UnicodeError
P = TypeVar("P", bound=asyncio.Protocol)


class Tls(NamedTuple):
    """How to secure a connection, and the name that the other end must prove."""

    context: ssl.SSLContext
    server_name: str


class Dialer:
    """Opens connections for checks. Its coroutines raise `DialError`, and may be cancelled at any time."""

    def __init__(self) -> None:
        self._lookups: dict[_Key, asyncio.Future[_Outcome]] = {}
        self._waiting: deque[_Key] = deque()
        self._looking_up = 0

    async def dial(self, address: str, make: Callable[[], P], tls: Tls | None = None) -> P:
        """The protocol that `make` makes, connected to `host:port` by TCP; an empty host is this machine.

        With `tls` the handshake is over, too; `ssl.SSLError` says why it could not be.
        """
        host, port = _split(address)
        loop = asyncio.get_running_loop()
        context, name = (None, None) if tls is None else (tls.context, tls.server_name)
        if _is_address(host):
            try:
                # A socket of our own, connected by `sock_connect`, costs three times as much with uvloop.
                return (await loop.create_connection(make, host, port, ssl=context, server_hostname=name))[1]
            except ssl.SSLError:
                raise
            except OSError as error:
                raise DialError(dial_failure(join_host_port(host, port), error)) from None
        found = await self.look_up(host or _THIS_MACHINE, port)
        try:
            connected = await aiohappyeyeballs.start_connection(
                found, happy_eyeballs_delay=_NEXT_ADDRESS_S, interleave=1
            )
        except OSError as error:
            raise DialError(dial_failure(join_host_port(found[0][4][0], port), error)) from None
        try:
            return (await loop.create_connection(make, sock=connected, ssl=context, server_hostname=name))[1]
        except BaseException:
            connected.close()
            raise

    async def look_up(self, host: str, port: int, network: str = "tcp") -> _Found:
        """The addresses of a name, at least one, as `getaddrinfo` gives them for TCP."""
        key = (host, port)
        lookup = self._lookups.get(key)
        if lookup is None:
            lookup = self._lookups[key] = asyncio.get_running_loop().create_future()
            self._waiting.append(key)
            self._start_lookups()
        outcome = await asyncio.shield(lookup)
        if isinstance(outcome, OSError | UnicodeError):
            raise DialError(dial_failure(join_host_port(host, port), outcome, network))
        return outcome

    def _start_lookups(self) -> None:
        while self._waiting and self._looking_up < LOOKUPS_MAX:
            self._looking_up += 1
            arguments = (asyncio.get_running_loop(), self._waiting.popleft(), self._end_lookup)
            # The process does not wait for such a thread at its end: a resolver may keep silent for half a minute.
            threading.Thread(target=_look_up, args=arguments, name="check lookup", daemon=True).start()

    def _end_lookup(self, key: _Key, outcome: _Outcome) -> None:
        self._looking_up -= 1
        self._lookups.pop(key).set_result(outcome)
        self._start_lookups()


def _look_up(loop: asyncio.AbstractEventLoop, key: _Key, end: Callable[[_Key, _Outcome], None]) -> None:
    outcome: _Outcome
    try:
        outcome = cast("_Found", socket.getaddrinfo(*key, type=socket.SOCK_STREAM))
    except (OSError, UnicodeError) as error:
        outcome = error
    with contextlib.suppress(RuntimeError):  # the loop has ended, and nobody waits
        loop.call_soon_threadsafe(end, key, outcome)


def _split(address: str) -> tuple[str, int]:
    try:
        return split_host_port(address)
    except ValueError as error:
        raise DialError(f"dial tcp: {error}") from None


@lru_cache(maxsize=_HOSTS_MAX)
def _is_address(host: str) -> bool:
    """Whether it is an address, not a name."""
    for family in (socket.AF_INET, socket.AF_INET6):
        with contextlib.suppress(OSError, ValueError):
            socket.inet_pton(family, host)
            return True
    return False
