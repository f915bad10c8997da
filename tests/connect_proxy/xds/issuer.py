"""An issuer of tokens for tests: its public keys, which are always the same, and tokens that it signs."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Final

from lictor_core.records import JsonObject

__all__ = ["KEYS", "token"]

_SECRET: Final = b"a secret that only tests know: 256 bits or more"


def _written(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


KEYS: Final[JsonObject] = {"keys": [{"kty": "oct", "alg": "HS256", "kid": "one", "k": _written(_SECRET)}]}
"""A set of JSON web keys (RFC 7517) with a symmetric one, which Envoy takes as well."""


def token(issuer: str, *, secret: bytes = _SECRET, **claims: object) -> str:
    """A token (RFC 7519) that expires in the far future."""
    header = {"alg": "HS256", "typ": "JWT", "kid": "one"}
    body = {"iss": issuer, "sub": "somebody", "exp": 4_000_000_000, **claims}
    signed = ".".join(_written(json.dumps(part).encode()) for part in (header, body))
    return f"{signed}.{_written(hmac.new(secret, signed.encode(), hashlib.sha256).digest())}"
