"""Answers that were kept, and what stands for the servers that tell whether they hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from lictor_agent.http.encoding import Rendered, Reuse
from lictor_agent.http.hot_answers import HotAnswers, Tick
from lictor_agent.http.settings import HttpSettings
from lictor_core.commands import ReadMode
from lictor_core.queries import KeyQuery, Query
from lictor_core.registry import Confirmation, Pause, ReadOptions

HEAD = b"GET /v1/kv/a HTTP/1.1\r\nHost: x\r\n\r\n"
OTHER = b"GET /v1/kv/b HTTP/1.1\r\nHost: x\r\n\r\n"
RENDERED = Rendered(b"HTTP/1.1 200 OK\r\nDate: ", b"\r\nContent-Length: 2\r\n\r\nok")


@dataclass
class Source:
    """Stands for a server in the process."""

    answers: bool = True
    stamp: int = 1
    index: int = 1
    stamps_read: int = 0
    tokens: list[str] = field(default_factory=list[str])

    def index_at_once(self, mode: ReadMode) -> int | None:
        return self.index if self.answers else None

    def lasts(self, token: str) -> bool:
        return token != "ends"

    def reading_stamp(self, query: Query[object], token: str = "") -> int:
        self.stamps_read += 1
        self.tokens.append(token)
        return self.stamp

    async def pause(self, query: Query[object], options: ReadOptions) -> Pause | None:
        raise AssertionError("nothing waits here")


@dataclass
class Confirming:
    """Stands for servers elsewhere."""

    stamp: int | None = 1
    last_contact_ms: int = 0
    known_leader: bool = True
    asked: list[tuple[Query[object], ReadMode]] = field(default_factory=list[tuple[Query[object], ReadMode]])

    async def __call__(
        self, queries: Sequence[Query[object]], mode: ReadMode, tokens: Sequence[str] = ()
    ) -> Confirmation | None:
        self.asked.extend((query, mode) for query in queries)
        if self.stamp is None:
            return None
        return Confirmation([self.stamp] * len(queries), self.last_contact_ms, self.known_leader)

    def answers(self, mode: ReadMode = ReadMode.DEFAULT) -> HotAnswers:
        """Answers of which one is kept."""
        made = HotAnswers(None, Tick(1.0, b"now"), HttpSettings(), lambda _, token: 1, self)
        made.keep(HEAD, Reuse(KeyQuery(key="a"), mode, 1), RENDERED)
        return made
