"""Watches: what is asked again and again, and when its answer is news. Pure: the asking is done by whoever has a way.

A `Watch` says what is watched, by Consul's types; a `Fold` turns its answers into news: an answer is one when its index
moved and its content is not the one told last. Source: Consul's document `docs/agent/watches`; what it leaves open was
asked of Consul 1.8.7.
"""

from __future__ import annotations

import enum
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, cast

import msgspec

from lictor_core.durations import parse_duration
from lictor_core.errors import PeerError, RequestError
from lictor_core.records import EMPTY_CHECK_DEFINITION

__all__ = [
    "HANDLER_TIMEOUT_S",
    "Fold",
    "HttpHandler",
    "News",
    "ScriptHandler",
    "Watch",
    "WatchDefinition",
    "WatchKind",
    "parse_watch",
    "read_definition",
]

HANDLER_TIMEOUT_S: Final = 10.0
"""How long an HTTP handler may take when its definition does not say."""
_NO_EVENTS: Final = b"[]"
_HASH_HEADER: Final = "x-consul-contenthash"


class WatchKind(enum.StrEnum):
    """The types of watches."""

    KEY = "key"
    KEY_PREFIX = "keyprefix"
    SERVICES = "services"
    NODES = "nodes"
    SERVICE = "service"
    CHECKS = "checks"
    EVENT = "event"
    CONNECT_ROOTS = "connect_roots"
    CONNECT_LEAF = "connect_leaf"
    AGENT_SERVICE = "agent_service"


Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True)
class Watch:
    """What is watched: `path` below the agent's address with `parameters`, and how its answers are read."""

    kind: WatchKind
    path: str
    parameters: Pairs = ()
    token: str = field(default="", repr=False)

    @property
    def by_hash(self) -> bool:
        """Whether a content hash takes the place of the index: what one agent has does not come from the log."""
        return self.kind is WatchKind.AGENT_SERVICE


@dataclass(frozen=True, kw_only=True)
class ScriptHandler:
    """A program: `arguments`, or one line for a shell. It gets the news as JSON on stdin, the index in CONSUL_INDEX."""

    arguments: tuple[str, ...] = ()
    line: str = ""


@dataclass(frozen=True, kw_only=True)
class HttpHandler:
    """An address that is called with the news as body, and the index in X-Consul-Index."""

    url: str
    method: str = "POST"
    headers: Pairs = field(default=(), repr=False)
    timeout_s: float = HANDLER_TIMEOUT_S
    tls_skip_verify: bool = False


@dataclass(frozen=True, kw_only=True)
class WatchDefinition:
    """A watch of a configuration with who is told of its news."""

    watch: Watch
    handler: ScriptHandler | HttpHandler


@dataclass(frozen=True)
class News:
    """What is to be told: the index, and the value as compact JSON."""

    index: int
    body: bytes


class _Event(msgspec.Struct):
    id: str = msgspec.field(name="ID")


class _Entry(msgspec.Struct, rename="pascal"):
    """A key as Consul's clients hold it, and so as handlers get it: nothing is left out."""

    key: str
    create_index: int
    modify_index: int
    lock_index: int
    flags: int
    value: str | None
    session: str = ""


def _rows(body: bytes) -> list[dict[str, object]]:
    return msgspec.json.decode(body, type=list[dict[str, object]])


def _with_whole_checks(row: dict[str, object]) -> dict[str, object]:
    return {**row, "Checks": _whole_checks(row.get("Checks"))}


def _whole_checks(checks: object) -> object:
    if not isinstance(checks, list):
        return checks
    rows = cast("list[dict[str, object]]", checks)
    return [{**row, "Definition": EMPTY_CHECK_DEFINITION | _definition(row.get("Definition"))} for row in rows]


def _definition(value: object) -> dict[str, object]:
    return cast("dict[str, object]", value) if isinstance(value, dict) else {}


