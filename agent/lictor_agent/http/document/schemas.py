"""From types to JSON schemas: one component for each record, shared by all that mention it.

Source: msgspec's schemas of what it encodes; OpenAPI 3.1 takes JSON Schema 2020-12 as it is.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, cast

import msgspec

from lictor_agent.http.document.shapes import shape
from lictor_core.records import JsonObject

__all__ = ["Schemas"]

_TEMPLATE: Final = "#/components/schemas/{name}"


class Schemas:
    """The schemas of `forms`: types, or names of shapes. `components` are those that others refer to."""

    def __init__(self, forms: Iterable[object]) -> None:
        distinct = list({repr(form): form for form in forms}.values())
        found, components = msgspec.json.schema_components(
            [_type_of(form) for form in distinct], ref_template=_TEMPLATE, schema_hook=_any_value
        )
        self.components: JsonObject = {name: components[name] for name in sorted(components)}
        self._schemas = {repr(form): cast(JsonObject, schema) for form, schema in zip(distinct, found, strict=True)}

    def of(self, form: object) -> JsonObject:
        """The schema of one of the forms."""
        return self._schemas[repr(form)]


def _type_of(form: object) -> object:
    return shape(form) if isinstance(form, str) else form


def _any_value(kind: type) -> JsonObject:
    """`object` is any value of JSON: what somebody else's settings hold."""
    if kind is not object:
        raise NotImplementedError
    return {"description": "Any value."}  # msgspec takes an empty schema for none
