"""A request as the endpoints see it, and the options that all of them share.

Query parameters are read as Go's `net/url` reads them, since that is what Consul's clients were tried against. Unknown
parameters are ignored. Sources: Consul's documents `api-docs/index`, `features/{blocking,consistency,caching}`.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote_plus, unquote, unquote_plus, unquote_to_bytes

from lictor_agent.http.errors import Refusal
from lictor_core.commands import ReadMode
from lictor_core.durations import parse_duration
from lictor_core.errors import RequestError
from lictor_core.filter.literals import parse_bool
from lictor_core.keys import key_of
from lictor_core.limits import WAIT_DEFAULT_S, WAIT_MAX_S
from lictor_core.registry import Pause, ReadOptions

__all__ = [
    "CacheControl",
    "Parameters",
    "Paused",
    "Request",
    "cache_control",
    "freshness",
    "parse_bool",
    "parse_unsigned",
    "read_options",
    "required_tail",
    "split_target",
]

_BAD_ESCAPE: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
_UNSIGNED_MAX: Final = 2**64 - 1
_SECONDS: Final = re.compile(r"[+-]?[0-9]{1,18}")
_BEARER: Final = "bearer "
_KEYS: Final = "/v1/kv/"


class Parameters:
    """The query part of a URL: names to values in order. A name without a value has the empty one."""

    __slots__ = ("_values",)

    def __init__(self, query: str) -> None:
        self._values: dict[str, list[str]] = {}
        if not query:
            return
        for name, value in _pairs(query):
            self._values.setdefault(name, []).append(value)

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def __len__(self) -> int:
        """How many names there are."""
        return len(self._values)

    def get(self, name: str) -> str:
        """The first value; empty when there is none."""
        values = self._values.get(name)
        return values[0] if values else ""

    def all(self, name: str) -> tuple[str, ...]:
        """Every value, in order."""
        return tuple(self._values.get(name, ()))

    def encoded(self) -> str:
        """All parameters as a query part, sorted by name."""
        return "&".join(
            f"{quote_plus(name)}={quote_plus(value)}" for name in sorted(self._values) for value in self._values[name]
        )

    def pairs(self, name: str) -> tuple[tuple[str, str], ...]:
        """Every value split at its first colon, as `node-meta=key:value` is; sorted, each key once."""
        return tuple(sorted({key: value for key, _, value in (one.partition(":") for one in self.all(name))}.items()))


class Paused(Exception):
    """A read has to wait first; the whole request is to be asked again, `is_resumed`, when `pause` is over."""

    def __init__(self, pause: Pause) -> None:
        super().__init__()
        self.pause = pause


@dataclass(slots=True)
class Request:
    """One request. `path` and `tail` are decoded; `tail` is what follows the prefix of a route that ends in a slash.

    Nobody changes one; a frozen one takes four times as long to make. `read_body` reads at most the bytes it is given
    and raises `BodyTooLargeError` for more; `read_parts` does the same part by part, for a body that is large. `client`
    is the peer's address, for logs. `wait_default_s` and `wait_s_max` bound how long a read may block. With `may_pause`
    one that has to wait may raise `Paused` in its place; the request comes again after that, `is_resumed`.
    `default_token` is the agent's, for who shows none.
    """

    method: str
    path: str
    tail: str
    parameters: Parameters
    headers: Mapping[str, str]
    read_body: Callable[[int], Awaitable[bytes]]
    read_parts: Callable[[int], AsyncIterator[bytes]]
    content_length: int | None = None
    client: str = ""
    wait_default_s: float = WAIT_DEFAULT_S
    wait_s_max: float = WAIT_MAX_S
    may_pause: bool = False
    is_resumed: bool = False
    default_token: str = ""

    @property
    def token(self) -> str:
        """The token by which this is judged: the caller's, else the agent's default."""
        return self.shown_token or self.default_token

    @property
    def shown_token(self) -> str:
        """The caller's token: from the parameter, else the header, else a bearer token (Consul's order)."""
        return token_of(self.parameters, self.headers)

    @property
    def wants_pretty(self) -> bool:
        """Whether the caller asks for indented JSON."""
        return "pretty" in self.parameters

    @property
    def filter(self) -> str:
        """The expression that chooses what a list holds; empty for all of it."""
        return self.parameters.get("filter")

    @property
    def is_cached(self) -> bool:
        """Whether the caller takes an answer from the agent's cache."""
        return "cached" in self.parameters


def split_target(target: str) -> tuple[str, str]:
    """Path (decoded) and query (as it came) of a request target. Raises `RequestError` for a bad escape.

    A key in it may be any bytes (core's `keys`), all else is UTF-8. The absolute form of RFC 9112, section 3.2.2 is
    taken for its path, an asterisk for itself.
    """
    if target == "*":
        return target, ""
    if not target.startswith("/"):
        scheme, separator, rest = target.partition("://")
        if not separator or not scheme.isalpha():
            raise RequestError("the request target is no path")
        _, slash, after = rest.partition("/")
        target = slash + after or "/"
    path, _, query = target.partition("?")  # a target has no fragment: RFC 9112, section 3.2
    if "%" not in path:
        return path, query
    if _BAD_ESCAPE.search(path):
        raise RequestError("the path has a percent sign that escapes nothing")
    if path.startswith(_KEYS):
        return key_of(unquote_to_bytes(path)), query
    try:
        return unquote(path, errors="strict"), query
    except UnicodeDecodeError as error:
        raise RequestError("the path is not UTF-8; names are UTF-8 text, only keys of /v1/kv are any bytes") from error


