"""Issuers of JWTs for tests, and an API server that knows service accounts, both over real connections."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import json
import ssl
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Final, cast

import jwt
from aiohttp import web
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from lictor_core.records import JsonObject
from tests.server.certificates import Authority
from tests.support.ports import free_port

__all__ = ["OWN", "ApiServer", "Issuer", "api_server", "forged", "secure_serving", "text_of"]

OWN: Final = ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in (b"{}", b"{}", b"own"))
"""A JWT as far as its form goes."""

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


class Issuer:
    """A key pair, and tokens that it signs."""

    def __init__(self, algorithm: str = "RS256", id: str = "") -> None:
        self.algorithm = algorithm
        self.id = id
        self.key: PrivateKey
        if algorithm.startswith("ES"):
            self.key = ec.generate_private_key({"ES256": ec.SECP256R1(), "ES384": ec.SECP384R1()}[algorithm])
        elif algorithm == "EdDSA":
            self.key = ed25519.Ed25519PrivateKey.generate()
        else:
            self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    @property
    def pem(self) -> str:
        """The public key."""
        encoding, form = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        return self.key.public_key().public_bytes(encoding, form).decode()

    @property
    def jwk(self) -> JsonObject:
        """The public key as a row of a key set."""
        maker = jwt.get_algorithm_by_name(self.algorithm)
        found = maker.to_jwk(self.key.public_key())
        return {**json.loads(found), "kid": self.id, "use": "sig"}

    def token(self, claims: JsonObject, *, algorithm: str = "") -> str:
        """A token that says `claims`."""
        headers = {"kid": self.id} if self.id else None
        return jwt.encode(claims, self.key, algorithm=algorithm or self.algorithm, headers=headers)


def forged(claims: JsonObject, header: JsonObject, secret: bytes = b"") -> str:
    """A token that a public key, taken for a secret, or nothing at all has signed."""
    text = b".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (header, claims))
    signature = hmac.new(secret, text, hashlib.sha256).digest() if secret else b""
    return (text + b"." + base64.urlsafe_b64encode(signature).rstrip(b"=")).decode()


class ApiServer:
    """Kubernetes, as far as it tells of service accounts."""

    def __init__(self, authority: Authority, directory: Path) -> None:
        self.accounts: dict[str, tuple[str, str, str]] = {}
        """Namespace, name and UID by token."""
        self.annotations: dict[str, str] = {}
        """The name of a service by name of an account."""
        self.asked: list[tuple[str, str]] = []
        """Path and proof of each request."""
        self.status = 200
        self.answer: object = None
        """What it answers instead, when it is there."""
        self.ca = Path(authority.ca_file).read_text()
        self._pair = authority.issue("kubernetes", ["kubernetes", "localhost"])
        self.host = ""

    @property
    def config(self) -> JsonObject:
        """The settings of an auth method that asks it."""
        return {"Host": self.host, "CACert": self.ca, "ServiceAccountJWT": OWN}

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncGenerator[ApiServer]:
        """It answers over TLS while the block runs."""
        application = web.Application()
        application.router.add_post("/apis/authentication.k8s.io/v1/tokenreviews", self._review)
        application.router.add_get("/api/v1/namespaces/{namespace}/serviceaccounts/{name}", self._account)
        port = free_port()
        async with secure_serving(application, port, self._pair.cert_file, self._pair.key_file):
            self.host = f"https://127.0.0.1:{port}"
            yield self

    def _note(self, request: web.Request) -> web.Response | None:
        self.asked.append((request.path, request.headers.get("Authorization", "")))
        if self.answer is not None or self.status != 200:
            return web.json_response(self.answer, status=self.status, headers={"Location": "http://127.0.0.1:1/"})
        return None

    async def _review(self, request: web.Request) -> web.Response:
        if (said := self._note(request)) is not None:
            return said
        body = cast("dict[str, dict[str, str]]", await request.json())
        found = self.accounts.get(body["spec"]["token"])
        if found is None:
            return web.json_response({"status": {"error": "no such token"}})
        user = {"username": f"system:serviceaccount:{found[0]}:{found[1]}", "uid": found[2]}
        return web.json_response({"status": {"authenticated": True, "user": user}}, status=201)

    async def _account(self, request: web.Request) -> web.Response:
        if (said := self._note(request)) is not None:
            return said
        named = self.annotations.get(request.match_info["name"])
        annotations = {} if named is None else {"consul.hashicorp.com/service-name": named}
        return web.json_response({"metadata": {"name": request.match_info["name"], "annotations": annotations}})


def text_of(path: str) -> str:
    """What a file holds."""
    return Path(path).read_text()


@contextlib.asynccontextmanager
async def api_server(directory: Path) -> AsyncGenerator[ApiServer]:
    """An API server with a CA of its own."""
    async with ApiServer(Authority(directory, "kube-ca"), directory).serving() as server:
        yield server


@contextlib.asynccontextmanager
async def secure_serving(
    application: web.Application, port: int, cert_file: str, key_file: str
) -> AsyncGenerator[None]:
    """`application` answers over TLS on `port` of 127.0.0.1."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert_file, key_file)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, ssl_context=context).start()
    try:
        yield
    finally:
        await runner.cleanup()
