"""Routes and what is said of them, as an OpenAPI 3.1 document. Source: the OpenAPI Specification 3.1.1.

What every endpoint has is said once here: the token, `pretty`, and the answers that come from before or around an
endpoint. A path whose tail may hold slashes (a key of the KV store) is one parameter, since OpenAPI has no other way.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from inspect import unwrap
from typing import Final

from lictor_agent.http.described import Body, Description, Kind, Parameter, Reply, description_of
from lictor_agent.http.document.schemas import Schemas
from lictor_agent.http.needs import NEEDS
from lictor_agent.http.router import Endpoint, Route
from lictor_core.records import JsonObject

__all__ = ["openapi_document"]

_VERSION: Final = "3.1.1"
_ABOUT: Final = (
    "The HTTP API of Lictor, which is that of Consul 1.8 with additions. Errors are plain text that names the thing, "
    "the reason and the next step; their statuses are Consul's, which answers many wrong requests with 500. "
    "OPTIONS answers on every path with the methods in `Allow`. Parameters that are not listed are ignored."
)
_TEXT: Final = "text/plain"
_JSON: Final = "application/json"
_PRETTY: Final = Parameter("pretty", "Indent the JSON by four spaces.", Kind.FLAG)
_UNSIGNED_MAX: Final = 2**64 - 1
_TRUTHS: Final = ("1", "t", "T", "true", "TRUE", "True", "0", "f", "F", "false", "FALSE", "False")
_KINDS: Final[Mapping[Kind, JsonObject]] = {
    Kind.TEXT: {"type": "string"},
    Kind.FLAG: {"type": "string"},
    Kind.TRUTH: {"type": "string", "enum": ["", *_TRUTHS]},
    Kind.BOOLEAN: {"type": "string", "enum": [*_TRUTHS]},
    Kind.COUNT: {"type": "integer", "minimum": 0, "maximum": _UNSIGNED_MAX},
    Kind.DURATION: {"type": "string", "pattern": r"^([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))+$"},
    Kind.PAIR: {"type": "string", "pattern": "^[^:]+:.*$"},
}
_COMMON: Final[Mapping[int, tuple[str, str]]] = {
    400: ("Refused", "The request is wrong: a parameter, the body, or the path; the text says which and why."),
    403: ("Forbidden", "The endpoint is blocked by `http_config`, or the token may not do this."),
    429: ("Overloaded", "A bound is reached. `Retry-After` says when to try again."),
    500: (
        "Failed",
        "The cluster cannot answer, or the request is wrong where Consul says 500; the text tells.",
    ),
}
_WITH_BODY: Final[Mapping[int, tuple[str, str]]] = {
    408: ("BodyTooSlow", "The body did not come in time. The connection is closed."),
    413: ("BodyTooLarge", "The body is larger than its bound. The connection is closed."),
}
_HEADERS: Final[Mapping[str, tuple[str, JsonObject]]] = {
    "X-Consul-Index": ("What to wait for next, by `index`.", {"type": "integer", "minimum": 1}),
    "X-Consul-KnownLeader": ("Whether a leader was known.", {"type": "string", "enum": ["true", "false"]}),
    "X-Consul-LastContact": ("Milliseconds since the leader was heard.", {"type": "integer", "minimum": 0}),
    "X-Consul-Effective-Consistency": ("How fresh it is.", {"type": "string"}),
    "X-Cache": ("Whether the agent had kept it.", {"type": "string", "enum": ["HIT", "MISS"]}),
    "Age": ("Seconds for which nobody could have told of a change.", {"type": "integer", "minimum": 0}),
}
_READ_HEADERS: Final = tuple(_HEADERS)


def openapi_document(routes: Iterable[Route], version: str) -> JsonObject:
    """The document of `routes`, each of whose endpoints is described; `version` is the product's."""
    operations = [
        (route, method, endpoint, said)
        for route in routes
        for method, endpoint in route.endpoints.items()
        if (said := description_of(endpoint)) is not None
    ]
    described = [said for _, _, _, said in operations]
    schemas = Schemas([form for said in described for form in _forms(said)])
    shared = _shared(described)
    paths: dict[str, JsonObject] = {}
    for route, method, endpoint, said in operations:
        path = f"{route.path}{{{_tail_name(said)}}}" if route.path.endswith("/") else route.path
        paths.setdefault(path, {})[method.lower()] = _operation(route, method, endpoint, said, schemas, shared)
    return {
        "openapi": _VERSION,
        "info": {"title": "Lictor", "version": version, "summary": "Service registry and mesh", "description": _ABOUT},
        "servers": [{"url": "/"}],
        "security": [{}, {"token": []}, {"bearer": []}, {"parameter": []}],
        "paths": {path: paths[path] for path in sorted(paths)},
        "components": {
            "parameters": {name: _parameter(parameter) for name, parameter in shared.items()},
            "headers": {name: {"description": about, "schema": schema} for name, (about, schema) in _HEADERS.items()},
            "responses": {
                name: {"description": about, "content": {_TEXT: {"schema": {"type": "string"}}}}
                for name, about in (*_COMMON.values(), *_WITH_BODY.values())
            },
            "schemas": schemas.components,
            "securitySchemes": {
                "token": {"type": "apiKey", "in": "header", "name": "X-Consul-Token"},
                "bearer": {"type": "http", "scheme": "bearer"},
                "parameter": {"type": "apiKey", "in": "query", "name": "token"},
            },
        },
    }