def read_options(request: Request, *, stale_s_default: float = 0.0) -> ReadOptions:
    """How a read is to be done. Raises a `Refusal` for options that cannot be.

    With `stale_s_default` one that names no mode, nor the leader, nor what is kept, may be so many seconds stale.
    """
    options = freshness(request, stale_s_default=stale_s_default)
    index, wait = request.parameters.get("index"), request.parameters.get("wait")
    return ReadOptions(
        mode=options.mode,
        max_stale_s=options.max_stale_s,
        min_index=_index(index) if index and not request.is_resumed else 0,
        wait_s=_wait(request, wait),
        token=options.token,
    )


def freshness(request: Request, *, stale_s_default: float = 0.0) -> ReadOptions:
    """How fresh the answer is to be of a read that never waits. Raises as `read_options`, and has its default."""
    cache_control(request)
    max_stale_s = _max_stale(request.parameters)
    mode = _mode(request.parameters, may_be_stale=max_stale_s > 0)
    wants_leader = "leader" in request.parameters
    if stale_s_default and mode is ReadMode.DEFAULT and not (wants_leader or request.is_cached):
        mode, max_stale_s = ReadMode.STALE, stale_s_default
    return ReadOptions(mode=mode, max_stale_s=max_stale_s, token=request.token)


@dataclass(frozen=True, slots=True)
class CacheControl:
    """What a caller takes of an answer that was fetched at some time and kept; one that is followed is never old.

    `max_age_s` None: any age. An older one is fetched anew; where that fails, one of `stale_if_error_s` is still good.
    """

    max_age_s: int | None = None
    stale_if_error_s: int = 0


_ANYTHING: Final = CacheControl()


def cache_control(request: Request) -> CacheControl:
    """The caller's `Cache-Control`. Raises a `Refusal` for numbers that are none; other words are overlooked."""
    header = request.headers.get("Cache-Control", "")
    return _read_control(header) if header else _ANYTHING


def required_tail(request: Request, what: str) -> str:
    """The tail of the path, which names `what`. Raises a `Refusal` when it is empty."""
    if not request.tail:
        raise Refusal(f"Missing {what}")
    return request.tail


def parse_unsigned(text: str) -> int:
    """An unsigned 64 bit number. Raises a `Refusal` of status 500 with Go's words, as Consul answers."""
    if not (text.isascii() and text.isdigit()):
        raise Refusal(f'strconv.ParseUint: parsing "{text}": invalid syntax', status=500)
    number = int(text) if len(text) <= 20 else _UNSIGNED_MAX + 1
    if number > _UNSIGNED_MAX:
        raise Refusal(f'strconv.ParseUint: parsing "{text}": value out of range', status=500)
    return number


def _pairs(query: str) -> Iterator[tuple[str, str]]:
    if _BAD_ESCAPE.search(query):
        # Consul answers 500 with an empty body when it cannot read the query part.
        raise Refusal("", status=500)
    for part in re.split("[&;]", query):
        if part:
            name, _, value = part.partition("=")
            yield unquote_plus(name), unquote_plus(value)


def _max_stale(parameters: Parameters) -> float:
    """How old an answer may be, in seconds; 0 where nothing is said."""
    limit = parameters.get("max_stale")
    if not limit:
        return 0.0
    try:
        return max(parse_duration(limit), 0.0)
    except RequestError:
        raise Refusal(f'Invalid max_stale value "{limit}"') from None


def _mode(parameters: Parameters, *, may_be_stale: bool) -> ReadMode:
    stale = may_be_stale or "stale" in parameters
    consistent = "consistent" in parameters
    if consistent and stale:
        raise Refusal("Cannot specify ?stale with ?consistent, conflicting semantics.")
    if consistent and "cached" in parameters:
        raise Refusal("Cannot specify ?cached with ?consistent, conflicting semantics.")
    return ReadMode.CONSISTENT if consistent else ReadMode.STALE if stale else ReadMode.DEFAULT


def _index(text: str) -> int:
    try:
        return parse_unsigned(text)
    except Refusal:
        raise Refusal("Invalid index") from None


def _wait(request: Request, text: str | None) -> float:
    try:
        wait_s = parse_duration(text) if text else 0.0
    except RequestError:
        raise Refusal("Invalid wait time") from None
    return min(wait_s if wait_s > 0 else request.wait_default_s, request.wait_s_max)


def _read_control(header: str) -> CacheControl:
    must_ask, max_age_s, stale_if_error_s = False, 0, 0
    for directive in header.lower().split(","):
        name, equals, value = directive.strip().partition("=")
        if name == "must-revalidate" and not equals:
            must_ask = True
        elif name == "max-age" and equals:
            max_age_s = _seconds(value)
            must_ask = must_ask or max_age_s == 0
        elif name == "stale-if-error" and equals:
            stale_if_error_s = _seconds(value)
    # Consul takes a negative age for none.
    return CacheControl(0 if must_ask else max_age_s if max_age_s > 0 else None, max(stale_if_error_s, 0))


def _seconds(text: str) -> int:
    if _SECONDS.fullmatch(text) is None:
        raise Refusal("Invalid Cache-Control header.")
    return int(text)


def token_of(parameters: Parameters, headers: Mapping[str, str]) -> str:
    """The token that a request with these brings: from the parameter, else the header, else a bearer token."""
    if token := parameters.get("token"):
        return token
    if token := headers.get("X-Consul-Token", ""):
        return token
    scheme = headers.get("Authorization", "")
    return scheme[len(_BEARER) :].strip() if scheme[: len(_BEARER)].lower() == _BEARER else ""
