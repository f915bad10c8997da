"""Public keys by which JWTs are verified: from PEM, from key sets (RFC 7517), by a file or over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Protocol, cast

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from lictor_core.clock import Clock
from lictor_core.codec import from_json
from lictor_core.errors import AclRefusedError, PeerError, RequestError
from lictor_server.acl.auth.asking import ANSWER_BYTES_MAX, Asker

__all__ = ["AGE_S_MAX", "KEYS_MAX", "REFETCH_S_MIN", "FileKeys", "Key", "KeySource", "PemKeys", "RemoteKeys", "pem_key"]

KEYS_MAX: Final = 64
"""Keys of one set; further ones are not looked at."""
AGE_S_MAX: Final = 300.0
"""For how long keys that were fetched are believed: one that was withdrawn verifies nothing afterwards."""
REFETCH_S_MIN: Final = 5.0
"""A key that is not known has its set fetched again, but not more often than this, whoever makes up keys."""

PublicKey = RSAPublicKey | EllipticCurvePublicKey | Ed25519PublicKey


class Key:
    """A public key; `id` is empty where it has none."""

    __slots__ = ("id", "public")

    def __init__(self, id: str, public: PublicKey) -> None:
        self.id = id
        self.public = public


class KeySource(Protocol):
    """Where keys are from."""

    async def keys(self, id: str) -> Sequence[Key]:
        """Those by which something that names the key `id` may be signed. Raises `PeerError` when they are not to be
        had."""
        ...


def pem_key(text: str, where: str) -> Key:
    """The key, or the key of the certificate, in `text`. Raises `AclRefusedError`, naming `where`, for neither."""
    data = text.encode(errors="replace")
    try:
        if b"BEGIN CERTIFICATE" in data:
            return Key("", _usable(x509.load_pem_x509_certificate(data).public_key()))
        return Key("", _usable(load_pem_public_key(data)))
    except (ValueError, TypeError) as error:
        raise AclRefusedError(
            f"Invalid Auth Method: error parsing public key {where}: data does not contain any valid RSA, ECDSA, or "
            "ED25519 public keys"
        ) from error


class PemKeys:
    """Keys that the method itself names: each may have signed."""

    def __init__(self, keys: Sequence[Key]) -> None:
        self._keys = tuple(keys)

    async def keys(self, id: str) -> Sequence[Key]:
        """All of them."""
        return self._keys


class FileKeys:
    """The key set in a file of each server, read for each login: it is the operator's to replace."""

    def __init__(self, path: str) -> None:
        self._path = Path(path)

    async def keys(self, id: str) -> Sequence[Key]:
        """Those of the file that have this id, or none."""
        try:
            text = await asyncio.to_thread(self._read)
        except OSError as error:
            raise PeerError(f"the key set {self._path} cannot be read: {error.strerror}") from None
        return _fitting(_key_set(text, str(self._path)), id)

    def _read(self) -> bytes:
        with self._path.open("rb") as file:
            return file.read(ANSWER_BYTES_MAX)


class RemoteKeys:
    """The key set at a URL, or where an OpenID provider says that it is."""

    def __init__(self, asker: Asker, url: str, clock: Clock, *, is_provider: bool = False) -> None:
        """With `is_provider` the URL is that of the provider (OpenID Connect Discovery 1.0, section 4)."""
        self._asker = asker
        self._url = url
        self._clock = clock
        self._is_provider = is_provider
        self._known: tuple[Key, ...] = ()
        self._fetched_at: float | None = None
        self._lock = asyncio.Lock()

    async def keys(self, id: str) -> Sequence[Key]:
        """Those that have this id, or none; fetched again where none has it, or they are old."""
        async with self._lock:
            age_s = None if self._fetched_at is None else self._clock.monotonic() - self._fetched_at
            is_known = bool(_fitting(self._known, id))
            if age_s is None or age_s >= AGE_S_MAX or (not is_known and age_s >= REFETCH_S_MIN):
                self._known = await self._fetched()
                self._fetched_at = self._clock.monotonic()
        return _fitting(self._known, id)

    async def _fetched(self) -> tuple[Key, ...]:
        url = self._url
        if self._is_provider:
            found = await self._asker.get(f"{url.rstrip('/')}/.well-known/openid-configuration")
            if found.get("issuer") != url:
                raise PeerError(f"the provider at {url} says that it is another one")
            url = str(found.get("jwks_uri", ""))
            allowed = ("https://",) if self._url.startswith("https:") else ("https://", "http://")
            if not url.startswith(allowed):
                raise PeerError(f"the provider at {self._url} has its keys where they are not to be trusted")
        return _keys_in(await self._asker.get(url), url)


def _key_set(data: bytes, where: str) -> tuple[Key, ...]:
    try:
        return _keys_in(from_json(data, dict[str, object]), where)
    except RequestError:
        raise PeerError(f"{where} holds no key set") from None  # nor a word of what it holds instead


def _keys_in(found: dict[str, object], where: str) -> tuple[Key, ...]:
    rows = found.get("keys")
    if not isinstance(rows, list):
        raise PeerError(f"{where} holds no key set")
    keys = (_key(row) for row in cast("list[object]", rows)[:KEYS_MAX])
    return tuple(key for key in keys if key is not None)


def _key(row: object) -> Key | None:
    """A key that can verify; None for another one: sets hold keys of many kinds."""
    import jwt  # with the first auth method

    if not isinstance(row, dict):
        return None
    fields = cast("dict[str, object]", row)
    if fields.get("use", "sig") != "sig" or fields.get("kty") == "oct":
        return None
    try:
        return Key(str(fields.get("kid", "")), _usable(cast("object", jwt.PyJWK.from_dict(fields).key)))
    except (jwt.PyJWTError, ValueError, TypeError):
        return None


def _usable(key: object) -> PublicKey:
    if isinstance(key, RSAPublicKey | EllipticCurvePublicKey | Ed25519PublicKey):
        return key
    raise ValueError("no public key that signs tokens")


def _fitting(keys: Sequence[Key], id: str) -> Sequence[Key]:
    return [key for key in keys if not id or not key.id or key.id == id]
