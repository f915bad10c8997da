"""Any permissions, demands on tokens and requests, of few words so that they meet; and a twin that judges plainly."""

from __future__ import annotations

import re
from typing import cast

import msgspec
from hypothesis import strategies as st

from lictor_core.entries.permissions import (
    IntentionJWT,
    JWTRequirement,
    Permission,
    PermissionHeader,
    PermissionHTTP,
    VerifyClaim,
)
from lictor_core.request_judging import RequestFacts

__all__ = ["demands", "naive_verdict", "permissions", "request_facts"]

_WORDS = ("a", "A", "ab", "Ba")
_FORMS = ("exact", "prefix", "suffix", "contains", "regex", "present")
_words = st.sampled_from(_WORDS)


@st.composite
def _headers(draw: st.DrawFn) -> PermissionHeader:
    form = draw(st.sampled_from(_FORMS))
    name, invert = draw(st.sampled_from(["x-one", "X-Two"])), draw(st.booleans())
    if form == "present":
        return PermissionHeader(name=name, present=True, invert=invert)
    word = draw(_words) + (".*" if form == "regex" else "")
    ignore_case = form != "regex" and draw(st.booleans())
    plain = PermissionHeader(name=name, invert=invert, ignore_case=ignore_case)
    return msgspec.structs.replace(plain, **{form: word})


@st.composite
def _https(draw: st.DrawFn) -> PermissionHTTP:
    form = draw(st.sampled_from(["path_exact", "path_prefix", "path_regex", ""]))
    path = "/" + draw(st.sampled_from(["", "a", "a/b"])) + (".?" if form == "path_regex" else "")
    return PermissionHTTP(
        path_exact=path if form == "path_exact" else "",
        path_prefix=path if form == "path_prefix" else "",
        path_regex=path if form == "path_regex" else "",
        header=tuple(draw(st.lists(_headers(), max_size=2))),
        methods=tuple(draw(st.lists(st.sampled_from(["GET", "PUT"]), max_size=2, unique=True))),
    )


_claims = st.builds(
    VerifyClaim,
    path=st.sampled_from([("role",), ("perms", "role")]),
    value=st.sampled_from(["admin", "1"]),
)
_requirements = st.builds(
    JWTRequirement,
    name=st.sampled_from(["okta", "auth0"]),
    verify_claims=st.lists(_claims, max_size=2).map(tuple),
)
demands = st.builds(
    IntentionJWT,
    providers=st.lists(_requirements, min_size=1, max_size=2, unique_by=lambda one: one.name).map(tuple),
)
permissions = st.lists(
    st.builds(
        Permission,
        action=st.sampled_from(["allow", "deny"]),
        http=st.none() | _https(),
        jwt=st.none() | demands,
    ),
    min_size=1,
    max_size=4,
).map(tuple)
_tokens = st.dictionaries(
    st.sampled_from(["okta", "auth0", "other"]),
    st.dictionaries(
        st.sampled_from(["role", "perms"]),
        st.sampled_from(["admin", "1", 1, None, ["admin"], {"role": "admin"}, {"role": 1}]),
        max_size=2,
    ),
    max_size=2,
)
request_facts = st.builds(
    RequestFacts,
    method=st.sampled_from(["GET", "PUT"]),
    path=st.sampled_from(["/", "/a", "/ab", "/a/b", "/c"]),
    headers=st.dictionaries(
        st.sampled_from(["x-one", "x-two"]),
        st.lists(st.sampled_from([*_WORDS, "", "a,Ba"]), min_size=1, max_size=2).map(tuple),
        max_size=2,
    ),
    tokens=_tokens,
)


def naive_verdict(
    rules: tuple[Permission, ...], jwt: IntentionJWT | None, request: RequestFacts, default_allow: bool
) -> bool:
    """Whether the request passes: the sentences of the engine's docstring, one after the other."""
    whole = jwt is None or any(_token(one, request) for one in jwt.providers)
    if not rules:
        return whole
    meant = [one for one in rules if one.http is None or _meant(one.http, request)]
    proven = [one for one in meant if one.jwt is None or any(_token(each, request) for each in one.jwt.providers)]
    if proven:
        return proven[0].action == "allow" and whole
    if any(one.action == "allow" for one in meant):
        return False
    return default_allow and whole


def _meant(http: PermissionHTTP, request: RequestFacts) -> bool:
    return (
        http.path_exact in ("", request.path)
        and request.path.startswith(http.path_prefix)
        and (not http.path_regex or re.fullmatch(http.path_regex, request.path) is not None)
        and (not http.methods or request.method in http.methods)
        and all(_header(one, request.headers.get(one.name.lower(), ())) for one in http.header)
    )


def _header(header: PermissionHeader, values: tuple[str, ...]) -> bool:
    has = [
        header.present
        or (header.exact and re.fullmatch(re.escape(header.exact), value, _flags(header)))
        or (header.prefix and re.match(re.escape(header.prefix), value, _flags(header)))
        or (header.suffix and re.search(re.escape(header.suffix) + "$", value, _flags(header)))
        or (header.contains and re.search(re.escape(header.contains), value, _flags(header)))
        or (header.regex and re.fullmatch(header.regex, value))
        for value in values
    ]
    return any(has) != header.invert


def _flags(header: PermissionHeader) -> re.RegexFlag:
    return re.IGNORECASE if header.ignore_case else re.NOFLAG


def _token(requirement: JWTRequirement, request: RequestFacts) -> bool:
    if requirement.name not in request.tokens:
        return False
    claims: object = request.tokens[requirement.name]
    for wanted in requirement.verify_claims:
        found = claims
        for step in wanted.path:
            found = _inside(found, step)
        if not isinstance(found, str) or found != wanted.value:
            return False
    return True


def _inside(value: object, step: str) -> object:
    return cast("dict[str, object]", value).get(step) if isinstance(value, dict) else None
