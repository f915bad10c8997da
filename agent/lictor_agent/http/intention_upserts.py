"""One source of a `service-intentions` entry, written by itself: what has rules about requests is held there alone.

Later Consul's `PUT /v1/connect/intentions/exact` does it so. The entry is read, changed and written on the condition
that nobody wrote it meanwhile.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, cast

from lictor_agent.http.errors import Refusal
from lictor_agent.http.intention_bodies import Draft
from lictor_agent.http.requests import Request
from lictor_agent.http.site import Site
from lictor_core.commands import ConfigSet
from lictor_core.errors import RequestError
from lictor_core.queries import ConfigEntryQuery
from lictor_core.records import JsonObject
from lictor_core.registry import ReadOptions

__all__ = ["has_rules_about_requests", "take_permissions", "upsert"]

_KIND: Final = "service-intentions"
_TRIES_MAX: Final = 5
"""How often the change is begun anew because somebody else wrote the entry meanwhile."""


def take_permissions(body: Mapping[str, object]) -> tuple[dict[str, object], list[object] | None]:
    """A body without its permissions, and these; None when it has none. Names of members ignore case, as in Go."""
    rest = {key: value for key, value in body.items() if key.lower() != "permissions"}
    found = [value for key, value in body.items() if key.lower() == "permissions"]
    if not found or found[-1] is None or found[-1] == []:
        return rest, None
    if not isinstance(found[-1], list):
        raise Refusal("Request decode failed: Permissions: must be a list")
    return rest, cast("list[object]", found[-1])


async def has_rules_about_requests(site: Site, request: Request, destination: str) -> bool:
    """Whether the intentions of a destination can only be written by its entry."""
    body = (await _entry(site, request, destination))[0]
    return "JWT" in body or any("Permissions" in one for one in _sources(body))


async def upsert(site: Site, request: Request, draft: Draft, permissions: list[object] | None) -> None:
    """Put one source into the entry of its destination, in the place of the one of its name.

    Raises `RequestError` with every flaw, and for an entry that others keep writing.
    """
    from lictor_core.entries.reading import body_of, check_entry, read_entry

    if draft.meta:
        raise RequestError("Meta must not be specified with rules about requests: it belongs to the entry")
    source: JsonObject = {"Name": draft.source, "Type": draft.source_type, "Description": draft.description}
    if permissions is None or draft.action:
        source["Action"] = draft.action
    if permissions is not None:
        source["Permissions"] = permissions
    for _ in range(_TRIES_MAX):
        body, index = await _entry(site, request, draft.destination)
        others = [one for one in _sources(body) if one.get("Name") != draft.source]
        entry = read_entry({"Kind": _KIND, "Name": draft.destination, **body, "Sources": [*others, source]})
        check_entry(entry)
        command = ConfigSet(kind=entry.kind, name=entry.name, body=body_of(entry), cas=index)
        if (await site.registry.write(command, token=request.token)).value:
            return
    raise RequestError(f"the intentions to {draft.destination!r} are being written by others all the time: try again")


async def _entry(site: Site, request: Request, destination: str) -> tuple[JsonObject, int]:
    """The body of an entry and where it was last changed; an empty one and 0 when there is none."""
    query = ConfigEntryQuery(kind=_KIND, name=destination)
    found = (await site.registry.read(query, ReadOptions(token=request.token))).value
    return ({}, 0) if found is None else (dict(found.body), found.modify_index)


def _sources(body: JsonObject) -> list[JsonObject]:
    return cast("list[JsonObject]", body.get("Sources", []))
