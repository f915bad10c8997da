"""`/v1/config*`: the configuration entries. Source: Consul's document `api-docs/config`.

Statuses are those of Consul 1.8.7; `cas` on a deletion is of later versions. A flaw names the field and the reason, and
all flaws are named at once.
"""

from __future__ import annotations

from functools import partial
from typing import Final

from lictor_agent.http.blocking import Manner, answer_query, meta_headers, read
from lictor_agent.http.bodies import read_json
from lictor_agent.http.described import BLOCKING, DC, Body, Kind, Parameter, described
from lictor_agent.http.encoding import JSON, Answer
from lictor_agent.http.enforcing import WAIT_ENFORCED, answer_written, enforced_wait_s
from lictor_agent.http.errors import Refusal, refusing_with
from lictor_agent.http.requests import Request, parse_unsigned
from lictor_agent.http.router import Route
from lictor_agent.http.site import Site
from lictor_core.aside import ASIDE_BYTES_MIN, aside
from lictor_core.commands import ConfigDelete, ConfigSet
from lictor_core.config_records import ConfigEntry
from lictor_core.errors import RequestError
from lictor_core.proxy_status import Enforcement
from lictor_core.queries import ConfigEntriesQuery, ConfigEntryQuery
from lictor_core.records import JsonObject

__all__ = ["ROUTES"]

_CAS: Final = Parameter("cas", "Only if this is the ModifyIndex of the entry; 0: only if there is none.", Kind.COUNT)
_ENTRIES: Final = Manner(is_cacheable=True)
_INTENTIONS_KIND: Final = "service-intentions"
_DECODE_FAILED: Final = "Bad request: Request decoding failed: "


@described(bool | Enforcement, DC, _CAS, WAIT_ENFORCED, body=Body("Entry"))
async def put(site: Site, request: Request) -> Answer:
    """Create or replace an entry; false when `cas` lost."""
    # Entries are much to carry for an agent that never reads one: their types come with the first that is written.
    from lictor_core.entries.reading import EntryForm, body_of, check_entry, read_entry

    value = await read_json(request, site.settings.body_bytes_max, prefix=_DECODE_FAILED)
    is_large = request.content_length is None or request.content_length >= ASIDE_BYTES_MIN
    try:
        entry = await aside(partial(read_entry, value)) if is_large else read_entry(value)
    except EntryForm as error:
        raise Refusal(_DECODE_FAILED + str(error)) from error
    cas = _cas(request)
    wait_s = _enforced_wait_s(request, entry.kind)
    site.check_datacenter(request.parameters.get("dc"))

    def command() -> ConfigSet:
        check_entry(entry)
        return ConfigSet(kind=entry.kind, name=entry.name, body=body_of(entry), cas=cas)

    with refusing_with(500):
        checked = await aside(command) if is_large else command()
        outcome = await site.registry.write(checked, token=request.token)
    if outcome.value is False:
        return site.answer_json(request, False)
    return await answer_written(site, request, outcome.value, wait_s, [entry.name])


@described("EntriesShown", *BLOCKING, tail="kind", also={404: "There is no such entry."})
async def get(site: Site, request: Request) -> Answer:
    """One entry by kind and name, or the list of those of a kind; without a kind all of them."""
    kind, slash, name = request.tail.partition("/")
    if kind or slash:
        _check_kind(kind, status=500)
    if not slash:
        return await answer_query(site, request, ConfigEntriesQuery(kind=kind), _ENTRIES, _shown)
    reading, mode, _ = await read(site, request, ConfigEntryQuery(kind=kind, name=name), _ENTRIES)
    if reading.value is None:
        headers = meta_headers(reading, mode, _ENTRIES)
        raise Refusal(f'Config entry not found for "{kind}" / "{name}"', status=404, headers=headers)
    return site.answer_json(request, reading.value.shown(), headers=meta_headers(reading, mode, _ENTRIES))


@described(
    bool | JsonObject,
    DC,
    _CAS,
    WAIT_ENFORCED,
    tail="kind",
    also={404: "The kind or the name is missing."},
)
async def delete(site: Site, request: Request) -> Answer:
    """Delete an entry; with `cas` the answer says whether it was."""
    kind, slash, name = request.tail.partition("/")
    if not slash:
        raise Refusal("Must provide both a kind and name to delete", status=404)
    _check_kind(kind)
    cas = _cas(request)
    wait_s = _enforced_wait_s(request, kind)
    site.check_datacenter(request.parameters.get("dc"))
    with refusing_with(500):
        if not name:
            raise RequestError("the name of the entry is missing: DELETE /v1/config/<kind>/<name>")
        outcome = await site.registry.write(ConfigDelete(kind=kind, name=name, cas=cas), token=request.token)
    if wait_s is not None and outcome.value is not False:
        return await answer_written(site, request, outcome.value, wait_s, [name])
    if cas is not None:
        return site.answer_json(request, outcome.value)
    return Answer(headers=(JSON,), body=b"{}\n" if site.is_pretty(request) else b"{}")


def _enforced_wait_s(request: Request, kind: str) -> float | None:
    wait_s = enforced_wait_s(request)
    if wait_s is not None and kind != _INTENTIONS_KIND:
        raise Refusal(f"{WAIT_ENFORCED.name} is for entries of kind {_INTENTIONS_KIND}: leave it out for {kind}")
    return wait_s


def _check_kind(kind: str, *, status: int = 400) -> None:
    from lictor_core.entries.reading import kind_of

    try:
        kind_of(kind)
    except RequestError as error:
        raise Refusal(str(error), status=status) from error


def _cas(request: Request) -> int | None:
    text = request.parameters.get("cas")
    if not text:
        return None
    try:
        return parse_unsigned(text)
    except Refusal as error:
        raise Refusal(f"cas: {error}", status=500) from None


def _shown(entries: list[ConfigEntry]) -> list[JsonObject]:
    return [entry.shown() for entry in entries]


ROUTES: Final = (
    Route("/v1/config", {"PUT": put}),
    Route("/v1/config/", {"GET": get, "DELETE": delete}),
)