class Fold:
    """The answers of one watch, folded into news."""

    def __init__(self, watch: Watch) -> None:
        self.watch = watch
        self._index = 0
        self._hash = ""
        self._told: bytes | None = None
        self._asked = False
        self._event = ""

    def parameters(self, wait: str) -> Pairs:
        """The parameters of the next question; `wait` is how long it may be held, as a duration."""
        if self.watch.by_hash:
            return (*self.watch.parameters, *((("hash", self._hash), ("wait", wait)) if self._hash else ()))
        if not self._index:
            return self.watch.parameters
        return (*self.watch.parameters, ("index", str(self._index)), ("wait", wait))

    def take(self, status: int, headers: Mapping[str, str], body: bytes) -> News | None:
        """What is to be told of an answer, None when it is no news. Names of headers are in lower case.

        Raises `PeerError` for an answer that is none: the same question is asked again after a while.
        """
        missing = status == 404 and self.watch.kind in (WatchKind.KEY, WatchKind.KEY_PREFIX)
        if not missing and not 200 <= status < 300:
            text = body.decode(errors="replace").strip()[:200]
            raise PeerError(f"the agent answered {status} for {self.watch.path}: {text}")
        first, self._asked = not self._asked, True
        index, moved = self._moved(headers)
        if not (first or moved):
            return None
        fresh = self._new_value(body, missing=missing)
        if not first and self.watch.kind is WatchKind.EVENT and fresh == _NO_EVENTS:
            return None
        digest = hashlib.sha256(fresh).digest()
        if not first and digest == self._told:
            return None
        self._told = digest
        return News(index, fresh)

    def restart(self) -> None:
        """Ask without an index next: after an error nobody knows what the agent has become meanwhile."""
        self._index, self._hash = 0, ""

    def _moved(self, headers: Mapping[str, str]) -> tuple[int, bool]:
        if self.watch.by_hash:
            found = headers.get(_HASH_HEADER, "")
            moved, self._hash = found != self._hash, found
            return 0, moved
        text = headers.get("x-consul-index", "0")
        index = int(text) if text.isdecimal() else 0
        if not index:
            raise PeerError(f"the agent's answer for {self.watch.path} has no index, so it cannot be watched")
        moved = index != self._index
        # An index that went back is another server's, or of another state: begin anew, as Consul's clients should.
        # That of events is made of the newest one's id: it goes back every other time, and means nothing by it.
        went_back = index < self._index and self.watch.kind is not WatchKind.EVENT
        self._index = 0 if went_back else index
        return index, moved

    def _new_value(self, body: bytes, *, missing: bool) -> bytes:
        if missing:
            return b"null"
        try:
            compact = msgspec.json.format(body, indent=-1)
            match self.watch.kind:
                case WatchKind.KEY:
                    entries = msgspec.json.decode(compact, type=list[_Entry])
                    return msgspec.json.encode(entries[0] if entries else None)
                case WatchKind.KEY_PREFIX:
                    return msgspec.json.encode(msgspec.json.decode(compact, type=list[_Entry]))
                case WatchKind.CHECKS:
                    return msgspec.json.encode(_whole_checks(msgspec.json.decode(compact)))
                case WatchKind.SERVICE:
                    return msgspec.json.encode([_with_whole_checks(row) for row in _rows(compact)])
                case WatchKind.EVENT:
                    return self._later_events(compact)
                case _:
                    return compact
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise PeerError(f"the agent's answer for {self.watch.path} cannot be read: {error}") from error

    def _later_events(self, body: bytes) -> bytes:
        """The events after the newest one that was told: the list holds earlier ones too."""
        rows = msgspec.json.decode(body, type=list[msgspec.Raw])
        ids = [msgspec.json.decode(row, type=_Event).id for row in rows]
        start = ids.index(self._event) + 1 if self._event in ids else 0
        if ids:
            self._event = ids[-1]
        return b"[" + b",".join(bytes(row) for row in rows[start:]) + b"]"


# Definitions. Keys are taken off one by one: what is left over is nobody's.


class _Keys:
    def __init__(self, value: Mapping[str, object]) -> None:
        self._left = dict(value)

    def text(self, name: str) -> str:
        value = self._left.pop(name, "")
        if not isinstance(value, str):
            raise RequestError(f"{name} must be a text")
        return value

    def boolean(self, name: str) -> bool:
        value = self._left.pop(name, False)
        if isinstance(value, str) and value in ("true", "false", "1", "0"):
            return value in ("true", "1")
        if not isinstance(value, bool):
            raise RequestError(f"{name} must be true or false")
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of texts; one text stands for a list of itself."""
        value = self._left.pop(name, ())
        items = (value,) if isinstance(value, str) else value
        if not isinstance(items, list | tuple):
            raise RequestError(f"{name} must be a text or a list of texts")
        found = cast("list[object]", items)
        if not all(isinstance(one, str) for one in found):
            raise RequestError(f"{name} must be a text or a list of texts")
        return tuple(cast("list[str]", found))

    def mapping(self, name: str) -> Mapping[str, object] | None:
        value = self._left.pop(name, None)
        if isinstance(value, list) and len(cast("list[object]", value)) == 1:
            value = cast("list[object]", value)[0]  # a block of HCL
        if value is not None and not isinstance(value, Mapping):
            raise RequestError(f"{name} must be a mapping")
        return cast("Mapping[str, object] | None", value)

    def done(self) -> None:
        if self._left:
            raise RequestError(f"Invalid parameters: [{' '.join(sorted(self._left))}]")


def parse_watch(parameters: Mapping[str, object]) -> Watch:
    """The watch that `parameters` describe, without its handler. Raises `RequestError` with Consul's words."""
    keys = _Keys(parameters)
    watch = _watch(keys)
    keys.done()
    return watch


def read_definition(value: Mapping[str, object]) -> WatchDefinition:
    """A watch of a configuration with its handler. Raises `RequestError` that says what is wrong with it."""
    keys = _Keys(value)
    handler = _handler(keys)
    watch = _watch(keys)
    keys.done()
    return WatchDefinition(watch=watch, handler=handler)


