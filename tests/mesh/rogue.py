"""Peers that should be refused: whoever shows a certificate that is nearly right."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import tempfile
from collections.abc import AsyncGenerator

from lictor_connect_proxy.snapshot import Leaf

__all__ = ["impostor", "showing"]


def showing(leaf: Leaf | None, *, server: bool = False) -> ssl.SSLContext:
    """Who shows this certificate, or none, and asks nobody who they are."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if server else ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if leaf is not None:
        with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
            file.write(leaf.certificate_pem + leaf.private_key_pem)
            file.flush()
            context.load_cert_chain(file.name)
    return context


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
