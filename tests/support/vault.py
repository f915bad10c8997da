"""A Vault for tests: its HTTP API as far as a CA uses it, with engines that make real certificates.

From Vault's documents `api-docs/secret/pki`, `api-docs/system/mounts`, `api-docs/auth/token`. On request it is
sealed, silent, or lies. The time in certificates is that of a clock that the test gives.
"""

from __future__ import annotations

import asyncio
import datetime
import itertools
import json
import ssl
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from lictor_core.clock import Clock
from lictor_server.ca.keys import PrivateKey, new_key
from lictor_server.ca.roots import CA_USAGE

__all__ = ["TOKEN", "FakeVault", "vault_running"]

TOKEN: Final = "s.secret-token-of-the-mesh"
_SKEW: Final = datetime.timedelta(seconds=30)


@dataclass
class Engine:
    """One engine of certificates: its CA, once it has one, and the key that waits for a certificate."""

    max_ttl_s: float
    key: PrivateKey | None = None
    certificate: x509.Certificate | None = None
    waiting_key: PrivateKey | None = None
    roles: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])


class Refusal(Exception):
    """An answer of Vault that says no."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


class FakeVault:
    """What is in it, and what it is told to do wrong. `asked` are the requests, without bodies."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.engines: dict[str, Engine] = {}
        self.asked: list[str] = []
        self.address = ""
        self.sealed = False
        self.silent = asyncio.Event()
        self.silent.set()
        self.lies: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {}
        """By the end of a path, what becomes of an answer's data."""
        self.no_cross_signing = False
        self.token_ttl_s = 3600
        self.token_left_s = 3600
        self.renewals = 0
        self._serials = itertools.count(0x1000)

    async def handle(self, request: web.Request) -> web.Response:
        """One request."""
        path = request.path.removeprefix("/v1/")
        self.asked.append(f"{request.method} {path}")
        await self.silent.wait()
        body: dict[str, Any] = json.loads(await request.read() or b"{}") or {}
        try:
            if self.sealed:
                raise Refusal(503, "Vault is sealed")
            if request.headers.get("X-Vault-Token") != TOKEN:
                raise Refusal(403, "permission denied")
            answer = self._answer(request.method, path, body)
        except Refusal as refusal:
            return _json({"errors": [refusal.reason]}, refusal.status)
        if isinstance(answer, str):
            return web.Response(
                text=answer, content_type="application/pem-certificate-chain", status=200 if answer else 204
            )
        if answer is None:
            return web.Response(status=204)
        for end, lie in self.lies.items():
            if path.endswith(end):
                answer = lie(answer)
        return _json({"data": answer})

    def _answer(self, method: str, path: str, body: dict[str, Any]) -> dict[str, Any] | str | None:
        if path == "auth/token/lookup-self":
            return {"renewable": True, "ttl": self.token_left_s, "creation_ttl": self.token_ttl_s}
        if path == "auth/token/renew-self":
            self.renewals += 1
            self.token_left_s = self.token_ttl_s
            return {}
        if path == "sys/mounts":
            return {f"{name}/": {"type": "pki"} for name in self.engines}
        if path.startswith("sys/mounts/"):
            self._mount(method, path.removeprefix("sys/mounts/"), body)
            return None
        name = next((name for name in self.engines if path.startswith(f"{name}/")), None)
        if name is None:
            raise Refusal(404, f"no handler for route '{path}'")
        return self._in_engine(self.engines[name], path.removeprefix(f"{name}/"), body)

    def _mount(self, method: str, name: str, body: dict[str, Any]) -> None:
        if method == "DELETE":
            self.engines.pop(name, None)
        elif name in self.engines:
            raise Refusal(400, f"path is already in use at {name}/")
        else:
            self.engines[name] = Engine(_seconds(body["config"]["max_lease_ttl"]))

    def _in_engine(self, engine: Engine, path: str, body: dict[str, Any]) -> dict[str, Any] | str | None:
        match path.split("/"):
            case ["ca", "pem"]:
                return "" if engine.certificate is None else _pem(engine.certificate)
            case ["root", "generate", "internal"]:
                return self._root(engine, body)
            case ["root", "sign-intermediate"]:
                return self._sign_intermediate(engine, body)
            case ["root", "sign-self-issued"]:
                return self._sign_self_issued(engine, body)
            case ["intermediate", "generate", "internal"]:
                return self._request(engine, body)
            case ["intermediate", "set-signed"]:
                self._set_signed(engine, body)
                return None
            case ["roles", role]:
                engine.roles[role] = body
                return None
            case ["sign", role]:
                return self._leaf(engine, role, body)
            case _:
                raise Refusal(404, f"unsupported path {path}")

    def _root(self, engine: Engine, body: dict[str, Any]) -> dict[str, Any]:
        if engine.certificate is not None:
            raise Refusal(400, "already has a root")
        key = new_key(body["key_type"], body["key_bits"])
        name, names = _name(body["common_name"]), _uris(body["uri_sans"])
        engine.key = key
        engine.certificate = self._sign(key, name, name, key.public_key(), names, _seconds(body["ttl"]), authority=True)
        return {"certificate": _pem(engine.certificate)}

    def _request(self, engine: Engine, body: dict[str, Any]) -> dict[str, Any]:
        engine.waiting_key = new_key(body["key_type"], body["key_bits"])
        builder = x509.CertificateSigningRequestBuilder().subject_name(_name(body["common_name"]))
        builder = builder.add_extension(_uris(body["uri_sans"]), critical=False)
        return {"csr": builder.sign(engine.waiting_key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()}

    def _set_signed(self, engine: Engine, body: dict[str, Any]) -> None:
        certificate = x509.load_pem_x509_certificate(body["certificate"].encode())
        if engine.waiting_key is None or engine.waiting_key.public_key() != certificate.public_key():
            raise Refusal(400, "the certificate does not fit a key")
        engine.key, engine.certificate, engine.waiting_key = engine.waiting_key, certificate, None

    def _sign_intermediate(self, engine: Engine, body: dict[str, Any]) -> dict[str, Any]:
        key, issuer = _authority(engine)
        request = x509.load_pem_x509_csr(body["csr"].encode())
        names = request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        ttl_s = min(_seconds(body["ttl"]), engine.max_ttl_s)
        signed = self._sign(
            key, issuer.subject, request.subject, request.public_key(), names, ttl_s, authority=True, path_length=0
        )
        return {"certificate": _pem(signed), "issuing_ca": _pem(issuer)}

    def _sign_self_issued(self, engine: Engine, body: dict[str, Any]) -> dict[str, Any]:
        if self.no_cross_signing:
            raise Refusal(400, "key type mismatch")
        key, issuer = _authority(engine)
        given = x509.load_pem_x509_certificate(body["certificate"].encode())
        if given.subject != given.issuer:
            raise Refusal(400, "certificate is not self-issued")
        builder = (
            x509.CertificateBuilder()
            .serial_number(given.serial_number)
            .subject_name(given.subject)
            .issuer_name(issuer.subject)
            .public_key(given.public_key())
            .not_valid_before(given.not_valid_before_utc)
            .not_valid_after(given.not_valid_after_utc)
        )
        for extension in given.extensions:
            if not isinstance(extension.value, x509.AuthorityKeyIdentifier):
                builder = builder.add_extension(extension.value, extension.critical)
        return {"certificate": _pem(builder.sign(key, hashes.SHA256())), "issuing_ca": _pem(issuer)}

    def _leaf(self, engine: Engine, role: str, body: dict[str, Any]) -> dict[str, Any]:
        if role not in engine.roles:
            raise Refusal(400, f"unknown role: {role}")
        key, issuer = _authority(engine)
        request = x509.load_pem_x509_csr(body["csr"].encode())
        ttl_s = min(_seconds(body["ttl"]), _seconds(engine.roles[role]["max_ttl"]), engine.max_ttl_s)
        if self.clock.now() + ttl_s > issuer.not_valid_after_utc.timestamp():
            raise Refusal(400, "cannot satisfy request, as TTL would result in notAfter that is beyond the CA's")
        names = request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        leaf = self._sign(key, issuer.subject, request.subject, request.public_key(), names, ttl_s, authority=False)
        return {"certificate": _pem(leaf), "issuing_ca": _pem(issuer)}

    def _sign(
        self,
        key: PrivateKey,
        issuer: x509.Name,
        subject: x509.Name,
        public: Any,
        names: x509.SubjectAlternativeName,
        ttl_s: float,
        *,
        authority: bool,
        path_length: int | None = None,
    ) -> x509.Certificate:
        now = datetime.datetime.fromtimestamp(int(self.clock.now()), datetime.UTC)
        assert isinstance(public, ec.EllipticCurvePublicKey | rsa.RSAPublicKey)
        builder = (
            x509.CertificateBuilder()
            .serial_number(next(self._serials))
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(public)
            .not_valid_before(now - _SKEW)
            .not_valid_after(now + datetime.timedelta(seconds=ttl_s))
            .add_extension(x509.BasicConstraints(ca=authority, path_length=path_length), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
            .add_extension(names, critical=False)
        )
        if authority:
            builder = builder.add_extension(CA_USAGE, critical=True)
        return builder.sign(key, hashes.SHA256())


@asynccontextmanager
async def vault_running(clock: Clock, *, tls: ssl.SSLContext | None = None) -> AsyncGenerator[FakeVault]:
    """A Vault on a free port of loopback."""
    vault = FakeVault(clock)
    app = web.Application()
    app.router.add_route("*", "/v1/{path:.*}", vault.handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
    await site.start()
    vault.address = f"{'https' if tls else 'http'}://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield vault
    finally:
        vault.silent.set()
        await runner.cleanup()


def _json(value: object, status: int = 200) -> web.Response:
    """As Vault writes it: without a character set in the content type."""
    return web.Response(body=json.dumps(value), status=status, headers={"Content-Type": "application/json"})


def _authority(engine: Engine) -> tuple[PrivateKey, x509.Certificate]:
    if engine.key is None or engine.certificate is None:
        raise Refusal(500, "backend must be configured with a CA certificate/key")
    return engine.key, engine.certificate


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, common_name)])


def _uris(text: str) -> x509.SubjectAlternativeName:
    return x509.SubjectAlternativeName([x509.UniformResourceIdentifier(text)])


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(Encoding.PEM).decode()


def _seconds(text: str) -> float:
    assert text.endswith("s"), text
    return float(text[:-1])
