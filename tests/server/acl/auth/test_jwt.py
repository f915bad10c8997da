"""JWTs: whose are believed, and for how long. Verdicts are those of Consul 1.8.7 for the same tokens."""

from __future__ import annotations

import json
from operator import attrgetter
from pathlib import Path

import pytest

from lictor_core.errors import AclRefusedError, PeerError, PermissionDeniedError
from lictor_core.records import JsonObject
from lictor_server.acl.auth.identity import Identity
from lictor_server.acl.auth.jwt import ALGORITHMS, JwtValidator
from tests.server.acl.auth.issuers import Issuer, forged
from tests.support.clock import ManualClock

ISSUER, OTHER = Issuer(), Issuer()
CLOCK = ManualClock()
NOW = CLOCK.now()
CLAIMS: JsonObject = {
    "iss": "issuer", "aud": "lictor", "sub": "bob", "iat": NOW, "exp": NOW + 100, "nested": {"x": ["y", "z"]},
    "num": 5, "flag": True, "groups": ["a", "b"], "a/b": "slash",
}  # fmt: skip
CONFIG: JsonObject = {
    "JWTValidationPubKeys": [ISSUER.pem],
    "BoundIssuer": "issuer",
    "BoundAudiences": ["lictor", "other"],
    "ClaimMappings": {"sub": "name", "/nested/x/1": "nested", "num": "num", "flag": "flag", "/a~1b": "a_b"},
    "ListClaimMappings": {"groups": "groups"},
}


def without(claims: JsonObject, *names: str) -> JsonObject:
    return {name: value for name, value in claims.items() if name not in names}


def validator(**changes: object) -> JwtValidator:
    return JwtValidator({**CONFIG, **changes}, CLOCK)


async def vouched(token: str, **changes: object) -> Identity:
    return await validator(**changes).validate(token)


async def is_taken(token: str, **changes: object) -> bool:
    return "value.name" in (await vouched(token, **changes)).variables


async def denied(token: str, **changes: object) -> str:
    with pytest.raises(PermissionDeniedError) as caught:
        await validator(**changes).validate(token)
    return str(caught.value).removeprefix("Permission denied: ")


async def test_claims_become_variables_by_name_and_by_pointer() -> None:
    found = await vouched(ISSUER.token(CLAIMS))
    assert found.variables == {
        "value.name": "bob", "value.nested": "z", "value.num": "5", "value.flag": "true", "value.a_b": "slash"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("groups", "expected"),
    [(["a", "b"], ("a", "b")), ("a", ("a",)), ([1, True, "x"], ("1", "true", "x")), (None, ()), ([], ())],
)
async def test_lists_are_lists_however_they_are_written(groups: object, expected: tuple[str, ...]) -> None:
    found = await vouched(ISSUER.token({**CLAIMS, "groups": groups}))
    assert attrgetter("list.groups")(found.record) == expected


async def test_a_claim_that_is_not_there_is_an_empty_text() -> None:
    found = await vouched(ISSUER.token(without(CLAIMS, "sub", "nested")))
    assert (found.variables["value.name"], found.variables["value.nested"]) == ("", "")


@pytest.mark.parametrize(("value", "text"), [(5, "5"), (5.0, "5"), (1.5, "1.5"), (False, "false"), (-1, "-1")])
async def test_numbers_and_truths_become_texts(value: object, text: str) -> None:
    assert (await vouched(ISSUER.token({**CLAIMS, "num": value}))).variables["value.num"] == text


@pytest.mark.parametrize("value", [{}, ["x"]])
async def test_a_claim_that_is_no_text_is_refused(value: object) -> None:
    assert await denied(ISSUER.token({**CLAIMS, "num": value})) == "error converting claim 'num' to string"


@pytest.mark.parametrize(
    "token",
    [
        OTHER.token(CLAIMS),
        forged(CLAIMS, {"alg": "RS256"}),
        ISSUER.token(CLAIMS)[:-8] + "AAAAAAAA",
        ISSUER.token(CLAIMS).rpartition(".")[0] + ".",
    ],
)
async def test_what_nobody_known_has_signed_is_refused(token: str) -> None:
    assert await denied(token) == "no known key successfully validated the token signature"


@pytest.mark.parametrize(
    "token",
    [
        forged(CLAIMS, {"alg": "HS256"}, ISSUER.pem.encode()),
        forged(CLAIMS, {"alg": "none"}),
        forged(CLAIMS, {"alg": "None"}),
        forged(CLAIMS, {"alg": ["RS256"]}),
        forged(CLAIMS, {}),
    ],
)
async def test_a_public_key_is_no_secret_and_nothing_is_no_signature(token: str) -> None:
    assert await denied(token) in (
        "the token is signed by an algorithm that this method does not take",
        "failed to parse and validate JWT: it is none",
    )


