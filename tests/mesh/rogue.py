"""Peers that should be refused: certificates that are nearly right, and who shows them."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import ssl
import tempfile
from collections.abc import AsyncGenerator

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

__all__ = ["CertificateAuthority", "impostor"]

_DAY = datetime.timedelta(days=1)


class CertificateAuthority:
    """A root with its key. Two of them trust nothing of one another."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a root that tests hold the key of")])
        self._certificate = (
            self._builder(self._name, self._key.public_key(), _DAY * 365)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(_usage(is_ca=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self._key.public_key()), critical=False)
            .sign(self._key, hashes.SHA256())
        )

    @property
    def pem(self) -> str:
        """The root."""
        return self._certificate.public_bytes(serialization.Encoding.PEM).decode()

    @property
    def key_pem(self) -> str:
        """Its private key."""
        return _key_pem(self._key)

    def context(self, *uris: str, server: bool = False, lasts: datetime.timedelta = _DAY) -> ssl.SSLContext:
        """Who shows a leaf with these names, or no certificate where there are none; with a negative `lasts` it has
        expired. It asks nobody who they are."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if server else ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        if uris:
            key = ec.generate_private_key(ec.SECP256R1())
            names = [x509.UniformResourceIdentifier(uri) for uri in uris]
            usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH])
            name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "leaf")])
            leaf = (
                self._builder(name, key.public_key(), lasts)
                .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
                .add_extension(_usage(is_ca=False), critical=True)
                .add_extension(usage, critical=False)
                .add_extension(x509.SubjectAlternativeName(names), critical=False)
                .sign(self._key, hashes.SHA256())
            )
            with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
                file.write(leaf.public_bytes(serialization.Encoding.PEM).decode() + _key_pem(key))
                file.flush()
                context.load_cert_chain(file.name)
        return context

    def _builder(
        self, name: x509.Name, key: ec.EllipticCurvePublicKey, lasts: datetime.timedelta
    ) -> x509.CertificateBuilder:
        now = datetime.datetime.now(datetime.UTC)  # noqa: TID251 certificates are checked by OpenSSL's own clock
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - 2 * _DAY)
            .not_valid_after(now + lasts)
        )


def _key_pem(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    ).decode()


def _usage(*, is_ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=not is_ca,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=is_ca,
        crl_sign=is_ca,
        encipher_only=False,
        decipher_only=False,
    )


@contextlib.asynccontextmanager
async def impostor(port: int, context: ssl.SSLContext, greeting: bytes) -> AsyncGenerator[None]:
    """A TLS server that greets whoever comes."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            writer.write(greeting)
            await writer.drain()
            await reader.read()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", port, ssl=context)
    try:
        yield
    finally:
        server.close()
