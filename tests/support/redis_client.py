"""The `redis` client with the types of what tests use of it: its own leave parts unknown."""

import contextlib
from collections.abc import Generator
from typing import Protocol, cast

import redis

__all__ = ["ANSWER_S_MAX", "Channel", "Client", "client_of", "pings"]

ANSWER_S_MAX = 10.0
"""How long an answer may take."""


class Channel(Protocol):
    """A subscription."""

    def subscribe(self, name: str) -> object: ...
    def get_message(self, *, timeout: float) -> dict[str, object] | None: ...


class Pipeline(Protocol):
    """Commands that are sent together."""

    def rpush(self, name: str, value: int) -> object: ...
    def execute(self) -> list[object]: ...


class Client(Protocol):
    """A connection, which the client makes anew when it breaks."""

    def get(self, name: str) -> object: ...
    def set(self, name: str, value: str | bytes) -> object: ...
    def incrby(self, name: str, amount: int) -> object: ...
    def ping(self) -> object: ...
    def publish(self, channel: str, message: str) -> object: ...
    def pipeline(self) -> contextlib.AbstractContextManager[Pipeline]: ...
    def pubsub(self) -> contextlib.AbstractContextManager[Channel]: ...
    def close(self) -> None: ...


@contextlib.contextmanager
def client_of(port: int) -> Generator[Client]:
    """A client of the server that a port of 127.0.0.1 leads to."""
    client = cast(Client, redis.Redis(port=port, socket_timeout=ANSWER_S_MAX))
    try:
        yield client
    finally:
        client.close()


def pings(port: int) -> bool:
    """Whether a server answers there."""
    with client_of(port) as client:
        try:
            return bool(client.ping())
        except redis.RedisError:
            return False
