"""Answers held against the OpenAPI document: is the endpoint, the status, the header, every member described?

Stricter than the document itself: an object of a described form may have no member that the form does not name, so
that a member which is added to an answer is added to the document, too.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

import jsonschema_rs

from lictor_agent.http.document import openapi_document
from lictor_agent.http.requests import split_target
from lictor_agent.http.router import Router
from lictor_agent.http.routes import ROUTES
from tests.support.recorder.http_runner import Reply
from tests.support.recorder.json_types import Json, as_object, at

__all__ = ["Contract", "document"]

_JSON: Final = "application/json"
_ITEM_PATHS: Final = ("properties", "additionalProperties", "items", "anyOf")


@lru_cache(maxsize=1)
def document() -> dict[str, Json]:
    """The document of all routes, as a client receives it."""
    return as_object(json.loads(json.dumps(openapi_document(ROUTES, "0.0.0"))))


class Contract:
    """The document, made strict, and the router by which requests find their place in it."""

    def __init__(self) -> None:
        self._document = document()
        components = {
            name: _strict(schema) for name, schema in as_object(at(self._document, "components.schemas")).items()
        }
        self._components = as_object(json.loads(json.dumps({"schemas": components})))
        self._router = Router(ROUTES)
        self._validators: dict[str, jsonschema_rs.Draft202012Validator] = {}

    def flaws(self, method: str, target: str, reply: Reply) -> list[str]:
        """What of an answer the document does not know; nothing for paths and methods that are none, or unclean."""
        path, _ = split_target(target)
        found = None if self._router.redirect(path) is not None else self._router.find(path)
        if found is None or method not in found[0].endpoints:
            return []
        path = found[0].path
        operation = self.operation(path, method)
        responses = as_object(operation["responses"])
        where = f"{method} {path} {reply.status}"
        if str(reply.status) not in responses:
            return [f"{where}: the status is not described"]
        response = as_object(responses[str(reply.status)])
        if "$ref" in response:
            response = as_object(at(self._document, str(response["$ref"]).removeprefix("#/").replace("/", ".")))
        return [f"{where}: {flaw}" for flaw in self._response_flaws(response, reply.headers, reply.body)]

    def operation(self, path: str, method: str) -> dict[str, Json]:
        """What the document says of a route's path and a method."""
        paths = as_object(self._document["paths"])
        written = next(one for one in paths if one == path or (path.endswith("/") and one.startswith(path + "{")))
        return as_object(as_object(paths[written])[method.lower()])

    def _response_flaws(self, response: dict[str, Json], headers: Mapping[str, str], body: bytes) -> list[str]:
        described = {name.lower() for name in as_object(response.get("headers", {}))}
        sent = [name for name in headers if name.lower().startswith("x-consul-") or name.lower() in ("age", "x-cache")]
        flaws = [f"header {name} is not described" for name in sent if name.lower() not in described and described]
        if not body:
            return flaws
        media = headers.get("Content-Type", "").partition(";")[0]
        content = as_object(response.get("content", {}))
        if media not in content:
            return [*flaws, f"an answer of type {media!r} is not described"]
        if media == _JSON:
            schema = as_object(content[media])["schema"]
            flaws += [str(error.message) for error in self._validator(schema).iter_errors(json.loads(body))]
        return flaws

    def _validator(self, schema: Json) -> jsonschema_rs.Draft202012Validator:
        key = json.dumps(schema)
        if key not in self._validators:
            whole: dict[str, Json] = {**as_object(_strict(schema)), "components": self._components}
            self._validators[key] = jsonschema_rs.Draft202012Validator(whole)
        return self._validators[key]


def _strict(schema: Json) -> Json:
    """`schema`, whose objects have no members but those that are named."""
    if isinstance(schema, list):
        return [_strict(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    made: dict[str, Json] = {}
    for name, value in schema.items():
        if name == "properties":
            made[name] = {member: _strict(one) for member, one in as_object(value).items()}
        else:
            made[name] = _strict(value) if name in _ITEM_PATHS else value
    if made.get("properties") and "additionalProperties" not in made:
        made["additionalProperties"] = False
    return made
