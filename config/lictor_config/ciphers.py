"""Cipher suites of TLS 1.2, from the names of Go, which Consul takes, to those of OpenSSL.

TLS 1.3 has suites of its own, between which nobody need choose. RC4 and 3DES, which Consul takes too, are broken, and
refused. Source: Consul's document `docs/agent/options`, `tls_cipher_suites`; RFC 8422, RFC 5289.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from lictor_core.errors import ConfigurationError

__all__ = ["CIPHERS", "openssl_names"]

_EXCHANGES: Final = {"ECDHE_ECDSA": "ECDHE-ECDSA-", "ECDHE_RSA": "ECDHE-RSA-", "RSA": ""}
_SEALS: Final = {
    "AES_128_GCM_SHA256": "AES128-GCM-SHA256",
    "AES_256_GCM_SHA384": "AES256-GCM-SHA384",
    "AES_128_CBC_SHA256": "AES128-SHA256",
    "AES_128_CBC_SHA": "AES128-SHA",
    "AES_256_CBC_SHA": "AES256-SHA",
}
CIPHERS: Final[Mapping[str, str]] = MappingProxyType(
    {
        f"TLS_{exchange}_WITH_{seal}": prefix + name
        for exchange, prefix in _EXCHANGES.items()
        for seal, name in _SEALS.items()
    }
    | {
        f"TLS_{exchange}_WITH_CHACHA20_POLY1305{digest}": f"{_EXCHANGES[exchange]}CHACHA20-POLY1305"
        for exchange in ("ECDHE_ECDSA", "ECDHE_RSA")
        for digest in ("", "_SHA256")
    }
)
"""Names of Go to those of OpenSSL."""


def openssl_names(suites: str, key: str = "tls_cipher_suites") -> tuple[str, ...]:
    """The suites of a text with commas between them. Raises `ConfigurationError`, naming `key`, for one not known."""
    names = [name for part in suites.split(",") if (name := part.strip())]
    for name in names:
        if name not in CIPHERS:
            raise ConfigurationError(f"{key}: {name!r} is not taken; choose of {', '.join(sorted(CIPHERS))}")
    return tuple(CIPHERS[name] for name in names)
