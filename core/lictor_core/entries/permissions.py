"""Permissions: rules of an intention about requests, and its demands on their tokens, as later Consul writes them.

Source: Consul's document `docs/connect/config-entries/service-intentions` (1.9 permissions, 1.16 JWT, 1.20 the header
forms `Contains` and `IgnoreCase`). What they mean is told by `lictor_core.request_judging`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec

from lictor_core.entries.base import Flaw, Part, place
from lictor_core.entries.matching import RequestMatch, match_flaws, one_form, repeated_methods, upper_methods
from lictor_core.errors import RequestError
from lictor_core.patterns import pattern_flaw

__all__ = [
    "PERMISSIONS_MAX",
    "IntentionJWT",
    "JWTRequirement",
    "Permission",
    "PermissionHTTP",
    "PermissionHeader",
    "VerifyClaim",
    "jwt_flaws",
    "normal_permission",
    "permission_flaws",
    "read_jwt",
    "read_permissions",
]

PERMISSIONS_MAX: Final = 500
"""Permissions of one source: a proxy looks at them one after the other for each request."""
_ACTIONS: Final = ("allow", "deny")
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "CONNECT", "OPTIONS", "TRACE"})
_FORMS: Final = "Present, Exact, Prefix, Suffix, Contains and Regex"


class VerifyClaim(Part, frozen=True, kw_only=True):
    """A claim that a token must have, by the steps to it, with its value, which is compared as text."""

    path: tuple[str, ...] = ()
    value: str = ""


class JWTRequirement(Part, frozen=True, kw_only=True):
    """Who must have issued a token, by the name of a jwt-provider, and what it must claim: all of it."""

    name: str = ""
    verify_claims: tuple[VerifyClaim, ...] = ()


class IntentionJWT(Part, frozen=True, kw_only=True):
    """That requests must carry a token of one of these providers."""

    providers: tuple[JWTRequirement, ...] = ()


class PermissionHeader(Part, frozen=True, kw_only=True):
    """A header that a request has in one of these forms, or with `invert` has not: a missing one then is a match."""

    name: str
    present: bool = False
    exact: str = ""
    prefix: str = ""
    suffix: str = ""
    contains: str = ""
    regex: str = ""
    invert: bool = False
    ignore_case: bool = False


class PermissionHTTP(Part, frozen=True, kw_only=True):
    """Which requests a permission speaks of: all of this must hold, and at most one of the paths is given."""

    path_exact: str = ""
    path_prefix: str = ""
    path_regex: str = ""
    header: tuple[PermissionHeader, ...] = ()
    methods: tuple[str, ...] = ()


class Permission(Part, frozen=True, kw_only=True):
    """Whether such requests may pass. The first permission that matches decides."""

    action: str = ""
    http: PermissionHTTP | None = msgspec.field(default=None, name="HTTP")
    jwt: IntentionJWT | None = msgspec.field(default=None, name="JWT")


def read_permissions(written: object) -> tuple[Permission, ...]:
    """Permissions as they are kept and sent. Raises `RequestError` for a form that this version does not know."""
    try:
        found = msgspec.convert(written, tuple[Permission, ...])
    except msgspec.ValidationError as error:
        raise RequestError(f"permissions that cannot be read: {error}") from None
    if any(one.action not in _ACTIONS for one in found):
        raise RequestError("permissions that cannot be read: an action is neither 'allow' nor 'deny'")
    return found


def read_jwt(written: object) -> IntentionJWT | None:
    """A demand on tokens as it is kept and sent. Raises `RequestError` for a form that this version does not know."""
    if written is None:
        return None
    try:
        found = msgspec.convert(written, IntentionJWT)
    except msgspec.ValidationError as error:
        raise RequestError(f"a demand on tokens that cannot be read: {error}") from None
    if not found.providers:
        raise RequestError("a demand on tokens that cannot be read: it names no provider")
    return found


def normal_permission(permission: Permission) -> Permission:
    """A permission as it is kept."""
    action = permission.action.lower()
    http = permission.http
    if http is not None and http.methods:
        http = msgspec.structs.replace(http, methods=upper_methods(http.methods))
    return msgspec.structs.replace(permission, action=action, http=http)


def permission_flaws(permission: Permission, where: str) -> Iterator[Flaw]:
    """What forbids a permission, looked at alone."""
    if permission.action not in _ACTIONS:
        yield Flaw(f"{where}.Action", f"is {permission.action!r}, and must be 'allow' or 'deny'")
    if permission.jwt is not None:
        yield from jwt_flaws(permission.jwt, f"{where}.JWT")
    http = permission.http
    if http is None or http == PermissionHTTP():
        if permission.jwt is None:
            yield Flaw(f"{where}.HTTP", "is required: say which requests are meant, or give the source an Action")
        return
    inside = f"{where}.HTTP"
    paths = RequestMatch(path_exact=http.path_exact, path_prefix=http.path_prefix, path_regex=http.path_regex)
    yield from match_flaws(paths, inside)
    if http.path_regex and (flaw := pattern_flaw(http.path_regex)):
        yield Flaw(f"{inside}.PathRegex", flaw)
    for number, header in enumerate(http.header):
        yield from _header_flaws(header, place(f"{inside}.Header", number))
    for method in sorted(set(http.methods) - _METHODS):
        yield Flaw(f"{inside}.Methods", f"{method!r} is no method of HTTP")
    yield from repeated_methods(http.methods, inside)


def _header_flaws(header: PermissionHeader, where: str) -> Iterator[Flaw]:
    forms = (header.present, header.exact, header.prefix, header.suffix, header.contains, header.regex)
    yield from one_form(header.name, forms, _FORMS, where)
    if header.ignore_case and (header.present or header.regex):
        yield Flaw(f"{where}.IgnoreCase", "has no meaning for Present and Regex: a regular expression takes (?i)")
    if header.regex and (flaw := pattern_flaw(header.regex)):
        yield Flaw(f"{where}.Regex", flaw)


def jwt_flaws(jwt: IntentionJWT, where: str) -> Iterator[Flaw]:
    """What forbids a demand on tokens, looked at alone."""
    if not jwt.providers:
        yield Flaw(f"{where}.Providers", "is empty: name who must have issued the token")
    seen: set[str] = set()
    for number, provider in enumerate(jwt.providers):
        here = place(f"{where}.Providers", number)
        if not provider.name:
            yield Flaw(f"{here}.Name", "is required")
        elif provider.name in seen:
            yield Flaw(f"{here}.Name", f"{provider.name!r} comes twice: merge the two")
        seen.add(provider.name)
        for claim_number, claim in enumerate(provider.verify_claims):
            if not claim.path or not all(claim.path):
                yield Flaw(place(f"{here}.VerifyClaims", claim_number) + ".Path", "is required, without empty steps")
