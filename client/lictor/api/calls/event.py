"""User events: `/v1/event`. Source: Consul's document `api-docs/event`."""

from __future__ import annotations

from lictor.api.messages import Call, Options, json_call, list_call
from lictor_core.records import UserEvent

__all__ = ["events", "fire"]


def fire(
    name: str, payload: bytes = b"", *, node: str = "", service: str = "", tag: str = "", dc: str = ""
) -> Call[UserEvent]:
    """Tell the agents whom the filters name, regular expressions, of an event; the answer is the event."""
    filters = (("dc", dc), ("node", node), ("service", service), ("tag", tag))
    return json_call(UserEvent, f"/v1/event/fire/{name}", None, *filters, method="PUT", body=payload)


def events(name: str = "", options: Options | None = None) -> Call[list[UserEvent]]:
    """The newest events for the agent that is asked, oldest first."""
    return list_call(list[UserEvent], "/v1/event/list", options, ("name", name))
