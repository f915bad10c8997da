"""The OpenAPI document is complete, valid, and made of what is said beside the endpoints."""

from __future__ import annotations

import subprocess
import sys
from inspect import unwrap

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from lictor_agent.http.described import description_of
from lictor_agent.http.router import Endpoint
from lictor_agent.http.routes import ROUTES
from tests.support.contract import Contract, document
from tests.support.parameter_reads import parameters_read
from tests.support.recorder.json_types import Json, as_list, as_object, at

_ENDPOINTS = [
    pytest.param(route.path, method, endpoint, id=f"{method} {route.path}")
    for route in ROUTES
    for method, endpoint in route.endpoints.items()
]
_EVERYWHERE = {"token", "pretty"}
"""What every endpoint takes: the one is a way to say who asks, the other is added to each operation."""


def test_the_document_is_valid_openapi() -> None:
    errors = [error.message for error in OpenAPIV31SpecValidator(document()).iter_errors()]
    assert errors == []


@pytest.mark.parametrize(("path", "method", "endpoint"), _ENDPOINTS)
def test_every_endpoint_is_described(path: str, method: str, endpoint: Endpoint) -> None:
    assert description_of(endpoint) is not None, f"say with @described what {method} {path} takes and gives"


@pytest.mark.parametrize(("path", "method", "endpoint"), _ENDPOINTS)
def test_every_parameter_that_is_read_is_described_and_no_other(path: str, method: str, endpoint: Endpoint) -> None:
    said = description_of(endpoint)
    assert said is not None
    names = {parameter.name for parameter in said.parameters if not parameter.is_header}
    assert names == parameters_read(unwrap(endpoint)) - _EVERYWHERE, f"{method} {path}"


@pytest.mark.parametrize(("path", "method", "endpoint"), _ENDPOINTS)
def test_a_tail_has_a_name(path: str, method: str, endpoint: Endpoint) -> None:
    said = description_of(endpoint)
    assert said is not None
    assert bool(said.tail) == path.endswith("/"), f"{method} {path}"


def test_operations_have_unique_names_and_a_summary() -> None:
    operations = [
        as_object(one) for path in as_object(document()["paths"]).values() for one in as_object(path).values()
    ]
    assert len({str(one["operationId"]) for one in operations}) == len(operations)
    assert all(one["summary"] for one in operations)


def test_every_reference_leads_somewhere() -> None:
    whole: Json = document()

    def check(value: Json) -> None:
        if isinstance(value, list):
            for one in value:
                check(one)
        elif isinstance(value, dict):
            if isinstance(value.get("$ref"), str):
                part: Json = whole
                for name in str(value["$ref"]).removeprefix("#/").split("/"):
                    part = as_object(part)[name]
            for one in value.values():
                check(one)

    check(whole)


def test_the_status_of_a_key_that_is_missing_is_described() -> None:
    assert "404" in as_object(Contract().operation("/v1/kv/", "GET")["responses"])


def test_what_an_endpoint_says_of_a_parameter_reaches_the_document() -> None:
    parameters = as_object(at(document(), "components.parameters"))
    assert at(parameters["index"], "schema.type") == "integer"
    assert at(parameters["node-meta"], "schema.type") == "array"
    assert as_object(parameters["stale"])["allowEmptyValue"] is True
    assert as_object(parameters["by"])["required"] is True
    assert as_list(at(parameters["by"], "schema.enum")) == ["source", "destination"]
    assert as_object(parameters["Cache-Control"])["in"] == "header"


def test_two_parameters_of_one_name_stay_apart() -> None:
    parameters = as_object(at(document(), "components.parameters"))
    assert [as_object(parameters[name])["name"] for name in ("cas", "cas-2")] == ["cas", "cas"]


def test_a_server_does_not_import_the_document_until_it_is_asked_for() -> None:
    program = (
        "import sys, lictor_agent.http; "
        "print([name for name in sys.modules if name.startswith('lictor_agent.http.document')])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "[]\n"
