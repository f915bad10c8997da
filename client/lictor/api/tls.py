"""The TLS context of a client."""

from __future__ import annotations

import ssl
from pathlib import Path

from lictor.api.settings import Settings
from lictor_core.errors import ConfigurationError
from lictor_core.limits import CA_FILES_MAX

__all__ = ["tls_context"]


def tls_context(settings: Settings) -> ssl.SSLContext:
    """The context that `settings` describe: TLS 1.2 or newer. Raises `ConfigurationError` for a file that is no use."""
    try:
        context = ssl.create_default_context(cafile=settings.ca_file or None, cadata=_roots(settings))
        if settings.client_cert:
            context.load_cert_chain(settings.client_cert, settings.client_key or None)
    except OSError as error:
        files = ", ".join(
            file for file in (settings.ca_file, settings.ca_path, settings.client_cert, settings.client_key) if file
        )
        reason = (
            "a file holds no certificate or no key in PEM, or they do not belong together"
            if isinstance(error, ssl.SSLError)
            else (error.strerror or str(error)).lower()
        )
        raise ConfigurationError(f"TLS files {files} cannot be used: {reason}") from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if not settings.tls_verify:
        # Only when the user said so: *_HTTP_SSL_VERIFY=false, as Consul's clients take it.
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _roots(settings: Settings) -> str | None:
    """All certificates of `ca_path`, whatever its files are named; of a file and a directory the file wins."""
    if settings.ca_file or not settings.ca_path:
        return None
    files = sorted(path for path in Path(settings.ca_path).iterdir() if path.is_file())
    if not 0 < len(files) <= CA_FILES_MAX:
        raise ConfigurationError(
            f"TLS directory {settings.ca_path} holds {len(files)} files; 1 to {CA_FILES_MAX} are taken"
        )
    return "\n".join(path.read_text(encoding="utf-8", errors="replace") for path in files)
