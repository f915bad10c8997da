"""Requests, responses and calls as values, the same for the blocking and the asyncio client.

Source: Consul's documents `api-docs/index`, `api-docs/features/{blocking,consistency}`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Generic, TypeVar
from urllib.parse import quote, urlencode

from lictor.api.errors import AgentError, UnreadableError
from lictor_core.durations import format_duration
from lictor_core.errors import RequestError
from lictor_core.json_text import from_json, to_json
from lictor_core.limits import WAIT_JITTER_FRACTION

__all__ = [
    "RESPONSE_BYTES_MAX",
    "Answer",
    "Call",
    "Options",
    "Request",
    "Response",
    "decoded",
    "decoded_list",
    "json_call",
    "list_call",
    "none_call",
    "true_call",
    "truth",
]

T = TypeVar("T")

RESPONSE_BYTES_MAX: Final = 512 * 1024 * 1024
"""The largest body of an answer that a client reads."""
_WAITING: Final = ("index", "hash", "wait")
_ANY_BYTES: Final = "surrogateescape"


@dataclass(frozen=True, kw_only=True)
class Options:
    """How to ask. `index` above 0 waits up to `wait_s` seconds for something newer than that index.

    `hash` does so where there is no index (`agent.service`). `cached` lets the agent answer from what it keeps. `near`
    sorts by the distance from a node (`_agent`: the one that is asked); `filter` is an expression of Consul's language.
    """

    datacenter: str = ""
    stale: bool = False
    consistent: bool = False
    index: int = 0
    hash: str = ""
    wait_s: float = 0.0
    cached: bool = False
    near: str = ""
    filter: str = ""
    node_meta: Mapping[str, str] = field(default_factory=dict[str, str])

    def pairs(self) -> list[tuple[str, str]]:
        """The query parameters that say so."""
        found = [
            ("dc", self.datacenter),
            ("near", self.near),
            ("filter", self.filter),
            ("index", str(self.index) if self.index else ""),
            ("hash", self.hash),
            ("wait", format_duration(self.wait_s) if self.waits and self.wait_s else ""),
            *(("node-meta", f"{key}:{value}") for key, value in self.node_meta.items()),
        ]
        flags = {"stale": self.stale, "consistent": self.consistent, "cached": self.cached}
        return [pair for pair in found if pair[1]] + [(flag, "") for flag, on in flags.items() if on]

    @property
    def waits(self) -> bool:
        """Whether this asks for something newer than what is known."""
        return bool(self.index or self.hash)

    def waits_s(self) -> float:
        """How long the agent may hold the request back, in seconds, its jitter included."""
        return self.wait_s * (1 + 1 / WAIT_JITTER_FRACTION) if self.waits else 0.0


@dataclass(frozen=True, kw_only=True)
class Request:
    """One HTTP request below the agent's address. `path` is not yet quoted; `waits_s` is added to time-outs."""

    method: str
    path: str
    parameters: tuple[tuple[str, str], ...] = ()
    body: bytes | None = None
    waits_s: float = 0.0

    def target(self) -> str:
        """The request target: the quoted path, and the query if there is one.

        Bytes that are no UTF-8, which texts hold as PEP 383 says, are quoted as they are: keys may be any bytes.
        """
        path = quote(self.path, safe="/~:@!$&'()*+,;=", errors=_ANY_BYTES)
        return f"{path}?{urlencode(self.parameters, errors=_ANY_BYTES)}" if self.parameters else path


