"""What permissions mean: requests as an intention sees them, and the rules about them (architecture, decision 9).

The meaning is Consul's (document `docs/connect/config-entries/service-intentions`):

1. Permissions are looked at in order; the first that matches decides. A token that a permission demands belongs to
   the match: without it the next one is looked at.
2. What no permission matches gets what the default policy says. Only a request that an allowing permission would have
   matched but for its token is denied then: a demand for a token must not fall to a default that lets everybody in.
3. A demand on tokens of the whole intention holds for all that it else allows.

A header with `invert` matches exactly when it does not match without; one that is missing matches no form but that. Of
one that came several times one value is enough, as for Envoy from 1.37 on: joined, they could hide one another.
Expressions match the whole of a text. Paths are compared without their query, methods and values exactly.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple, cast
from urllib.parse import unquote

import msgspec

from lictor_core.entries.permissions import (
    IntentionJWT,
    JWTRequirement,
    Permission,
    PermissionHeader,
    PermissionHTTP,
    VerifyClaim,
)
from lictor_core.patterns import whole_match

__all__ = ["Judged", "RequestFacts", "can_allow", "is_for_all", "judge", "misses", "request_facts"]

_ESCAPED: Final = re.compile(r"%([0-9A-Fa-f]{2})")
_UNRESERVED: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_SLASHES: Final = frozenset("/\\")
_NO_TOKENS: Final[Mapping[str, Mapping[str, object]]] = {}


class RequestFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What rules can ask of a request. Make it from what came over the wire with `request_facts`.

    Names of headers are lower case; one that came several times has several values. `tokens` are the claims of verified
    tokens, by the name of the provider that verified them.
    """

    method: str = "GET"
    path: str = "/"
    headers: Mapping[str, tuple[str, ...]] = {}
    tokens: Mapping[str, Mapping[str, object]] = _NO_TOKENS


class Judged(NamedTuple):
    """What the rules about requests of one intention say.

    `permission` is the position of the one that decided; None when none did. `demanded` are the providers of whom a
    token was missing where that decided. `fell_through`: there are permissions, and none of them matched.
    """

    allowed: bool
    permission: int | None
    demanded: tuple[str, ...] = ()
    fell_through: bool = False


def request_facts(
    method: str,
    target: str,
    headers: Iterable[tuple[str, str]] = (),
    tokens: Mapping[str, Mapping[str, object]] = _NO_TOKENS,
) -> RequestFacts:
    """A request as rules see it: its path without query and tricks, as Envoy's normalisation makes it."""
    found: dict[str, tuple[str, ...]] = {}
    for name, value in headers:
        key = name.lower()
        found[key] = (*found.get(key, ()), value)
    return RequestFacts(method=method, path=_normal_path(target), headers=found, tokens=tokens)


def judge(
    permissions: tuple[Permission, ...], jwt: IntentionJWT | None, request: RequestFacts, *, otherwise: bool
) -> Judged:
    """The verdict on a request; `otherwise` is for what no permission matches. See the rules above.

    Raises `RequestError` for an expression that cannot be compiled.
    """
    judged = _by_permission(permissions, request, otherwise=otherwise) if permissions else Judged(True, None)
    if judged.allowed and jwt is not None and not _carries(jwt, request):
        return judged._replace(allowed=False, demanded=_names(jwt))
    return judged


def can_allow(permissions: tuple[Permission, ...], *, otherwise: bool) -> bool:
    """Whether some request could be allowed: what a connection alone can say."""
    for one in permissions:
        if one.action == "allow":
            return True
        if is_for_all(one):
            return False
    return otherwise


def is_for_all(permission: Permission) -> bool:
    """Whether every request matches, so that what comes after it is never looked at."""
    return permission.jwt is None and permission.http in (None, PermissionHTTP(), PermissionHTTP(path_prefix="/"))


def misses(permission: Permission, request: RequestFacts) -> str:
    """Why the request is not what the permission speaks of, in a few words; empty when it is."""
    return _http_misses(permission.http, request) or _token_misses(permission.jwt, request)


