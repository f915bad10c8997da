"""What an event must be before it may enter the log."""

from __future__ import annotations

import uuid

import msgspec

from lictor_core.codec import pack_given
from lictor_core.errors import RequestError
from lictor_core.limits import EVENT_BYTES_MAX
from lictor_core.records import UserEvent

__all__ = ["EVENT_VERSION", "checked_event"]

EVENT_VERSION = 1
"""Consul's version of the form of events."""


def checked_event(event: UserEvent) -> UserEvent:
    """`event` as it may be kept, without a time. Raises `RequestError`."""
    try:
        uuid.UUID(event.id)
    except ValueError:
        raise RequestError(f"ID of the event is {event.id[:64]!r}, which is no UUID") from None
    if not event.name:
        raise RequestError("Missing name")
    if event.tag_filter and not event.service_filter:
        raise RequestError("Cannot provide tag filter without service filter")
    kept = msgspec.structs.replace(event, payload=event.payload or None, version=EVENT_VERSION, l_time=0)
    said = (kept.id, kept.name, kept.payload, kept.node_filter, kept.service_filter, kept.tag_filter)
    size = len(pack_given(said))
    if size > EVENT_BYTES_MAX:
        raise RequestError(
            f"the event has {size} bytes with its name, filters and payload; at most {EVENT_BYTES_MAX} are taken: "
            "put the rest under a key, and name the key in the event"
        )
    return kept