@dataclass(frozen=True, kw_only=True)
class Response:
    """One HTTP response. The names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def index(self) -> int:
        """What a blocking query hands back next time; 0 where there is none."""
        text = self.headers.get("x-consul-index", "0")
        return int(text) if text.isdecimal() else 0

    def check(self, *also: int) -> None:
        """Raise `AgentError` unless the status is 2xx or one of `also`."""
        if not 200 <= self.status < 300 and self.status not in also:
            pause = self.headers.get("retry-after", "")
            retry_after_s = float(pause) if pause.isdecimal() else None
            raise AgentError(self.status, self.body.decode(errors="replace").strip(), retry_after_s)


@dataclass(frozen=True, kw_only=True)
class Answer(Generic[T]):
    """The value of an answer and how fresh it is; `index` is 0 for what cannot be waited for."""

    value: T
    index: int
    known_leader: bool
    last_contact_ms: int
    hash: str = ""
    """What to hand back to wait for a change, where there is no index."""


@dataclass(frozen=True, kw_only=True)
class Call(Generic[T]):
    """One thing to ask of an agent: the request, and what its response means."""

    request: Request
    read: Callable[[Response], T]

    def answer(self, response: Response) -> Answer[T]:
        """The answer in `response`. Raises `AgentError` for a refusal, `UnreadableError` for what cannot be read."""
        contact = response.headers.get("x-consul-lastcontact", "0")
        return Answer(
            value=self.read(response),
            index=response.index(),
            known_leader=response.headers.get("x-consul-knownleader", "true") == "true",
            last_contact_ms=int(contact) if contact.isdecimal() else 0,
            hash=response.headers.get("x-consul-contenthash", ""),
        )

    def waiting(self, index: int, hash: str, wait_s: float) -> Call[T]:
        """The same call, answered once there is news since `index`, or what is not `hash`, or after `wait_s`."""
        news = Options(index=index, hash=hash, wait_s=wait_s)
        parameters = (*(pair for pair in self.request.parameters if pair[0] not in _WAITING), *news.pairs())
        return replace(self, request=replace(self.request, parameters=parameters, waits_s=news.waits_s()))

    def asking(self, *parameters: tuple[str, str]) -> Call[T]:
        """The same call with more query parameters."""
        request = replace(self.request, parameters=(*self.request.parameters, *parameters))
        return replace(self, request=request)


def json_call(
    kind: type[T],
    path: str,
    options: Options | None = None,
    *parameters: tuple[str, str],
    method: str = "GET",
    body: object = None,
) -> Call[T]:
    """A call whose answer is a `kind` in JSON; `body` is sent as JSON unless it is None."""

    def read(response: Response) -> T:
        response.check()
        return decoded(response, kind)

    return Call(request=_request(method, path, options, parameters, body), read=read)


def list_call(
    kind: type[list[T]], path: str, options: Options | None = None, *parameters: tuple[str, str]
) -> Call[list[T]]:
    """A call whose answer is a list in JSON; `null` is an empty one, as Consul answers here and there."""

    def read(response: Response) -> list[T]:
        response.check()
        return decoded_list(response, kind)

    return Call(request=_request("GET", path, options, parameters, None), read=read)


def none_call(
    method: str, path: str, *parameters: tuple[str, str], body: object = None, options: Options | None = None
) -> Call[None]:
    """A call whose answer says nothing but that it was done."""

    def read(response: Response) -> None:
        response.check()

    return Call(request=_request(method, path, options, parameters, body), read=read)


def true_call(
    method: str, path: str, *parameters: tuple[str, str], body: object = None, options: Options | None = None
) -> Call[bool]:
    """A call whose answer is `true` or `false`: whether it was done."""
    return Call(request=_request(method, path, options, parameters, body), read=truth)


def truth(response: Response) -> bool:
    """The `true` or `false` of a response; an empty one is true, as newer versions of Consul answer here and there."""
    response.check()
    text = response.body.strip()
    if text not in (b"true", b"false", b""):
        raise AgentError(response.status, f"neither true nor false: {text[:40]!r}")
    return text != b"false"


def decoded(response: Response, kind: type[T]) -> T:
    """The `kind` in a response's JSON. Raises `UnreadableError` when there is none."""
    try:
        return from_json(response.body, kind)
    except RequestError as error:
        raise UnreadableError(f"the agent's answer cannot be read: {error}") from error


def decoded_list(response: Response, kind: type[list[T]]) -> list[T]:
    """The list in a response's JSON, empty for `null`. Raises `UnreadableError` when there is neither."""
    return [] if response.body.strip() == b"null" else decoded(response, kind)


def _request(
    method: str, path: str, options: Options | None, parameters: tuple[tuple[str, str], ...], body: object
) -> Request:
    chosen = options or Options()
    return Request(
        method=method,
        path=path,
        parameters=(*(pair for pair in parameters if pair[1]), *chosen.pairs()),
        body=None if body is None else body if isinstance(body, bytes) else to_json(body),
        waits_s=chosen.waits_s(),
    )
