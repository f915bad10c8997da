"""Why a connection failed, in words that say what to do next."""

from __future__ import annotations

import http.client
import os
import socket
import ssl
from typing import Final

__all__ = ["CERTIFICATE_EXPIRED_ALERT", "EXPIRED", "connection_reason"]

_NAMES_OTHERS: Final = (62, 64)
"""X509_V_ERR_HOSTNAME_MISMATCH and X509_V_ERR_IP_ADDRESS_MISMATCH."""
EXPIRED: Final = 10
"""X509_V_ERR_CERT_HAS_EXPIRED."""
CERTIFICATE_EXPIRED_ALERT: Final = "ALERT_CERTIFICATE_EXPIRED"
"""How the reason ends with which the other end refuses a certificate that has ended."""
_NOT_YET: Final = 9
_WANTS_CERTIFICATE: Final = (
    "TLSV13_ALERT_CERTIFICATE_REQUIRED",
    "SSLV3_ALERT_HANDSHAKE_FAILURE",
    "SSLV3_ALERT_BAD_CERTIFICATE",
    "TLSV1_ALERT_UNKNOWN_CA",
    "SSLV3_ALERT_CERTIFICATE_UNKNOWN",
)
_NO_TLS: Final = ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "UNEXPECTED_MESSAGE", "RECORD_LAYER_FAILURE")


def connection_reason(error: BaseException, *, secure: bool = False) -> str:
    """What `error`, raised while an agent was dialled or spoken to, means; `secure` says that TLS is spoken."""
    if isinstance(error, socket.gaierror):
        return "no such host"
    if isinstance(error, ssl.SSLCertVerificationError):
        return _untrusted(error)
    if isinstance(error, ssl.SSLError):
        return _refused(error)
    if isinstance(error, http.client.RemoteDisconnected) and secure:
        return (
            "it closed the connection without an answer; if it asks for certificates, name one with -client-cert and "
            "-client-key"
        )
    if isinstance(error, http.client.RemoteDisconnected):
        return "it closed the connection without an answer; if it speaks TLS, write https:// in front of the address"
    if isinstance(error, http.client.BadStatusLine):
        return "its answer is no HTTP; if it speaks TLS, write https:// in front of the address"
    if isinstance(error, OSError) and error.errno is not None:
        return os.strerror(error.errno).lower()
    return str(error) or type(error).__name__


def _untrusted(error: ssl.SSLCertVerificationError) -> str:
    if error.verify_code in _NAMES_OTHERS:
        return "its certificate is for another name: give that name with -tls-server-name or LICTOR_TLS_SERVER_NAME"
    if error.verify_code in (EXPIRED, _NOT_YET):
        return f"{error.verify_message}: it needs a new one, or a clock is wrong"
    return (
        f"its certificate is not trusted, {error.verify_message}: name its CA with -ca-file or LICTOR_CACERT, "
        "and see that the certificate is for this use"
    )


def _refused(error: ssl.SSLError) -> str:
    if error.reason in _NO_TLS:
        return "it does not speak TLS: use http:// there"
    if (error.reason or "").endswith(CERTIFICATE_EXPIRED_ALERT):
        return "this client's certificate has expired, it says: name a new one with -client-cert and -client-key"
    if error.reason in _WANTS_CERTIFICATE:
        return (
            "it does not accept this client's certificate, or misses one: name one of its CA with -client-cert and "
            "-client-key"
        )
    return f"TLS failed: {(error.reason or str(error)).replace('_', ' ').lower()}"
