"""A certificate and its key that stand in no file of the operator's: how a context comes to show them."""

from __future__ import annotations

import os
import ssl
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field

from lictor_core.errors import ConfigurationError

__all__ = ["PemPair", "no_password", "show_pair"]


@dataclass(frozen=True)
class PemPair:
    """Both PEM; behind the certificate may stand those that vouch for it."""

    certificate: str
    private_key: str = field(repr=False)


def show_pair(context: ssl.SSLContext, pair: PemPair) -> None:
    """Have `context` show this certificate. Raises `ConfigurationError` when certificate and key are no pair."""
    with _as_file(f"{pair.certificate.strip()}\n{pair.private_key.strip()}\n") as path:
        try:
            context.load_cert_chain(path, password=no_password)
        except (ssl.SSLError, OSError, ValueError) as error:
            raise ConfigurationError(f"the certificate that the servers gave cannot be used: {error}") from error


def no_password() -> str:
    """Raises `ValueError`. Without it OpenSSL would ask on the terminal for the password of an encrypted key."""
    raise ValueError("the private key is encrypted")


@contextmanager
def _as_file(text: str) -> Generator[str]:
    """`text` under a path that only this process can read: OpenSSL takes files. On Linux it never reaches a disk."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("certificate", os.MFD_CLOEXEC)
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
