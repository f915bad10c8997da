"""Parsed JSON: its type, and the way into it."""

import json
from typing import TypeAlias, cast

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"


def parse(text: bytes | str) -> Json:
    """Parsed JSON. Raises `ValueError` for anything else."""
    return cast(Json, json.loads(text))


def as_object(value: Json) -> dict[str, Json]:
    """`value`, which must be an object."""
    assert isinstance(value, dict), f"expected a JSON object, got {value!r:.200}"
    return value


def as_list(value: Json) -> list[Json]:
    """`value`, which must be a list."""
    assert isinstance(value, list), f"expected a JSON list, got {value!r:.200}"
    return value


def at(value: Json, path: str) -> Json:
    """What stands at a dotted path, such as `0.Service.Port`; the whole for an empty one. Raises `LookupError`."""
    for name in path.split(".") if path else ():
        value = as_list(value)[int(name)] if isinstance(value, list) else as_object(value)[name]
    return value
