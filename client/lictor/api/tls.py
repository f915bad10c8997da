"""The TLS context of a client."""

from __future__ import annotations

import ssl

from lictor.api.settings import Settings
from lictor_core.errors import ConfigurationError

__all__ = ["tls_context"]


def tls_context(settings: Settings) -> ssl.SSLContext:
    """The context that `settings` describe: TLS 1.2 or newer. Raises `ConfigurationError` for a file that is no use."""
    try:
        context = ssl.create_default_context(cafile=settings.ca_file or None, capath=settings.ca_path or None)
        if settings.client_cert:
            context.load_cert_chain(settings.client_cert, settings.client_key or None)
    except OSError as error:
        files = ", ".join(
            file for file in (settings.ca_file, settings.ca_path, settings.client_cert, settings.client_key) if file
        )
        raise ConfigurationError(
            f"TLS files {files} cannot be used: {(error.strerror or str(error)).lower()}"
        ) from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if not settings.tls_verify:
        # Only when the user said so: *_HTTP_SSL_VERIFY=false, as Consul's clients take it.
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
