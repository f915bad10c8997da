"""`/v1/event/*`: tell other agents that something happened. Source: Consul's document `api-docs/event`.

The newest events are kept by the servers; each agent shows those that are for it. What a blocking query hands out is
made of the newest event's id, as Consul's, so it neither rises nor says how fresh an answer is.
"""

from __future__ import annotations

from typing import Final

from lictor_agent.events import check_filters, event_index
from lictor_agent.http.described import BYTES, DC, FRESHNESS, Parameter, described
from lictor_agent.http.encoding import Answer
from lictor_agent.http.errors import Refusal, refusing_with
from lictor_agent.http.requests import Request, read_options, required_tail
from lictor_agent.http.router import Route
from lictor_agent.http.site import Site
from lictor_core.commands import EventFire, ReadMode
from lictor_core.limits import EVENT_BYTES_MAX
from lictor_core.queries import EventsQuery
from lictor_core.records import UserEvent
from lictor_core.registry import ReadOptions

__all__ = ["ROUTES"]

_NAME: Final = Parameter("name", "Only events of this name.")
_FILTERS: Final = (
    Parameter("node", "Only for agents whose name this regular expression finds."),
    Parameter("service", "Only for agents with an instance of such a service."),
    Parameter("tag", "Only for agents with an instance of the service that has such a tag."),
)
_NO_EVENT_INDEX: Final = 1
_VERSION: Final = 1


@described(UserEvent, DC, *_FILTERS, tail="name", body=BYTES)
async def fire(site: Site, request: Request) -> Answer:
    """Fire an event; the answer is the event, which has no time yet."""
    name, parameters = required_tail(request, "name"), request.parameters
    site.check_datacenter(parameters.get("dc"))
    filters = {what: parameters.get(what) for what in ("node", "service", "tag")}
    if filters["tag"] and not filters["service"]:
        raise Refusal("Cannot provide tag filter without service filter", status=500)
    payload = await request.read_body(site.settings.body_bytes_max)
    if len(payload) > EVENT_BYTES_MAX:
        raise Refusal(f"the payload has {len(payload)} bytes; at most {EVENT_BYTES_MAX} are taken", status=500)
    event = UserEvent(
        id=site.rng.uuid4(),
        name=name,
        payload=payload or None,
        node_filter=filters["node"],
        service_filter=filters["service"],
        tag_filter=filters["tag"],
        version=_VERSION,
        l_time=0,
    )
    with refusing_with(500):
        check_filters(filters)
        await site.registry.write(EventFire(event=event), token=request.token)
    return site.answer_json(request, event)


@described(list[UserEvent], _NAME, *FRESHNESS)
async def list_all(site: Site, request: Request) -> Answer:
    """The newest events for this agent, oldest first; `name` chooses one kind."""
    asked = read_options(request)
    query = EventsQuery(name=request.parameters.get("name"))
    deadline = site.clock.monotonic() + asked.wait_s
    options = ReadOptions(mode=ReadMode.STALE, token=request.token)
    while True:
        reading = await site.registry.read(query, options)
        events = site.agent.events.mine(reading.value)
        index = event_index(events[-1].id) if events else _NO_EVENT_INDEX
        left_s = deadline - site.clock.monotonic()
        if asked.min_index != index or left_s <= 0:
            return site.answer_json(request, events, headers=(("X-Consul-Index", str(index)),))
        options = ReadOptions(mode=ReadMode.STALE, token=request.token, min_index=reading.index, wait_s=left_s)


ROUTES: Final = (
    Route("/v1/event/fire/", {"PUT": fire}),
    Route("/v1/event/list", {"GET": list_all}),
)
