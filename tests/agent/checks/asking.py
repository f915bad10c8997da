"""What tests of checks ask with, and TLS to ask of."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import ipaddress
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from lictor_agent.checks.asking import Asker
from lictor_agent.checks.status import Result
from lictor_agent.checks.tls import CheckTls
from lictor_config.definitions import CheckDefinition
from lictor_core.addresses import join_host_port


class SelfSigned(NamedTuple):
    """A server's context, and the file with its certificate (and key), which vouches for itself."""

    context: ssl.SSLContext
    file: str


async def asked(
    definition: CheckDefinition,
    output_bytes_max: int = 4096,
    environment: dict[str, str] | None = None,
    material: CheckTls | None = None,
) -> Result:
    """The result of one run."""
    asker = Asker(environment or {}, material)
    try:
        return await asker.ask(definition, output_bytes_max)
    finally:
        await asker.close()


Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def speaking(talk: Talk, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> AsyncGenerator[str]:
    """The address of a server that talks so to everybody; at the end every connection is closed."""
    async with asyncio.TaskGroup() as group:
        tasks: list[asyncio.Task[None]] = []

        def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            tasks.append(group.create_task(_talk(talk, reader, writer)))

        server = await asyncio.start_server(begin, host, 0, ssl=tls)
        yield join_host_port(host, server.sockets[0].getsockname()[1])
        server.close()
        for task in tasks:
            task.cancel()


async def _talk(talk: Talk, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):  # whoever asks may hang up at any time
            await talk(reader, writer)
            await writer.drain()
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


def self_signed(directory: Path, alpn: tuple[str, ...] = ()) -> SelfSigned:
    """TLS for a server at 127.0.0.1 that is called `localhost` and `web.example`."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    begin = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, begin, begin.replace(year=2120))
    names = [x509.IPAddress(ipaddress.ip_address("127.0.0.1")), x509.DNSName("localhost"), x509.DNSName("web.example")]
    builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    certificate = builder.add_extension(x509.BasicConstraints(True, None), critical=True).sign(key, hashes.SHA256())
    file = directory / "both.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(private + certificate.public_bytes(Encoding.PEM))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(file)
    if alpn:
        context.set_alpn_protocols(alpn)
    return SelfSigned(context, str(file))
