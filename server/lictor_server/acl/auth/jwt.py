"""Auth methods of type `jwt`: who shows a JSON Web Token of an issuer whose keys are known.

Signatures alone by public keys are taken: no `none`, nothing that is signed by a secret. Sources: Consul's document
`docs/security/acl/auth-methods/jwt`; RFC 7519, sections 4.1 and 7.2.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from types import SimpleNamespace
from typing import TYPE_CHECKING, Final, cast

from lictor_core.clock import Clock
from lictor_core.errors import AclRefusedError, PermissionDeniedError
from lictor_core.filter.fields import Field, Kind
from lictor_core.records import JsonObject
from lictor_server.acl.auth.asking import Asker, trusting
from lictor_server.acl.auth.config import Settings
from lictor_server.acl.auth.identity import Identity, Shape
from lictor_server.acl.auth.keys import FileKeys, KeySource, PemKeys, RemoteKeys, pem_key

if TYPE_CHECKING:
    from jwt.types import Options

__all__ = ["ALGORITHMS", "JwtValidator"]

ALGORITHMS: Final = ("ES256", "ES384", "ES512", "EdDSA", "PS256", "PS384", "PS512", "RS256", "RS384", "RS512")
_PUB_KEYS, _URL, _DISCOVERY, _FILE = "JWTValidationPubKeys", "JWKSURL", "OIDCDiscoveryURL", "JWKSFile"
_KEYS: Final = (
    "BoundAudiences", "BoundIssuer", "ClaimMappings", "ClockSkewLeeway", "ExpirationLeeway", _FILE,
    "JWKSCACert", _URL, "JWTSupportedAlgs", _PUB_KEYS, "ListClaimMappings", "NotBeforeLeeway",
    "OIDCDiscoveryCACert", _DISCOVERY,
)  # fmt: skip
_USUAL: Final = ("RS256",)
_NAME: Final = re.compile(r"[_a-zA-Z][\w-]*", re.ASCII)
_LEEWAY_S: Final = 150.0
"""For how long a token counts beyond the only time that it says, where that is all it says."""
_SKEW_S: Final = 60.0
_ITEMS_MAX: Final = 1024
"""Items of a claim that is a list."""
_DENIED: Final = "Permission denied: "


class JwtValidator:
    """One issuer."""

    def __init__(self, config: JsonObject, clock: Clock) -> None:
        """Raises `AclRefusedError` for settings that cannot work. Nobody is asked yet."""
        settings = Settings(config, _KEYS)
        self._clock = clock
        self._keys = _key_source(settings, clock)
        # A key in PEM says by its kind what it signs; of a set of keys RS256 is what is taken unless more is allowed.
        self._algorithms = settings.texts("JWTSupportedAlgs") or (ALGORITHMS if settings.texts(_PUB_KEYS) else _USUAL)
        for name in self._algorithms:
            if name not in ALGORITHMS:
                raise AclRefusedError(f"Invalid Auth Method: Invalid supported algorithm: {name[:64]}")
        self._issuer = settings.text("BoundIssuer")
        self._audiences = frozenset(settings.texts("BoundAudiences"))
        self._expiration_s = settings.leeway_s("ExpirationLeeway", _LEEWAY_S)
        self._not_before_s = settings.leeway_s("NotBeforeLeeway", _LEEWAY_S)
        self._skew_s = settings.leeway_s("ClockSkewLeeway", _SKEW_S)
        self._claims = _mapped(settings, "ClaimMappings")
        self._lists = _mapped(settings, "ListClaimMappings")
        self.shape = Shape(
            fields={
                "value": Field(Kind.RECORD, "value", {name: Field(Kind.TEXT, name) for name in self._claims.values()}),
                "list": Field(Kind.RECORD, "list", {name: Field(Kind.TEXTS, name) for name in self._lists.values()}),
            },
            variables=tuple(f"value.{name}" for name in self._claims.values()),
        )
        """What its identities are like."""

    async def validate(self, bearer_token: str) -> Identity:
        """Whom the token is about, when it is signed, of this issuer, for who asks, and of now."""
        claims = await self._verified(bearer_token)
        for name in ("iss", "jti", "sub"):
            if not isinstance(claims.get(name, ""), str):
                raise PermissionDeniedError(f"{_DENIED}the claim {name} is no text")
        if self._issuer and claims.get("iss") != self._issuer:
            raise PermissionDeniedError(f"{_DENIED}invalid issuer (iss) claim")
        self._check_audience(claims.get("aud"))
        self._check_times(claims)
        return self._identity(claims)

    async def _verified(self, token: str) -> JsonObject:
        import jwt  # with the first auth method

        try:
            header = cast("JsonObject", jwt.get_unverified_header(token))
        except (jwt.PyJWTError, UnicodeError, RecursionError):
            raise PermissionDeniedError(f"{_DENIED}failed to parse and validate JWT: it is none") from None
        if header.get("alg") not in self._algorithms:
            raise PermissionDeniedError(f"{_DENIED}the token is signed by an algorithm that this method does not take")
        id = header.get("kid")
        for key in await self._keys.keys(id if isinstance(id, str) else ""):
            try:
                found = jwt.decode(token, key.public, algorithms=list(self._algorithms), options=_SIGNATURE_ALONE)
                return cast("JsonObject", found)
            except (jwt.PyJWTError, TypeError, ValueError, RecursionError):
                continue  # of another key, or of another kind of key
        raise PermissionDeniedError(f"{_DENIED}no known key successfully validated the token signature")

    def _check_audience(self, claim: object) -> None:
        given = [claim] if isinstance(claim, str) else cast("list[object]", claim) if isinstance(claim, list) else []
        if not self._audiences and given:
            raise PermissionDeniedError(
                f"{_DENIED}audience claim found in JWT but no audiences are bound to the auth method"
            )
        if self._audiences and self._audiences.isdisjoint(one for one in given[:_ITEMS_MAX] if isinstance(one, str)):
            raise PermissionDeniedError(f"{_DENIED}invalid audience (aud) claim")

    def _check_times(self, claims: Mapping[str, object]) -> None:
        """A time that is missing follows from the others, and from how much leeway the method gives."""
        issued, begins, ends = (_time(claims, name) for name in ("iat", "nbf", "exp"))
        if issued is None and begins is None and ends is None:
            raise PermissionDeniedError(f"{_DENIED}no issue time, notBefore, or expiration time encoded in token")
        if ends is None:
            ends = max(one for one in (issued, begins) if one is not None) + self._expiration_s
        if begins is None:
            begins = issued if issued is not None else ends - self._not_before_s
        now, skew_s = self._clock.now(), self._skew_s
        if now >= ends + skew_s:
            raise PermissionDeniedError(f"{_DENIED}token is expired (exp)")
        if now < begins - skew_s:
            raise PermissionDeniedError(f"{_DENIED}token not valid yet (nbf)")
        if issued is not None and now < issued - skew_s:
            raise PermissionDeniedError(f"{_DENIED}token issued in the future (iat)")

    def _identity(self, claims: JsonObject) -> Identity:
        values = {name: _text(_found(claims, place), place) for place, name in self._claims.items()}
        lists = {name: _texts(_found(claims, place), place) for place, name in self._lists.items()}
        record = SimpleNamespace(value=SimpleNamespace(**values), list=SimpleNamespace(**lists))
        return Identity(record, {f"value.{name}": value for name, value in values.items()})


_SIGNATURE_ALONE: Final[Options] = {
    "verify_signature": True,
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
    "verify_aud": False,
    "verify_iss": False,
    "verify_sub": False,
    "verify_jti": False,
}
"""What is left to others: the rest is judged here, by the clock that is passed in."""


def _key_source(settings: Settings, clock: Clock) -> KeySource:
    texts = settings.texts(_PUB_KEYS)
    places = {key: settings.text(key) for key in (_URL, _DISCOVERY, _FILE)}
    if bool(texts) + sum(map(bool, places.values())) != 1:
        raise AclRefusedError(
            f"Invalid Auth Method: exactly one of '{_PUB_KEYS}', '{_URL}', or '{_DISCOVERY}' must be set for type "
            f"\"jwt\" (or Lictor's own '{_FILE}')"
        )
    if texts:
        return PemKeys([pem_key(text, f"{_PUB_KEYS}[{place}]") for place, text in enumerate(texts)])
    if places[_FILE]:
        return FileKeys(places[_FILE])
    is_provider = bool(places[_DISCOVERY])
    url = places[_DISCOVERY] or places[_URL]
    if not url.startswith(("https://", "http://")):
        raise AclRefusedError("Invalid Auth Method: keys are fetched from http:// or https:// alone")
    ca = "OIDCDiscoveryCACert" if is_provider else "JWKSCACert"
    flaw = f"error checking {ca}: could not parse CA PEM value successfully"
    return RemoteKeys(Asker(trusting(settings.text(ca), flaw)), url, clock, is_provider=is_provider)


def _mapped(settings: Settings, key: str) -> dict[str, str]:
    found = settings.pairs(key)
    for place, name in found.items():
        if not place or _NAME.fullmatch(name) is None:
            raise AclRefusedError(f"Invalid Auth Method: {key}: {name[:64]!r} is no name for a claim")
        if list(found.values()).count(name) > 1:
            raise AclRefusedError(f'Invalid Auth Method: {key} contains multiple mappings for key "{name}"')
    return found


def _time(claims: Mapping[str, object], name: str) -> float | None:
    """A time that a claim says, seconds since 1970; 0 is none, as in Consul."""
    value = claims.get(name)
    if value is None or value == 0:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise PermissionDeniedError(f"{_DENIED}the claim {name} is no time")
    return float(value)


def _found(claims: JsonObject, place: str) -> object:
    """A claim by name, or by JSON pointer (RFC 6901) where `place` begins with a slash."""
    if not place.startswith("/"):
        return claims.get(place)
    found: object = claims
    for part in place[1:].split("/"):
        found = _inside(found, part.replace("~1", "/").replace("~0", "~"))
    return found


def _inside(holder: object, part: str) -> object:
    if isinstance(holder, dict):
        return cast("JsonObject", holder).get(part)
    if isinstance(holder, list) and part.isdecimal():
        items = cast("list[object]", holder)
        return items[int(part)] if int(part) < len(items) else None
    return None


def _text(value: object, place: str) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, str | int | float):
        return str(value)  # also a fraction, which Consul cuts off: 1.5 is not 1
    raise PermissionDeniedError(f"{_DENIED}error converting claim '{place[:64]}' to string")


def _texts(value: object, place: str) -> tuple[str, ...]:
    if value is None:
        return ()
    items = cast("list[object]", value) if isinstance(value, list) else [value]
    return tuple(_text(one, place) for one in items[:_ITEMS_MAX])
