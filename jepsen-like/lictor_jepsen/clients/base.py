"""What clients of all workloads have in common: one request at a time over HTTP, and how an error is to be read."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Set
from typing import Final, TypeVar

import msgspec

from lictor_core.errors import TABLE, NoLeaderError
from lictor_jepsen.http import Answer, NotConnected, request
from lictor_jepsen.op import Invocation, Kind, Mode, Outcome

__all__ = [
    "QUERY",
    "TIMEOUT_S",
    "HTTPClient",
    "Refused",
    "checked",
    "decoded",
    "index_of",
    "leader_of",
    "surely_undone",
]

TIMEOUT_S: Final = 2.5
"""How long a client waits for an answer; after that nobody knows what became of the request.

Shorter than most faults, so that clients ask more than once during each.
"""
QUERY: Final = {Mode.DEFAULT: "", Mode.CONSISTENT: "consistent", Mode.STALE: "stale", Mode.NONE: ""}
"""What asks for a mode of reading in the query of a URL."""
T = TypeVar("T")


class Refused(Exception):
    """An answer that is no success; `definite` when it says that nothing was done."""

    def __init__(self, text: str, *, definite: bool) -> None:
        super().__init__(text)
        self.definite = definite


def surely_undone(status: int, text: str) -> bool:
    """Whether an error says that nothing was done.

    By the table of errors: a status that only definite errors have, or the words of the one that is definite among
    those with status 500.
    """
    if text.strip() == str(NoLeaderError()):
        return True
    kinds = [kind for kind in TABLE.values() if kind.http_status == status]
    return bool(kinds) and all(kind.definite for kind in kinds)


class HTTPClient(ABC):
    """Asks one server or agent. What a workload's client does stands in `do`."""

    reads: Set[str] = frozenset({"read"})
    """The operations that change nothing."""

    def __init__(self, base_url: str, *, timeout_s: float = TIMEOUT_S) -> None:
        self._base = base_url
        self._timeout_s = timeout_s

    async def invoke(self, asked: Invocation) -> Outcome:
        """Do it. A read that did not come back `fail`s: it changed nothing, whatever became of it."""
        try:
            return await self.do(asked)
        except Refused as refused:
            definite = refused.definite
            told = str(refused)
        except NotConnected as error:
            definite, told = True, str(error)
        except OSError as error:  # a time-out is one
            definite, told = False, f"{type(error).__name__}: {error}"
        kind = Kind.FAIL if definite or asked.f in self.reads else Kind.INFO
        return Outcome(kind, error=told)

    async def close(self) -> None:
        """Nothing is kept open, here."""
        return

    @abstractmethod
    async def do(self, asked: Invocation) -> Outcome:
        """Do it. Raises `Refused`, and `OSError`: `NotConnected` says that surely nothing was sent."""

    async def ask(self, method: str, path: str, body: str = "", *, timeout_s: float | None = None) -> Answer:
        """One request, sent once. `path` begins with a slash. Raises `OSError`."""
        return await request(method, self._base + path, body, timeout_s=timeout_s or self._timeout_s)


async def leader_of(url: str, timeout_s: float) -> str:
    """The address of the server that this one takes for the leader; empty when it knows none or does not answer."""
    try:
        answer = await request("GET", f"{url}/v1/status/leader", timeout_s=timeout_s)
        return decoded(checked(answer), str).rpartition(":")[0]
    except (OSError, Refused):
        return ""


def index_of(answer: Answer) -> int | None:
    """The `X-Consul-Index` of an answer."""
    text = answer.headers.get("x-consul-index", "")
    return int(text) if text.isdecimal() else None


def checked(answer: Answer) -> Answer:
    """The answer, if it is a success. Raises `Refused`."""
    if answer.status != 200:
        text = f"{answer.status} {answer.text.strip()}"
        raise Refused(text, definite=surely_undone(answer.status, answer.text))
    return answer


def decoded(answer: Answer, kind: type[T]) -> T:
    """What stands in the answer. Raises `Refused` for another shape: nobody knows then what was done."""
    try:
        return msgspec.json.decode(answer.text, type=kind)
    except msgspec.DecodeError as error:
        raise Refused(f"an unexpected answer: {answer.text}: {error}", definite=False) from error
