"""TLS of checks: whom they believe, and what they show of themselves (`enable_agent_tls_for_checks`).

Checks believe the machine's roots; with the agent's own material instead its CA, and they show its certificate to
whoever asks. Nothing is resumed: every run sees what a new client would see.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass

from lictor_core.errors import ConfigurationError
from lictor_server import PemPair, show_pair

__all__ = ["CheckTls", "TlsContexts"]


@dataclass(frozen=True, kw_only=True)
class CheckTls:
    """The agent's own material, which checks use where the configuration says so. Paths; empty ones are left out.

    Without files `pair` is shown.
    """

    ca_file: str = ""
    ca_path: str = ""
    cert_file: str = ""
    key_file: str = ""
    pair: PemPair | None = None


class TlsContexts:
    """Contexts by what a check asks for. Each is made once, since reading the machine's roots takes milliseconds."""

    def __init__(self, material: CheckTls | None = None) -> None:
        self._material = material
        self._made: dict[tuple[bool, tuple[str, ...]], ssl.SSLContext] = {}

    def use(self, material: CheckTls | None) -> None:
        """Believe and show this from now on; files are read anew."""
        self._material = material
        self._made.clear()

    def context(self, *, skip_verify: bool, alpn: tuple[str, ...] = ()) -> ssl.SSLContext:
        """A context for dialing. Raises `ConfigurationError` naming the file that cannot be used."""
        found = self._made.get((skip_verify, alpn))
        if found is None:
            found = self._made[skip_verify, alpn] = _context(self._material or CheckTls(), skip_verify=skip_verify)
            if alpn:
                found.set_alpn_protocols(alpn)
        return found


def _context(material: CheckTls, *, skip_verify: bool) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if skip_verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    try:
        if material.ca_file or material.ca_path:
            context.load_verify_locations(material.ca_file or None, None if material.ca_file else material.ca_path)
        elif not skip_verify:
            context.load_default_certs()
        if material.cert_file:
            context.load_cert_chain(material.cert_file, material.key_file or None)
        elif material.pair is not None:
            show_pair(context, material.pair)
    except OSError as error:  # also what is no certificate
        files = ", ".join(filter(None, (material.ca_file or material.ca_path, material.cert_file, material.key_file)))
        raise ConfigurationError(f"enable_agent_tls_for_checks: {files} cannot be used: {error}") from error
    return context