@pytest.mark.parametrize("token", ["", "zz", "a.b.c", "..", "\ud800.x.y", "x" * 1000, "e30.e30.", "bnVsbA.bnVsbA."])
async def test_what_is_no_jwt_is_refused(token: str) -> None:
    assert await denied(token)


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({**CLAIMS, "iss": "x"}, "invalid issuer (iss) claim"),
        (without(CLAIMS, "iss"), "invalid issuer (iss) claim"),
        ({**CLAIMS, "aud": ["x"]}, "invalid audience (aud) claim"),
        ({**CLAIMS, "aud": [["lictor"]]}, "invalid audience (aud) claim"),
        (without(CLAIMS, "aud"), "invalid audience (aud) claim"),
        ({**CLAIMS, "iat": NOW - 1000, "exp": NOW - 60}, "token is expired (exp)"),
        ({**CLAIMS, "nbf": NOW + 61}, "token not valid yet (nbf)"),
        ({**CLAIMS, "iat": NOW + 61}, "token not valid yet (nbf)"),
        ({**CLAIMS, "nbf": NOW, "iat": NOW + 61}, "token issued in the future (iat)"),
        (without(CLAIMS, "iat", "exp"), "no issue time, notBefore, or expiration time encoded in token"),
        ({**CLAIMS, "iat": 0, "exp": 0}, "no issue time, notBefore, or expiration time encoded in token"),
        ({**without(CLAIMS, "exp"), "iat": NOW - 210}, "token is expired (exp)"),
        ({**without(CLAIMS, "iat"), "exp": NOW + 211}, "token not valid yet (nbf)"),
        ({**CLAIMS, "sub": 5}, "the claim sub is no text"),
        ({**CLAIMS, "iss": ["issuer"]}, "the claim iss is no text"),
        ({**CLAIMS, "exp": "never"}, "the claim exp is no time"),
        ({**CLAIMS, "exp": True}, "the claim exp is no time"),
        ({**CLAIMS, "exp": [1]}, "the claim exp is no time"),
    ],
)
async def test_what_is_not_of_now_nor_for_us_is_refused(claims: JsonObject, reason: str) -> None:
    # PyJWT itself refuses to write some of these.
    token = ISSUER.token(without(claims, "exp", "iss"))
    if claims.get("exp") is not None or "iss" in claims:
        token = _signed(claims)
    assert await denied(token) == reason


def _signed(claims: JsonObject) -> str:
    import jwt

    return jwt.PyJWS().encode(json.dumps(claims).encode(), ISSUER.key, algorithm="RS256")


@pytest.mark.parametrize(
    "claims",
    [
        {**CLAIMS, "iat": NOW - 1000, "exp": NOW - 59},
        {**CLAIMS, "nbf": NOW + 59},
        {**without(CLAIMS, "exp"), "iat": NOW - 209},
        {**without(CLAIMS, "iat"), "exp": NOW + 209},
        {**CLAIMS, "aud": ["x", "other"]},
    ],
)
async def test_leeways_are_consuls(claims: JsonObject) -> None:
    assert await is_taken(_signed(claims))


async def test_leeways_can_be_set_and_taken_away() -> None:
    late = _signed({**CLAIMS, "iat": NOW - 1000, "exp": NOW - 1})
    assert await denied(late, ClockSkewLeeway="-1s") == "token is expired (exp)"
    assert await is_taken(late, ClockSkewLeeway=5_000_000_000)
    alone = _signed({**without(CLAIMS, "exp"), "iat": NOW - 80})
    assert await denied(alone, ExpirationLeeway="10s") == "token is expired (exp)"
    assert await is_taken(alone, ExpirationLeeway="30s")
    early = _signed({**without(CLAIMS, "iat"), "exp": NOW + 80})
    assert await denied(early, NotBeforeLeeway="10s") == "token not valid yet (nbf)"


async def test_without_bounds_any_issuer_is_taken_but_a_token_for_somebody_else_is_not() -> None:
    bare: JsonObject = {"BoundIssuer": "", "BoundAudiences": []}
    assert await is_taken(_signed(without(CLAIMS, "iss", "aud")), **bare)
    assert "no audiences are bound" in await denied(_signed(CLAIMS), **bare)


