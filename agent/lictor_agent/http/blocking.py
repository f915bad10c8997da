"""Reads of the registry: options in, blocking, the answer with the headers that say how fresh it is.

Sources: Consul's documents `api-docs/features/blocking`, `consistency`, `caching`. Which endpoint has which headers was
asked of Consul 1.8.7.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeVar

from lictor_agent.http.encoding import JSON, LAST_CONTACT, Answer, Reuse
from lictor_agent.http.errors import Refusal
from lictor_agent.http.requests import Paused, Request, read_options
from lictor_agent.http.site import Site
from lictor_agent.kept import KeptReading
from lictor_core.aside import aside
from lictor_core.commands import ReadMode
from lictor_core.errors import LictorError, OverloadedError
from lictor_core.filter import check_filter, predicate
from lictor_core.narrowing import base_of
from lictor_core.queries import FilterableQuery, Query
from lictor_core.records import JsonObject
from lictor_core.registry import Reading, ReadOptions

__all__ = [
    "CACHED_HIT",
    "CACHED_MISS",
    "CATALOG",
    "INTENTIONS",
    "KV",
    "Manner",
    "answer_query",
    "cache_headers",
    "freshness_shown",
    "meta_headers",
    "read",
]

T = TypeVar("T")

CACHED_MISS: Final = (("X-Cache", "MISS"),)
CACHED_HIT: Final = (("Age", "0"), ("X-Cache", "HIT"))
"""What an agent keeps follows the registry, so while there is a leader its age is 0."""

_LEVELS: Final = {ReadMode.DEFAULT: "leader", ReadMode.CONSISTENT: "consistent", ReadMode.STALE: "stale"}
_NS_PER_MS: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Manner:
    """How a family of endpoints answers: with `X-Consul-Effective-Consistency`, honouring `?cached`, with index
    headers on errors too, with `X-Consul-KnownLeader` as Consul gives it."""

    shows_consistency: bool = False
    is_cacheable: bool = False
    marks_errors: bool = False
    knows_leader: bool = True


CATALOG: Final = Manner(shows_consistency=True, marks_errors=True)
KV: Final = Manner()
INTENTIONS: Final = Manner(marks_errors=True)

_ERROR_HEADERS: Final = (("X-Consul-Index", "1"), ("X-Consul-Knownleader", "false"), ("X-Consul-Lastcontact", "0"))


async def read(
    site: Site, request: Request, query: Query[T], manner: Manner
) -> tuple[Reading[T], ReadMode, Reuse | None]:
    """The registry's answer to `query`, waited for as the request says; its mode; what makes it good for others."""
    reading, _, options = await _read(site, request, query, manner)
    return reading, options.mode, _reuse(site, query, reading, options)


def _is_reusable(site: Site, options: ReadOptions) -> bool:
    return options.min_index == 0 and (site.agent.gate.is_on or not options.token)


def _reuse(site: Site, query: Query[T], reading: Reading[T], options: ReadOptions) -> Reuse | None:
    if not _is_reusable(site, options):
        return None
    return Reuse(
        query,
        options.mode,
        reading.stamp,
        last_contact_ms=reading.last_contact_ms,
        known_leader=reading.known_leader,
        max_stale_s=options.max_stale_s,
        token=options.token,
    )


async def _read(
    site: Site, request: Request, query: Query[T], manner: Manner
) -> tuple[Reading[T], KeptReading[T] | None, ReadOptions]:
    """The answer, what is told of it if it is one that is kept here, and how it was asked for."""
    options = _options(site, request, manner)
    kept: KeptReading[T] | None = None
    try:
        site.check_datacenter(request.parameters.get("dc"))
        if isinstance(query, FilterableQuery) and query.filter and not predicate.cache_info().currsize:
            await aside(partial(check_filter, query))  # with the first filter comes its parser, which takes a while
        if manner.is_cacheable and site.settings.use_cache and request.is_cached:
            if site.pause is None:  # views are looked at here; else the server in this process judges
                await site.caller(request)
            kept = await site.agent.kept.read(query, options)
            reading = kept.reading
        else:
            if request.may_pause and options.min_index > 0 and site.pause is not None:
                pause = await site.pause(query, options)
                if pause is not None:
                    raise Paused(pause)
            reading = await site.registry.read(query, options)
    except OverloadedError:
        raise
    except LictorError as error:
        if not manner.marks_errors:
            raise
        raise Refusal(str(error), status=error.http_status, headers=_ERROR_HEADERS) from error
    return reading, kept, options


def _options(site: Site, request: Request, manner: Manner) -> ReadOptions:
    """How to read. Discovery that names no mode is stale where the configuration has it so (`discovery_max_stale`)."""
    return read_options(request, stale_s_default=site.settings.discovery_stale_s if manner.shows_consistency else 0.0)


async def answer_query(
    site: Site, request: Request, query: Query[T], manner: Manner, shape: Callable[[T], object] | None = None
) -> Answer:
    """The answer to a read: JSON of what `shape` makes of the value, encoded once per change."""
    reading, kept, options = await _read(site, request, query, manner)
    encoded, _ = await site.answers.encoded_aside(query, reading, pretty=site.is_pretty(request), shape=shape)
    headers = (JSON, *meta_headers(reading, options.mode, manner))
    if kept is None:
        return Answer(headers=headers, encoded=encoded, reuse=_reuse(site, query, reading, options))
    was_asked = site.recall(repr(base_of(query))) and options.min_index == 0
    is_hit = was_asked if kept.is_hit is None else kept.is_hit
    is_reusable = _is_reusable(site, options) and is_hit and kept.age_s == 0
    reuse = None
    if is_reusable:
        is_kept = kept.is_hit is not None
        reuse = Reuse(query, options.mode, reading.stamp, is_kept=is_kept, token=options.token)
    return Answer(headers=headers + cache_headers(kept, is_hit=is_hit), encoded=encoded, reuse=reuse)


def cache_headers(kept: KeptReading[T], *, is_hit: bool) -> tuple[tuple[str, str], ...]:
    """What tells a caller whether an answer was kept, and for how many seconds nobody could have told of a change."""
    if not is_hit:
        return CACHED_MISS
    return (("Age", str(int(kept.age_s))), ("X-Cache", "HIT")) if kept.age_s else CACHED_HIT


def meta_headers(reading: Reading[T], mode: ReadMode, manner: Manner) -> tuple[tuple[str, str], ...]:
    """What tells a caller how fresh an answer is, and what to wait for next."""
    headers = (
        ("X-Consul-Index", str(max(reading.index, 1))),
        ("X-Consul-Knownleader", "true" if reading.known_leader and manner.knows_leader else "false"),
        (LAST_CONTACT, str(reading.last_contact_ms)),
    )
    return (("X-Consul-Effective-Consistency", _LEVELS[mode]), *headers) if manner.shows_consistency else headers


def freshness_shown(reading: Reading[T], mode: ReadMode | None = None) -> JsonObject:
    """How fresh an answer is, for the few endpoints whose body says so, too; not all of them say how it was read."""
    return {
        "Index": 0,
        "LastContact": reading.last_contact_ms * _NS_PER_MS,
        "KnownLeader": reading.known_leader,
        "ConsistencyLevel": "" if mode is None else _LEVELS[mode],
    }
