"""What can be asked of a request, as permissions of Envoy's RBAC, and how questions are put together.

The answers are those of `lictor_core.request_judging`. Inversion is written as a negation around the question: Envoy's
own inversion of a header says nothing of a header that is missing, which for Lictor is a match.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, cast

from lictor_core.entries.permissions import IntentionJWT, JWTRequirement, PermissionHeader, PermissionHTTP
from lictor_core.records import JsonObject

__all__ = [
    "ALWAYS",
    "JWT_FILTER",
    "NEVER",
    "all_of",
    "any_of_these",
    "carries",
    "negated",
    "speaks_of",
    "token_header",
    "token_payload",
]

JWT_FILTER: Final = "envoy.filters.http.jwt_authn"
ALWAYS: Final[JsonObject] = {"any": True}
NEVER: Final[JsonObject] = {"not_rule": ALWAYS}


def token_payload(provider: str) -> str:
    """Under which key the filter for tokens leaves the claims of a verified one."""
    return f"payload_{provider}"


def token_header(provider: str) -> str:
    """Under which key it leaves the token's own header."""
    return f"header_{provider}"


def all_of(*cases: JsonObject) -> JsonObject:
    """When all of these hold."""
    return _joined("and_rules", cases, neutral=ALWAYS, final=NEVER)


def any_of_these(cases: Iterable[JsonObject]) -> JsonObject:
    """When one of these holds."""
    return _joined("or_rules", cases, neutral=NEVER, final=ALWAYS)


def negated(case: JsonObject) -> JsonObject:
    """When this does not hold."""
    return cast(JsonObject, case["not_rule"]) if "not_rule" in case else {"not_rule": case}


def speaks_of(http: PermissionHTTP | None) -> JsonObject:
    """Whether a permission is about the request, tokens aside."""
    if http is None:
        return ALWAYS
    cases: list[JsonObject] = []
    if http.path_exact:
        cases.append(_path({"exact": http.path_exact}))
    if http.path_prefix:
        cases.append(_path({"prefix": http.path_prefix}))
    if http.path_regex:
        cases.append(_path(_regex(http.path_regex)))
    if http.methods:
        cases.append(any_of_these(_header(":method", {"exact": one}) for one in http.methods))
    cases += map(_header_case, http.header)
    return all_of(*cases)


def carries(jwt: IntentionJWT) -> JsonObject:
    """Whether the request carries a token that meets the demand."""
    return any_of_these(_token(one) for one in jwt.providers)


def _token(requirement: JWTRequirement) -> JsonObject:
    # Each token has an `alg` in its header, whatever it claims.
    is_there = _left_by_filter([token_header(requirement.name), "alg"], {"present_match": True})
    claims = (
        _left_by_filter([token_payload(requirement.name), *one.path], {"string_match": {"exact": one.value}})
        for one in requirement.verify_claims
    )
    return all_of(is_there, *claims)


def _left_by_filter(steps: list[str], value: JsonObject) -> JsonObject:
    return {"metadata": {"filter": JWT_FILTER, "path": [{"key": step} for step in steps], "value": value}}


def _header_case(header: PermissionHeader) -> JsonObject:
    name = header.name.lower()
    matcher = _text_matcher(header)
    if matcher is None and name in (":path", ":method"):
        case = ALWAYS
    elif matcher is None:
        case = _of_header(name, present_match=True)
    elif name == ":path":
        case = _path(matcher)
    else:
        case = _header(name, matcher)
    return negated(case) if header.invert else case


def _text_matcher(header: PermissionHeader) -> JsonObject | None:
    if header.present:
        return None
    if header.regex:
        return _regex(header.regex)
    forms = {
        "exact": header.exact,
        "prefix": header.prefix,
        "suffix": header.suffix,
        "contains": header.contains,
    }
    kind = next((kind for kind, form in forms.items() if form), "exact")
    matcher: JsonObject = {kind: forms[kind]}
    return matcher | {"ignore_case": True} if header.ignore_case else matcher


def _path(matcher: JsonObject) -> JsonObject:
    """Of the path without its query."""
    return {"url_path": {"path": matcher}}


def _header(name: str, matcher: JsonObject) -> JsonObject:
    return _of_header(name, string_match=matcher)


def _of_header(name: str, **fields: object) -> JsonObject:
    return {"header": {"name": name, **fields}}


def _regex(expression: str) -> JsonObject:
    return {"safe_regex": {"regex": expression}}


def _joined(kind: str, cases: Iterable[JsonObject], *, neutral: JsonObject, final: JsonObject) -> JsonObject:
    kept: list[JsonObject] = []
    for one in cases:
        if one == final:
            return final
        if one == neutral:
            continue
        if kind in one:
            kept += cast("dict[str, list[JsonObject]]", one[kind])["rules"]
        else:
            kept.append(one)
    if len(kept) < 2:
        return kept[0] if kept else neutral
    return {kind: {"rules": kept}}
