"""Access control as clients write it: texts of policies, of today's and the older words; tokens of issuers; selectors
and names of binding rules; keys. `RequestError`, `AclRefusedError`, `PermissionDeniedError`, and nobody is let in.
"""

from __future__ import annotations

import base64
import contextlib
import json
from collections.abc import Iterable
from functools import cache
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from lictor_core.acl.authorizer import Authorizer
from lictor_core.acl.denial import denial
from lictor_core.acl.granted import DefaultPolicy, GrantedPolicy, Grants
from lictor_core.acl.rules import Access, Resource
from lictor_core.errors import AclRefusedError, LictorError, PermissionDeniedError, RequestError
from lictor_core.keyring import parse_key
from lictor_core.records import JsonObject
from lictor_server.acl.auth.identity import check_selector, filled_in, is_selected
from lictor_server.acl.auth.jwt import JwtValidator
from lictor_server.acl.texts import legacy_rules, policy_rules, translated_text
from tests.fuzz.loop import finished
from tests.fuzz.shaping import Choices, anything
from tests.support.clock import ManualClock

_POLICIES: Final = (
    b'key_prefix "a/" { policy = "write" }\nkey "a/b" { policy = "deny" }\n'
    b'service "web" { policy = "read" intentions = "deny" }',
    b'acl = "write" operator = "read" keyring = "deny" mesh = "read"\n'
    b'node_prefix "" { policy = "list" }\nagent "n" { policy = "x" }',
    b'{"key": {"a": {"policy": "read"}}, "session_prefix": {"": {"policy": "write"}}, '
    b'"event": [{"e": {"policy": "read"}}]}',
    b'service "" { policy = "write" } key "foo/" { policy = "read" } query "q" { policy = "deny" } operator = "write"',
)
_KEY: Final = ec.derive_private_key(11, ec.SECP256R1())
_NOW_S: Final = 1_700_000_000
_ISSUER: Final = "https://issuer.example"
_CLAIMS: Final = ("iss", "aud", "exp", "nbf", "iat", "name", "groups", "deep", "sub", "jti")
_DENIED_CHARS_MAX: Final = 4096


def run(data: bytes) -> None:
    """One of the decoders."""
    choices = Choices(data)
    match choices.below(5):
        case 0 | 1:
            _judge(choices)
        case 2:
            _vouch(choices, choices.rest().decode("utf-8", "surrogateescape"))
        case 3:
            _vouch(choices, _signed(choices))
        case _:
            _bind(choices)


def _judge(choices: Choices) -> None:
    policy, default = choices.byte() & 1, choices.among((DefaultPolicy.DENY, DefaultPolicy.ALLOW))
    resource, access = choices.among(tuple(Resource)), choices.among((Access.READ, Access.LIST, Access.WRITE))
    name = choices.some(choices.below(8)).decode("utf-8", "replace")
    text = choices.rest().decode("utf-8", "surrogateescape")
    try:
        rules = (policy_rules if policy else legacy_rules)(text)
    except LictorError as error:
        str(error).encode(errors="replace")
        return
    grants = Grants(accessor_id="a", policies=(GrantedPolicy(name="p", rules=rules),), default=default)
    authorizer = Authorizer(grants)
    judgement = authorizer.judge(resource, name, access)
    assert judgement.allowed == authorizer.allows(resource, name, access), "it is explained otherwise than judged"
    if not judgement.allowed:
        assert len(denial(judgement)) < _DENIED_CHARS_MAX + 2 * len(text)
    if authorizer.sees_all(resource, access):
        assert authorizer.allows(resource, name, access), "who may see all may not see one"
    if not policy:
        with contextlib.suppress(RequestError):  # whether it makes sense, who translates it does not ask
            policy_rules(translated_text(text))


def _vouch(choices: Choices, token: str) -> None:
    try:
        identity = finished(_validator().validate(token))
    except PermissionDeniedError as error:
        if len(token) > 8 and token in str(error):
            raise AssertionError("a refusal repeats the token") from error
        return
    is_selected('value.name == "web" or "a" in list.groups', _validator().shape, identity)


@cache
def _validator() -> JwtValidator:
    public = _KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    config: JsonObject = {
        "JWTValidationPubKeys": [public],
        "BoundIssuer": _ISSUER,
        "BoundAudiences": ["lictor"],
        "ClaimMappings": {"name": "name", "/deep/er": "inner"},
        "ListClaimMappings": {"groups": "groups"},
    }
    return JwtValidator(config, ManualClock(now=_NOW_S))


def _signed(choices: Choices) -> str:
    """A token with a good signature and any claims, or without one."""
    claims: dict[str, object] = {"iss": _ISSUER, "aud": "lictor", "exp": _NOW_S + 60, "name": "web", "groups": ["a"]}
    for _ in range(choices.below(4)):
        claims[choices.among(("iss", "aud", "exp", "nbf", "iat", "name", "groups", "deep", "sub", "jti"))] = anything(
            choices
        )
    header: dict[str, object] = {"alg": "ES256", "typ": "JWT"}
    if choices.byte() > 200:
        header[choices.among(("alg", "typ", "kid", "crit", "jku", "b64"))] = anything(choices)
    try:
        said = f"{_url(json.dumps(header).encode())}.{_url(json.dumps(claims).encode())}"
    except RecursionError:
        return ""
    r, s = decode_dss_signature(_KEY.sign(said.encode(), ec.ECDSA(SHA256())))
    return f"{said}.{_url(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


def _url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _bind(choices: Choices) -> None:
    text = choices.some(choices.byte()).decode("utf-8", "replace")
    with contextlib.suppress(AclRefusedError):
        check_selector(text, _validator().shape)
    with contextlib.suppress(RequestError):
        filled_in(text, {"value.name": "web"})
    with contextlib.suppress(RequestError):
        parse_key(text)


def seeds() -> Iterable[bytes]:
    """Policies, tokens, selectors, names and keys."""
    for text in _POLICIES:
        yield b"\x00\x01\x00\x04\x01\x03a/b" + text
        yield b"\x00\x00\x01\x04\x01\x02fo" + text
    yield b"\x02" + _signed(Choices(b"")).encode()
    for number in range(6):
        yield bytes([3, number, number * 7, 2, number * 31 % 256, 9, 220, 3, 1, 2, 3])
    for text in (b'value.name == "web" and "a" in list.groups', b"${value.name}-x", b"aGVsbG8gd29ybGQgaGVsbG8gd28="):
        yield b"\x04" + bytes([len(text)]) + text