def _operation(
    route: Route,
    method: str,
    endpoint: Endpoint,
    said: Description,
    schemas: Schemas,
    shared: Mapping[str, Parameter],
) -> JsonObject:
    summary, more = _words(endpoint)
    need = NEEDS.get((route.path, method))
    if need is not None:
        more = f"{more}\n\n{need.text}" if more else need.text
    names = {parameter: name for name, parameter in shared.items()}
    parameters: list[JsonObject] = [
        {"$ref": f"#/components/parameters/{names[one]}"} for one in (*said.parameters, _PRETTY)
    ]
    if route.path.endswith("/"):
        below: JsonObject = {"type": "string", "minLength": 1}
        parameters.insert(0, {"name": _tail_name(said), "in": "path", "required": True, "schema": below})
    operation: JsonObject = {
        "operationId": _operation_id(route, method),
        "tags": [route.path.split("/")[2]],
        "summary": summary,
        "parameters": parameters,
        "responses": _responses(said, schemas, summary),
    }
    if more:
        operation["description"] = more
    if said.body is not None:
        operation["requestBody"] = _request_body(said.body, schemas)
    return operation


def _words(endpoint: Endpoint) -> tuple[str, str]:
    """The first sentence of an endpoint's docstring, and what follows it."""
    summary, _, more = (inspect.getdoc(unwrap(endpoint)) or "").partition("\n\n")
    return summary.replace("\n", " "), more


def _responses(said: Description, schemas: Schemas, summary: str) -> JsonObject:
    common = dict(_COMMON) if said.body is None else {**_COMMON, **_WITH_BODY}
    found: dict[int, JsonObject] = {
        status: {"$ref": f"#/components/responses/{name}"} for status, (name, _) in common.items()
    }
    for status, reply in said.replies.items():
        found[status] = _response(reply, schemas, reply.about or summary, reads=said.blocks)
    return {str(status): found[status] for status in sorted(found)}


def _response(reply: Reply, schemas: Schemas, about: str, *, reads: bool) -> JsonObject:
    headers = (*(_READ_HEADERS if reads else ()), *reply.headers)
    response: JsonObject = {"description": about}
    if reply.form is not None:
        response["content"] = {
            media: {"schema": schemas.of(reply.form) if media == _JSON else {"type": "string"}} for media in reply.media
        }
    if headers:
        response["headers"] = {
            name: {"$ref": f"#/components/headers/{name}"} if name in _HEADERS else {"schema": {"type": "string"}}
            for name in headers
        }
    return response


def _request_body(body: Body, schemas: Schemas) -> JsonObject:
    # A body that is no JSON is bytes, which OpenAPI 3.1 tells by an empty schema.
    schema = {} if body.form is None else schemas.of(body.form)
    return {"required": body.required, "content": {body.media: {"schema": schema}}}


def _parameter(parameter: Parameter) -> JsonObject:
    schema: JsonObject = dict(_KINDS[parameter.kind])
    if parameter.choices:
        schema["enum"] = list(parameter.choices)
    if parameter.repeats:
        schema = {"type": "array", "items": schema}
    shown: JsonObject = {
        "name": parameter.name,
        "in": "header" if parameter.is_header else "query",
        "description": parameter.about,
        "required": parameter.required,
        "schema": schema,
    }
    if parameter.kind in (Kind.FLAG, Kind.TRUTH):
        shown["allowEmptyValue"] = True
    return shown


def _shared(described: Iterable[Description]) -> dict[str, Parameter]:
    """Every parameter under a name of its own: its own name, with a number where others mean something else by it."""
    names: dict[str, Parameter] = {}
    for parameter in dict.fromkeys((_PRETTY, *(one for said in described for one in said.parameters))):
        name, number = parameter.name, 2
        while name in names:
            name, number = f"{parameter.name}-{number}", number + 1
        names[name] = parameter
    return names


def _forms(said: Description) -> list[object]:
    bodies = [] if said.body is None or said.body.form is None else [said.body.form]
    return [*bodies, *(reply.form for reply in said.replies.values() if reply.form is not None)]


def _tail_name(said: Description) -> str:
    return said.tail or "name"


def _operation_id(route: Route, method: str) -> str:
    parts = [part.replace("-", "_") for part in route.path.split("/")[2:] if part]
    below = ["below"] if route.path.endswith("/") else []
    return "_".join((method.lower(), *parts, *below))
