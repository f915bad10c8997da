"""Types become schemas; a record that several mention becomes one component."""

from __future__ import annotations

import pytest

from lictor_agent.http.document.schemas import Schemas
from lictor_core.records import JsonObject, KVEntry, NodeServices, Service


def test_a_record_is_shared() -> None:
    schemas = Schemas([list[Service], NodeServices])
    assert schemas.of(list[Service]) == {"type": "array", "items": {"$ref": "#/components/schemas/Service"}}
    assert "Service" in schemas.components


def test_a_member_with_a_default_may_be_missing() -> None:
    component = Schemas([KVEntry]).components["KVEntry"]
    assert isinstance(component, dict)
    assert "Session" not in component["required"]
    assert "LockIndex" in component["required"]


def test_a_shape_is_found_by_its_name() -> None:
    assert Schemas(["Id"]).of("Id") == {"$ref": "#/components/schemas/Id"}


def test_a_name_of_no_shape_is_told() -> None:
    with pytest.raises(AssertionError, match="no module of document/shapes has a shape Nothing"):
        Schemas(["Nothing"])


def test_settings_of_others_may_be_anything() -> None:
    schema = Schemas([JsonObject]).of(JsonObject)
    assert schema["type"] == "object"
    assert "properties" not in schema
