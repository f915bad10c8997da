"""Reading Consul's opaque keys of proxies and upstreams, which may hold anything.

A value of the wrong type counts as not given: what is wrong with it is told where registrations are read, and a proxy
in service must not lose its configuration over it. Numbers may be written as text, as Consul's own reading of these
keys takes them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final, cast

from lictor_core.durations import parse_duration
from lictor_core.errors import RequestError
from lictor_core.records import JsonObject

__all__ = ["duration", "integer", "mapping", "milliseconds", "parsed", "text"]

_NANOSECONDS: Final = 1e9


def text(config: Mapping[str, object], key: str) -> str:
    """A text; empty when there is none."""
    value = config.get(key)
    return value if isinstance(value, str) else ""


def integer(config: Mapping[str, object], key: str) -> int | None:
    """A whole number, 0 or larger."""
    value = config.get(key)
    if isinstance(value, str) and value.isascii() and value.isdigit():
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if value >= 0 else None


def milliseconds(config: Mapping[str, object], key: str) -> float | None:
    """A duration in seconds that is written in milliseconds."""
    value = integer(config, key)
    return None if value is None else value / 1000


def duration(config: Mapping[str, object], key: str) -> float:
    """A duration in seconds that is written as text, or as a number of nanoseconds; 0 when there is none."""
    value = config.get(key)
    if isinstance(value, str) and value:
        try:
            return max(parse_duration(value), 0.0)
        except RequestError:
            return 0.0
    number = integer(config, key)
    return 0.0 if number is None else number / _NANOSECONDS


def mapping(config: Mapping[str, object], key: str) -> JsonObject:
    """A mapping; empty when there is none."""
    value = config.get(key)
    return cast(JsonObject, value) if isinstance(value, dict) else {}


def parsed(written: str) -> JsonObject:
    """The object in JSON text; empty when that is none."""
    try:
        found: object = json.loads(written)
    except (ValueError, RecursionError):
        return {}
    return cast(JsonObject, found) if isinstance(found, dict) else {}
