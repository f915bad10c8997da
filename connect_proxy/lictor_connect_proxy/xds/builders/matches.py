"""Which requests a route is for, in Envoy's words."""

from __future__ import annotations

from lictor_core.entries.matching import HeaderMatch
from lictor_core.entries.routing import HTTPMatch, QueryMatch
from lictor_core.records import JsonObject

__all__ = ["everything", "path_match", "route_match"]


def everything() -> JsonObject:
    """Every request."""
    return {"prefix": "/"}


def route_match(match: HTTPMatch | None) -> JsonObject:
    """The requests that a router's rule names; all where it names none."""
    if match is None:
        return everything()
    found = path_match(match.path_exact, match.path_prefix, match.path_regex)
    headers = [_header(one) for one in match.header]
    if match.methods:
        forms = "|".join(match.methods)
        headers.append({"name": ":method", "string_match": {"safe_regex": {"regex": forms}}})
    if headers:
        found["headers"] = headers
    if match.query_param:
        found["query_parameters"] = [_query(one) for one in match.query_param]
    return found


def path_match(exact: str, prefix: str, regex: str) -> JsonObject:
    """The path; the first form that is given, else every path."""
    if exact:
        return {"path": exact}
    if prefix:
        return {"prefix": prefix}
    return {"safe_regex": {"regex": regex}} if regex else everything()


def _header(header: HeaderMatch) -> JsonObject:
    found: JsonObject = {"name": header.name}
    if header.present:
        found["present_match"] = True
    elif header.regex:
        found["string_match"] = {"safe_regex": {"regex": header.regex}}
    else:
        forms = (("exact", header.exact), ("prefix", header.prefix), ("suffix", header.suffix))
        found["string_match"] = next(({kind: form} for kind, form in forms if form), {"exact": ""})
    if header.invert:
        found["invert_match"] = True
    return found


def _query(query: QueryMatch) -> JsonObject:
    found: JsonObject = {"name": query.name}
    if query.regex:
        found["string_match"] = {"safe_regex": {"regex": query.regex}}
    elif query.exact:
        found["string_match"] = {"exact": query.exact}
    else:
        found["present_match"] = True
    return found