def _by_permission(permissions: tuple[Permission, ...], request: RequestFacts, *, otherwise: bool) -> Judged:
    demanded: dict[str, None] = {}
    for number, one in enumerate(permissions):
        if _http_misses(one.http, request):
            continue
        if one.jwt is None or _carries(one.jwt, request):
            return Judged(one.action == "allow", number)
        if one.action == "allow":
            demanded.update(dict.fromkeys(_names(one.jwt)))
    if demanded:
        return Judged(False, None, tuple(demanded))
    return Judged(otherwise, None, fell_through=True)


def _http_misses(http: PermissionHTTP | None, request: RequestFacts) -> str:
    if http is None:
        return ""
    if http.path_exact and request.path != http.path_exact:
        return f"the path is not {http.path_exact}"
    if http.path_prefix and not request.path.startswith(http.path_prefix):
        return f"the path does not begin with {http.path_prefix}"
    if http.path_regex and not whole_match(http.path_regex, request.path):
        return f"the path does not match {http.path_regex}"
    if http.methods and request.method not in http.methods:
        return f"the method is not {' or '.join(http.methods)}"
    for header in http.header:
        if _has(header, request) is header.invert:
            return _header_misses(header)
    return ""


def _has(header: PermissionHeader, request: RequestFacts) -> bool:
    values = _values(header.name, request)
    return bool(values) if header.present else any(_is_of_form(header, one) for one in values)


def _is_of_form(header: PermissionHeader, value: str) -> bool:
    if header.regex:
        return whole_match(header.regex, value)
    form = header.exact or header.prefix or header.suffix or header.contains
    if header.ignore_case:
        value, form = value.lower(), form.lower()
    if header.exact:
        return value == form
    if header.prefix:
        return value.startswith(form)
    return value.endswith(form) if header.suffix else form in value


def _values(name: str, request: RequestFacts) -> tuple[str, ...]:
    key = name.lower()
    if key == ":method":
        return (request.method,)
    if key == ":path":
        return (request.path,)
    return request.headers.get(key, ())


def _header_misses(header: PermissionHeader) -> str:
    name = header.name
    if header.present:
        return f"the header {name} is {'there' if header.invert else 'missing'}"
    forms = (
        ("is", header.exact),
        ("begins with", header.prefix),
        ("ends with", header.suffix),
        ("contains", header.contains),
        ("matches", header.regex),
    )
    verb, form = next(((verb, form) for verb, form in forms if form), ("is", ""))
    return f"the header {name} {verb} {form}" if header.invert else f"not so that the header {name} {verb} {form}"


def _token_misses(jwt: IntentionJWT | None, request: RequestFacts) -> str:
    if jwt is None or _carries(jwt, request):
        return ""
    return f"no token of {' or '.join(_names(jwt))} with what is demanded"


def _carries(jwt: IntentionJWT, request: RequestFacts) -> bool:
    return any(_is_met(one, request.tokens.get(one.name)) for one in jwt.providers)


def _is_met(requirement: JWTRequirement, claims: Mapping[str, object] | None) -> bool:
    return claims is not None and all(_claims(claims, one) for one in requirement.verify_claims)


def _claims(claims: Mapping[str, object], wanted: VerifyClaim) -> bool:
    found: object = claims
    for step in wanted.path:
        found = _inside(found, step)
    return isinstance(found, str) and found == wanted.value


def _inside(value: object, step: str) -> object:
    return cast("Mapping[str, object]", value).get(step) if isinstance(value, Mapping) else None


def _names(jwt: IntentionJWT) -> tuple[str, ...]:
    return tuple(one.name for one in jwt.providers)


def _normal_path(target: str) -> str:
    path = re.split(r"[?#]", target, maxsplit=1)[0]
    path = _ESCAPED.sub(_unescaped, path).replace("\\", "/")
    kept: list[str] = []
    steps = re.sub("/+", "/", path).split("/")
    for step in steps[1:]:
        if step == "..":
            if kept:
                kept.pop()
        elif step != ".":
            kept.append(step)
    if steps[-1] in (".", "..") and kept:
        kept.append("")
    return "/" + "/".join(kept)


def _unescaped(found: re.Match[str]) -> str:
    character = unquote(found.group())
    return character if character in _UNRESERVED or character in _SLASHES else found.group().upper()
