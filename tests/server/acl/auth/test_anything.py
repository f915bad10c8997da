"""Whatever is shown or set: what comes of it is an answer or an error of ours, in bounded time."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json

import jwt
from hypothesis import given, settings
from hypothesis import strategies as st

from lictor_core.acl.times import seconds_of
from lictor_core.errors import AclRefusedError, PermissionDeniedError
from lictor_server.acl.auth.identity import Shape, check_selector
from lictor_server.acl.auth.jwt import JwtValidator
from lictor_server.acl.auth.kinds import Validators
from tests.server.acl.auth.issuers import Issuer
from tests.server.build_acl import auth_method
from tests.support.clock import ManualClock
from tests.support.strategies import json_values

ISSUER = Issuer()
CLOCK = ManualClock()
VALIDATOR = JwtValidator(
    {
        "JWTValidationPubKeys": [ISSUER.pem],
        "ClaimMappings": {"sub": "name", "/a/0/b": "deep"},
        "ListClaimMappings": {"groups": "groups"},
    },
    CLOCK,
)
_KEYS = (
    "iss",
    "aud",
    "sub",
    "iat",
    "nbf",
    "exp",
    "jti",
    "a",
    "groups",
    "alg",
    "kid",
    "typ",
    "crit",
    "b64",
    "jwk",
    "x5c",
)
_SETTINGS = ("JWTValidationPubKeys", "JWKSURL", "JWKSCACert", "Host", "CACert", "ServiceAccountJWT", "ClaimMappings")
claims = st.dictionaries(st.sampled_from(_KEYS), json_values(), max_size=6)


def part(value: object) -> str:
    text = json.dumps(value).encode("utf-8", "surrogatepass")
    return base64.urlsafe_b64encode(text).decode().rstrip("=")


def judged(token: str) -> None:
    with contextlib.suppress(PermissionDeniedError):
        asyncio.run(VALIDATOR.validate(token))


@given(st.text() | st.lists(st.text(), min_size=3, max_size=3).map(".".join))
@settings(deadline=None, max_examples=60)
def test_any_text_is_no_token(text: str) -> None:
    judged(text)


@given(claims, claims)
@settings(deadline=None, max_examples=60)
def test_any_header_and_claims_are_judged(header: dict[str, object], body: dict[str, object]) -> None:
    judged(f"{part({'alg': 'RS256', **header})}.{part(body)}.AAAA")


@given(claims)
@settings(deadline=None, max_examples=60)
def test_any_claims_of_a_known_issuer_are_judged(body: dict[str, object]) -> None:
    judged(jwt.PyJWS().encode(json.dumps(body).encode("utf-8", "surrogatepass"), ISSUER.key, algorithm="RS256"))


@given(
    st.sampled_from(("jwt", "kubernetes", "other")),
    st.dictionaries(st.sampled_from((*_SETTINGS, "x")), json_values(), max_size=4),
)
@settings(deadline=None, max_examples=60)
def test_any_settings_are_judged(kind: str, config: dict[str, object]) -> None:
    with contextlib.suppress(AclRefusedError):
        Validators(CLOCK).made(auth_method("m", type=kind, config=config))


@given(st.text())
@settings(deadline=None, max_examples=60)
def test_any_time_and_selector_are_judged(text: str) -> None:
    for judge in (lambda: seconds_of(text), lambda: check_selector(text, Shape({}, ()))):
        with contextlib.suppress(AclRefusedError):
            judge()
