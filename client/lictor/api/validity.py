"""Why a connection failed, with whose certificate has ended, and when.

Python tells neither of a certificate that it refused, so it is asked for once more, and believed nothing. That happens
after a failure alone, and so does the import of what reads certificates: a command starts fast.
"""

from __future__ import annotations

import datetime
import socket
import ssl
from pathlib import Path
from typing import TYPE_CHECKING, Final

from lictor.api.reasons import CERTIFICATE_EXPIRED_ALERT, EXPIRED, connection_reason
from lictor.api.settings import Settings
from lictor_core.clock import SystemClock

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

__all__ = ["dated_reason"]

_ASK_S_MAX: Final = 2.0
"""How long the other end may take to show its certificate again."""


def dated_reason(settings: Settings, error: BaseException, *, secure: bool = False) -> str:
    """As `connection_reason`; of a certificate that has ended also whose it is, and when that was. May block."""
    try:
        if isinstance(error, ssl.SSLCertVerificationError) and error.verify_code == EXPIRED:
            return _of_agent(_shown(settings))
        if isinstance(error, ssl.SSLError) and (error.reason or "").endswith(CERTIFICATE_EXPIRED_ALERT):
            return _of_client(settings)
    except (OSError, ValueError):
        pass  # it is not to be had: without the date then
    return connection_reason(error, secure=secure)


def _of_agent(certificate: Certificate) -> str:
    name, ends = certificate.subject.rfc4514_string() or "no name", certificate.not_valid_after_utc
    if ends.timestamp() > SystemClock().now():
        return (
            f"a certificate of the CA behind it has expired, its own of {name} ends at {_date(ends)}: name the new CA "
            "with -ca-file or LICTOR_CACERT, or see that no clock is wrong"
        )
    return (
        f"its certificate has expired: that of {name} ended at {_date(ends)}; give that agent a new one, or see that "
        "no clock is wrong"
    )


def _of_client(settings: Settings) -> str:
    from cryptography.x509 import load_pem_x509_certificate

    ends = load_pem_x509_certificate(Path(settings.client_cert).read_bytes()).not_valid_after_utc
    return (
        f"this client's certificate has expired: {settings.client_cert} ended at {_date(ends)}; name a new one with "
        "-client-cert and -client-key"
    )


def _shown(settings: Settings) -> Certificate:
    """What the agent shows. Raises `OSError` when it shows nothing, `ValueError` for what is no certificate."""
    from cryptography.x509 import load_der_x509_certificate

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # nothing is sent, and nothing is believed: it was refused before
    endpoint = settings.endpoint
    name = settings.tls_server_name or endpoint.host
    with (
        socket.create_connection((endpoint.host, endpoint.port), _ASK_S_MAX) as plain,
        context.wrap_socket(plain, server_hostname=name) as secured,
    ):
        return load_der_x509_certificate(secured.getpeercert(binary_form=True) or b"")


def _date(moment: datetime.datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
