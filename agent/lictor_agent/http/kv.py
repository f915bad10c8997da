"""`/v1/kv/<key>`: read, write, delete, lock by a session. Source: Consul's document `api-docs/kv`."""

from __future__ import annotations

from typing import Final, TypeVar

import msgspec

from lictor_agent.http.blocking import KV, meta_headers, read
from lictor_agent.http.described import BLOCKING, BYTES, DC, Kind, Parameter, Reply, described
from lictor_agent.http.encoding import JSON, Answer, Reuse
from lictor_agent.http.errors import Refusal, refusing_with
from lictor_agent.http.requests import Request, parse_unsigned, required_tail
from lictor_agent.http.router import Route
from lictor_agent.http.site import Site
from lictor_agent.http.uuids import uuid_flaw
from lictor_core.commands import Command, KVDelete, KVDeleteTree, KVSet
from lictor_core.errors import BodyTooLargeError
from lictor_core.keys import key_of_text, shown
from lictor_core.queries import KeyQuery, KeysQuery, Query, TreeQuery
from lictor_core.records import KVEntry
from lictor_core.registry import Reading

__all__ = ["ROUTES", "entry_shown"]

T = TypeVar("T")

_RECURSE: Final = Parameter("recurse", "All keys that begin so.", Kind.FLAG)
_READS: Final = (
    _RECURSE,
    Parameter("keys", "The names alone.", Kind.FLAG),
    Parameter("separator", "With `keys`: names end with the first of it after the prefix."),
    Parameter("raw", "The value as it is.", Kind.FLAG),
)
_FLAGS: Final = Parameter("flags", "A number to keep with the value.", Kind.COUNT)
_CAS: Final = Parameter("cas", "Only if the key was changed last at this index; 0: if it is not there.", Kind.COUNT)
_ACQUIRE: Final = Parameter("acquire", "Lock the key by this session.")
_RELEASE: Final = Parameter("release", "Give up the lock of this session.")
_RAW: Final = (
    ("Content-Type", "text/plain"),
    ("X-Content-Type-Options", "nosniff"),
    ("Content-Security-Policy", "sandbox"),
)
"""A value is whatever somebody stored: a browser must neither guess its type nor run it."""
_LIMIT_PAGE: Final = "https://www.consul.io/docs/agent/options.html#kv_max_value_size"


@described(
    list[KVEntry | str],
    *BLOCKING,
    *_READS,
    tail="key",
    media=("application/json", "text/plain"),
    also={404: Reply("There is no such key.")},
)
async def get(site: Site, request: Request) -> Answer:
    """One key, a tree of keys (`recurse`) or the names of one (`keys`); 404 when there is none."""
    parameters = request.parameters
    if "keys" in parameters:
        return await _get_names(site, request)
    if "recurse" in parameters:
        return await _get_tree(site, request)
    required_tail(request, "key name")
    if "raw" in parameters:
        return await _get_raw(site, request)
    return await _get_one(site, request)


@described(bool, DC, _FLAGS, _CAS, _ACQUIRE, _RELEASE, tail="key", body=BYTES)
async def put(site: Site, request: Request) -> Answer:
    """Write one key; the answer says whether it was written (`cas` may have lost)."""
    key, parameters = required_tail(request, "key name"), request.parameters
    _check_conflicts(request, "acquire", "release", "cas")
    flags = parse_unsigned(parameters.get("flags")) if "flags" in parameters else 0
    cas = parse_unsigned(parameters.get("cas")) if "cas" in parameters else None
    value = await _read_value(site, request)
    site.check_datacenter(parameters.get("dc"))
    for name in ("acquire", "release"):
        if name in parameters:
            _check_session(name, parameters.get(name))
    acquire, release = parameters.get("acquire"), parameters.get("release")
    command = KVSet(key=key, value=value, flags=flags, cas=cas, acquire=acquire, release=release)
    if not acquire:
        return await _write(site, request, command)
    with refusing_with(500):
        return await _write(site, request, command)


@described(bool, DC, _RECURSE, _CAS, tail="key")
async def delete(site: Site, request: Request) -> Answer:
    """Delete one key, or with `recurse` everything under a prefix."""
    parameters = request.parameters
    _check_conflicts(request, "recurse", "cas")
    if "recurse" in parameters:
        return await _write(site, request, KVDeleteTree(prefix=request.tail))
    key = required_tail(request, "key name")
    cas = parse_unsigned(parameters.get("cas")) if "cas" in parameters else None
    return await _write(site, request, KVDelete(key=key, cas=cas))


