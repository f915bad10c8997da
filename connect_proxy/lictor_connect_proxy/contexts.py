"""TLS contexts from a leaf and roots: 1.2 or newer, both ends prove themselves, sessions end with their contexts.

Why a session may be resumed at all, which skips the check of the peer's chain: `sessions`. Host names are not compared,
the SPIFFE id is (`layers/identify.py`).
"""

from __future__ import annotations

import os
import ssl
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from typing import NamedTuple

from lictor_connect_proxy.sessions import Sessions
from lictor_connect_proxy.snapshot import Leaf, TrustRoots
from lictor_core.errors import ConfigurationError

__all__ = ["TlsContexts", "tls_contexts"]


class TlsContexts(NamedTuple):
    """For accepting and for dialing; made anew whenever leaf or roots change, used for new handshakes only.

    `sessions` are those of `client`.
    """

    server: ssl.SSLContext
    client: ssl.SSLContext
    sessions: Sessions


def tls_contexts(leaf: Leaf, roots: TrustRoots) -> TlsContexts:
    """The contexts. Raises `ConfigurationError` when certificate, key or roots cannot be used."""
    try:
        server = _context(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), leaf, roots)
        # One is enough, since it can be used again: what RFC 8446, appendix C.4, warns of are those who watch whom a
        # client meets, and in a mesh both ends name themselves.
        server.num_tickets = 1
        client = _context(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), leaf, roots)
        return TlsContexts(server, client, Sessions())
    except (ssl.SSLError, ValueError, OSError) as error:
        raise ConfigurationError(
            f"the certificates of {leaf.uri or 'the proxy'} cannot be used: {error}; the proxy waits for new ones"
        ) from error


def _context(context: ssl.SSLContext, leaf: Leaf, roots: TrustRoots) -> ssl.SSLContext:
    context.check_hostname = False
    context.verify_mode = ssl.CERT_REQUIRED
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
    # A CA certificate in the list is trusted also when it is not self-signed, as by Consul's own proxy.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    if not roots.pems:
        raise ValueError("there is no root certificate")
    context.load_verify_locations(cadata="\n".join(roots.pems))
    with _as_file(f"{leaf.certificate_pem.strip()}\n{leaf.private_key_pem.strip()}\n") as path:
        context.load_cert_chain(path, password=_no_password)
    return context


def _no_password() -> str:
    # Without this OpenSSL would ask on the terminal for the password of an encrypted key.
    raise ValueError("the private key is encrypted")


@contextmanager
def _as_file(text: str) -> Generator[str, None, None]:
    """`text` under a path that only this process can read. On Linux it never reaches a disk."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("leaf", os.MFD_CLOEXEC)
        try:
            os.write(descriptor, text.encode())
            yield f"/proc/self/fd/{descriptor}"
        finally:
            os.close(descriptor)
    else:
        with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
            file.write(text)
            file.flush()
            yield file.name
