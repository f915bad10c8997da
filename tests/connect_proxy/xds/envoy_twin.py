"""What Envoy makes of rules that it is given, read from their JSON: a second, plain reading of its documents.

Regular expressions are RE2's, which is what Envoy uses, and match the whole of a text.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from lictor_connect_proxy.xds.requests import RBAC_FILTER, REASONS_FILTER
from lictor_core.patterns import whole_match
from lictor_core.records import JsonObject
from lictor_core.request_judging import RequestFacts

__all__ = ["is_principal", "judged", "lets_in", "permits", "text_matches"]


def text_matches(matcher: JsonObject, text: str) -> bool:
    """A StringMatcher."""
    folded = bool(matcher.get("ignore_case"))
    match matcher:
        case {"safe_regex": {"regex": str(regex)}}:
            return whole_match(regex, text)
        case {"exact": str(form)}:
            return _folded(text, folded) == _folded(form, folded)
        case {"prefix": str(form)}:
            return _folded(text, folded).startswith(_folded(form, folded))
        case {"suffix": str(form)}:
            return _folded(text, folded).endswith(_folded(form, folded))
        case {"contains": str(form)}:
            return _folded(form, folded) in _folded(text, folded)
        case _:
            raise AssertionError(f"no matcher of texts: {matcher}")


def lets_in(names: Sequence[JsonObject], uri: str) -> bool:
    """A list of `match_typed_subject_alt_names`, for a certificate with one URI. An empty one is open to all."""
    return not names or any(text_matches(cast(JsonObject, one["matcher"]), uri) for one in names)


def is_principal(principal: JsonObject, uri: str) -> bool:
    """A principal of RBAC."""
    ((kind, said),) = principal.items()
    match kind:
        case "any":
            return True
        case "authenticated":
            return text_matches(cast("dict[str, JsonObject]", said)["principal_name"], uri)
        case "and_ids" | "or_ids":
            each = (is_principal(one, uri) for one in cast("dict[str, list[JsonObject]]", said)["ids"])
            return all(each) if kind == "and_ids" else any(each)
        case "not_id":
            return not is_principal(cast(JsonObject, said), uri)
        case _:
            raise AssertionError(f"no principal: {principal}")


def permits(permission: JsonObject, request: RequestFacts) -> bool:
    """A permission of RBAC. Of tokens it sees what their filter leaves: a header, and the claims."""
    ((kind, said),) = permission.items()
    match kind:
        case "any":
            return True
        case "and_rules" | "or_rules":
            each = (permits(one, request) for one in cast("dict[str, list[JsonObject]]", said)["rules"])
            return all(each) if kind == "and_rules" else any(each)
        case "not_rule":
            return not permits(cast(JsonObject, said), request)
        case "url_path":
            return text_matches(cast("dict[str, JsonObject]", said)["path"], request.path)
        case "header":
            return _has(cast(JsonObject, said), request)
        case "metadata":
            return _left(cast(JsonObject, said), request)
        case _:
            raise AssertionError(f"no permission: {permission}")


def judged(rbac: JsonObject, uri: str, request: RequestFacts) -> tuple[bool, str]:
    """Whether the rules allow, and what the one of the shadow rules is that denies."""
    filters = cast("dict[str, dict[str, dict[str, JsonObject]]]", rbac)
    reasons = _met(filters[REASONS_FILTER]["rbac"]["shadow_rules"], uri, request)
    assert len(reasons) < 2, "which one is told would be chance"
    return bool(_met(filters[RBAC_FILTER]["rbac"]["rules"], uri, request)), reasons[0] if reasons else ""


def _met(rules: JsonObject, uri: str, request: RequestFacts) -> list[str]:
    policies = cast("dict[str, dict[str, list[JsonObject]]]", rules["policies"])
    return [
        name
        for name, policy in sorted(policies.items())
        if any(is_principal(one, uri) for one in policy["principals"])
        and any(permits(one, request) for one in policy["permissions"])
    ]


def _has(header: JsonObject, request: RequestFacts) -> bool:
    name = str(header["name"])
    values = (request.method,) if name == ":method" else request.headers.get(name, ())
    if header.get("present_match"):
        return bool(values)
    return any(text_matches(cast(JsonObject, header["string_match"]), one) for one in values)


def _left(wanted: JsonObject, request: RequestFacts) -> bool:
    first, *steps = (one["key"] for one in cast("list[dict[str, str]]", wanted["path"]))
    place, _, provider = first.partition("_")
    value: object = request.tokens.get(provider)
    if place == "header":
        return steps == ["alg"] and value is not None
    for step in steps:
        value = _inside(value, step)
    matcher = cast("dict[str, JsonObject]", wanted["value"])["string_match"]
    return isinstance(value, str) and text_matches(matcher, value)


def _inside(value: object, step: str) -> object:
    return cast(JsonObject, value).get(step) if isinstance(value, dict) else None


def _folded(text: str, folded: bool) -> str:
    return text.lower() if folded else text