@pytest.mark.parametrize("algorithm", ["RS256", "RS512", "PS256", "ES256", "ES384", "EdDSA"])
async def test_a_pem_says_by_its_kind_what_it_signs(algorithm: str) -> None:
    issuer = Issuer(algorithm)
    token = issuer.token(CLAIMS)
    assert await is_taken(token, JWTValidationPubKeys=[OTHER.pem, issuer.pem])
    others = [one for one in ALGORITHMS if one != algorithm]
    assert "algorithm" in await denied(token, JWTValidationPubKeys=[issuer.pem], JWTSupportedAlgs=others)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"JWTValidationPubKeys": []}, "exactly one of 'JWTValidationPubKeys', 'JWKSURL', or 'OIDCDiscoveryURL' must"),
        ({"JWKSURL": "https://x"}, "exactly one of"),
        ({"JWKSFile": "/x"}, "exactly one of"),
        (
            {"JWTValidationPubKeys": ["zz"]},
            "error parsing public key JWTValidationPubKeys[0]: data does not contain any valid RSA, ECDSA, or ED25519",
        ),
        ({"JWTSupportedAlgs": ["HS256"]}, "Invalid supported algorithm: HS256"),
        ({"JWTSupportedAlgs": ["none"]}, "Invalid supported algorithm: none"),
        ({"Foo": 1}, "error decoding config: 1 error(s) decoding: * '' has invalid keys: Foo"),
        ({"OIDCClientID": "x"}, "has invalid keys: OIDCClientID"),
        ({"ClaimMappings": {"a": "x", "b": "x"}}, 'ClaimMappings contains multiple mappings for key "x"'),
        ({"ListClaimMappings": {"a": "x", "b": "x"}}, 'ListClaimMappings contains multiple mappings for key "x"'),
        ({"ClaimMappings": {"a": "x.y"}}, "'x.y' is no name for a claim"),
        ({"ClaimMappings": {"": "x"}}, "is no name for a claim"),
        ({"ClaimMappings": ["x"]}, "ClaimMappings must be a mapping"),
        ({"BoundAudiences": "x"}, "BoundAudiences must be a list"),
        ({"BoundAudiences": [1]}, "BoundAudiences must be a list of texts"),
        ({"BoundIssuer": 5}, "BoundIssuer must be a text"),
        ({"ExpirationLeeway": "zz"}, "ExpirationLeeway: invalid duration"),
        ({"ExpirationLeeway": True}, "ExpirationLeeway must be a duration"),
        ({"JWTValidationPubKeys": [], "JWKSURL": "file:///etc/passwd"}, "from http:// or https:// alone"),
        (
            {"JWTValidationPubKeys": [], "JWKSURL": "https://x", "JWKSCACert": "zz"},
            "error checking JWKSCACert: could not parse CA PEM value successfully",
        ),
    ],
)
def test_settings_that_cannot_work_are_refused(changes: JsonObject, message: str) -> None:
    with pytest.raises(AclRefusedError) as caught:
        validator(**changes)
    assert str(caught.value).startswith("Invalid Auth Method: ")
    assert message in str(caught.value)


async def test_keys_of_a_file_are_read_for_each_login(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    one, two = Issuer(id="1"), Issuer(id="2")
    file.write_text(json.dumps({"keys": [one.jwk]}))
    settings: JsonObject = {"JWTValidationPubKeys": [], "JWKSFile": str(file)}
    assert await is_taken(one.token(CLAIMS), **settings)
    assert "no known key" in await denied(two.token(CLAIMS), **settings)
    file.write_text(json.dumps({"keys": [two.jwk]}))
    assert await is_taken(two.token(CLAIMS), **settings)
    file.write_text("root:secret")
    with pytest.raises(PeerError) as caught:
        await vouched(two.token(CLAIMS), **settings)
    assert "secret" not in str(caught.value)
    file.unlink()
    with pytest.raises(PeerError, match="cannot be read"):
        await vouched(two.token(CLAIMS), **settings)


async def test_a_set_of_keys_takes_rs256_alone_unless_more_is_allowed(tmp_path: Path) -> None:
    file, issuer = tmp_path / "keys.json", Issuer("ES256", id="1")
    file.write_text(json.dumps({"keys": [issuer.jwk]}))
    settings: JsonObject = {"JWTValidationPubKeys": [], "JWKSFile": str(file)}
    assert "algorithm" in await denied(issuer.token(CLAIMS), **settings)
    assert await is_taken(issuer.token(CLAIMS), **settings, JWTSupportedAlgs=["ES256"])