async def _get_names(site: Site, request: Request) -> Answer:
    query = KeysQuery(prefix=request.tail, separator=key_of_text(request.parameters.get("separator")))
    reading, headers, reuse = await _read(site, request, query)
    # Consul lists the names of an empty store, and answers 404 for a prefix that nothing has.
    if not reading.value and request.tail:
        return Answer(status=404, headers=headers, reuse=reuse)
    encoded, _ = await site.answers.encoded_aside(query, reading, pretty=site.is_pretty(request), shape=_names)
    return Answer(headers=(JSON, *headers), encoded=encoded, reuse=reuse)


async def _get_tree(site: Site, request: Request) -> Answer:
    query = TreeQuery(prefix=request.tail)
    reading, headers, reuse = await _read(site, request, query)
    if not reading.value:
        return Answer(status=404, headers=headers, reuse=reuse)
    encoded, _ = await site.answers.encoded_aside(query, reading, pretty=site.is_pretty(request), shape=_tree)
    return Answer(headers=(JSON, *headers), encoded=encoded, reuse=reuse)


async def _get_one(site: Site, request: Request) -> Answer:
    query = KeyQuery(key=request.tail)
    reading, headers, reuse = await _read(site, request, query)
    if reading.value is None:
        return Answer(status=404, headers=headers, reuse=reuse)
    encoded, _ = site.answers.encoded(query, reading, pretty=site.is_pretty(request), shape=_in_list)
    return Answer(headers=(JSON, *headers), encoded=encoded, reuse=reuse)


async def _get_raw(site: Site, request: Request) -> Answer:
    reading, headers, reuse = await _read(site, request, KeyQuery(key=request.tail))
    if reading.value is None:
        return Answer(status=404, headers=headers, reuse=reuse)
    return Answer(headers=(*headers, *_RAW), body=reading.value.value or b"", reuse=reuse)


async def _read(
    site: Site, request: Request, query: Query[T]
) -> tuple[Reading[T], tuple[tuple[str, str], ...], Reuse | None]:
    """The answer, the headers that tell of it, and what makes it good for more than one request."""
    reading, mode, reuse = await read(site, request, query, KV)
    return reading, meta_headers(reading, mode, KV), reuse


async def _read_value(site: Site, request: Request) -> bytes:
    bytes_max = site.settings.kv_value_bytes_max
    try:
        return await request.read_body(bytes_max)
    except BodyTooLargeError:
        size = f"({request.content_length} bytes) " if request.content_length is not None else ""
        raise BodyTooLargeError(
            f"Request body{size or ' '}too large, max size: {bytes_max} bytes. See {_LIMIT_PAGE}."
        ) from None


async def _write(site: Site, request: Request, command: Command) -> Answer:
    site.check_datacenter(request.parameters.get("dc"))
    outcome = await site.registry.write(command, token=request.token)
    return site.answer_json(request, outcome.value)


def _check_session(name: str, session: str) -> None:
    if not session:
        raise Refusal("missing session", status=500)
    if name == "acquire" and (flaw := uuid_flaw(session)) is not None:
        raise Refusal(f"failed session lookup: index error: {flaw}", status=500)


def _names(keys: list[str]) -> list[str]:
    return list(map(shown, keys))


def _tree(entries: list[KVEntry]) -> list[KVEntry]:
    return list(map(entry_shown, entries))


def _in_list(entry: KVEntry | None) -> list[KVEntry | None]:
    return [None if entry is None else entry_shown(entry)]


def entry_shown(entry: KVEntry) -> KVEntry:
    """The entry as JSON shows it, whatever bytes its key has."""
    key = shown(entry.key)
    return entry if key is entry.key else msgspec.structs.replace(entry, key=key)


def _check_conflicts(request: Request, *names: str) -> None:
    if len(request.parameters) > 1 and sum(name in request.parameters for name in names) > 1:
        raise Refusal(f"Conflicting flags: {request.parameters.encoded()}")


ROUTES: Final = (Route("/v1/kv/", {"GET": get, "PUT": put, "DELETE": delete}),)