def _watch(keys: _Keys) -> Watch:
    name = keys.text("type")
    if not name:
        raise RequestError("Watch type must be specified")
    try:
        kind = WatchKind(name)
    except ValueError:
        raise RequestError(f"Unsupported watch type: {name}") from None
    datacenter, token = keys.text("datacenter"), keys.text("token")
    common: Pairs = (("dc", datacenter),) if datacenter else ()
    if kind in _STALE_KINDS and keys.boolean("stale"):
        common = (*common, ("stale", ""))
    path, parameters = _PATHS[kind](keys)
    return Watch(kind=kind, path=path, parameters=(*parameters, *common), token=token)


def _handler(keys: _Keys) -> ScriptHandler | HttpHandler:
    kind, line, arguments = keys.text("handler_type") or "script", keys.text("handler"), keys.texts("args")
    http = keys.mapping("http_handler_config")
    if kind == "http":
        if line or arguments:
            raise RequestError("a handler of type http takes http_handler_config, neither args nor handler")
        return _http_handler(_Keys(http or {}))
    if kind != "script":
        raise RequestError(f"handler_type {kind!r} is unknown: use script or http")
    if line and arguments:
        raise RequestError("only one of args and handler may be given")
    if not line and not arguments:
        raise RequestError("a watch needs a handler: give args, or handler_type = http with http_handler_config")
    return ScriptHandler(arguments=arguments, line=line)


def _http_handler(keys: _Keys) -> HttpHandler:
    url, method = keys.text("path"), keys.text("method") or "POST"
    if not url:
        raise RequestError("http_handler_config needs a path: the address to call")
    timeout = keys.text("timeout")
    headers = tuple(
        (name, value) for name, values in (keys.mapping("header") or {}).items() for value in _listed(name, values)
    )
    handler = HttpHandler(
        url=url,
        method=method,
        headers=headers,
        timeout_s=parse_duration(timeout) if timeout else HANDLER_TIMEOUT_S,
        tls_skip_verify=keys.boolean("tls_skip_verify"),
    )
    keys.done()
    return handler


def _listed(name: str, values: object) -> tuple[str, ...]:
    return _Keys({name: values}).texts(name)


Path = tuple[str, Pairs]


def _required(keys: _Keys, name: str, message: str) -> str:
    value = keys.text(name)
    if not value:
        raise RequestError(message)
    return value


def _key(keys: _Keys) -> Path:
    return f"/v1/kv/{_required(keys, 'key', 'Must specify a single key to watch')}", ()


def _key_prefix(keys: _Keys) -> Path:
    return f"/v1/kv/{_required(keys, 'prefix', 'Must specify a single prefix to watch')}", (("recurse", ""),)


def _services(keys: _Keys) -> Path:
    return "/v1/catalog/services", ()


def _nodes(keys: _Keys) -> Path:
    return "/v1/catalog/nodes", ()


def _service(keys: _Keys) -> Path:
    service = _required(keys, "service", "Must specify a single service to watch")
    tags: Pairs = tuple(("tag", tag) for tag in keys.texts("tag"))
    return f"/v1/health/service/{service}", (*tags, ("passing", "")) if keys.boolean("passingonly") else tags


def _checks(keys: _Keys) -> Path:
    service, state = keys.text("service"), keys.text("state")
    if service and state:
        raise RequestError("Cannot specify service and state")
    return (f"/v1/health/checks/{service}" if service else f"/v1/health/state/{state or 'any'}"), ()


def _event(keys: _Keys) -> Path:
    name = keys.text("name")
    return "/v1/event/list", (("name", name),) if name else ()


def _connect_roots(keys: _Keys) -> Path:
    return "/v1/agent/connect/ca/roots", ()


def _connect_leaf(keys: _Keys) -> Path:
    return f"/v1/agent/connect/ca/leaf/{_required(keys, 'service', 'Must specify a service to watch')}", ()


def _agent_service(keys: _Keys) -> Path:
    return f"/v1/agent/service/{_required(keys, 'service_id', 'Must specify a service_id to watch')}", ()


_STALE_KINDS: Final = frozenset(
    (
        WatchKind.KEY,
        WatchKind.KEY_PREFIX,
        WatchKind.SERVICES,
        WatchKind.NODES,
        WatchKind.SERVICE,
        WatchKind.CHECKS,
    )
)
_PATHS: Final[dict[WatchKind, Callable[[_Keys], Path]]] = {
    WatchKind.KEY: _key,
    WatchKind.KEY_PREFIX: _key_prefix,
    WatchKind.SERVICES: _services,
    WatchKind.NODES: _nodes,
    WatchKind.SERVICE: _service,
    WatchKind.CHECKS: _checks,
    WatchKind.EVENT: _event,
    WatchKind.CONNECT_ROOTS: _connect_roots,
    WatchKind.CONNECT_LEAF: _connect_leaf,
    WatchKind.AGENT_SERVICE: _agent_service,
}
