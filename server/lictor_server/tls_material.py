"""The certificates and keys that settings of TLS name: read, and checked before they are used."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization

from lictor_core.errors import ConfigurationError
from lictor_core.limits import CA_FILES_MAX

if TYPE_CHECKING:
    from lictor_server.tls import TlsSettings

__all__ = ["certificate_times", "check_pair", "read_roots"]

_FILE_BYTES_MAX: Final = 4 * 1024 * 1024


def read_roots(settings: TlsSettings, now: float) -> str:
    """The certificates of the CA, PEM; empty when none is named. Raises `ConfigurationError`."""
    if settings.ca_file:
        key, paths = settings.key("ca_file"), [Path(settings.ca_file)]
    elif settings.ca_path:
        key = settings.key("ca_path")
        paths = _files_in(key, Path(settings.ca_path))
    else:
        return ""
    found: list[x509.Certificate] = []
    for path in paths:
        found += _certificates(key, path)
    if all(certificate.not_valid_after_utc.timestamp() < now for certificate in found):
        raise ConfigurationError(f"{key}: every certificate in {paths[0]} is expired: ask for a new CA certificate")
    return "".join(certificate.public_bytes(serialization.Encoding.PEM).decode() for certificate in found)


def _files_in(key: str, directory: Path) -> list[Path]:
    try:
        paths = sorted(path for path in directory.iterdir() if path.is_file())
    except OSError as error:
        raise ConfigurationError(f"{key}: {directory} cannot be read: {_reason(error)}") from error
    if not paths:
        raise ConfigurationError(f"{key}: there is no file in {directory}")
    if len(paths) > CA_FILES_MAX:
        raise ConfigurationError(f"{key}: {len(paths)} files in {directory} are more than {CA_FILES_MAX}")
    return paths


def certificate_times(key: str, path: str) -> tuple[float, float]:
    """From when until when the first certificate of a file is valid, in seconds since 1970.

    Raises `ConfigurationError`, which names `key`, for a file that cannot be used.
    """
    first = _certificates(key, Path(path))[0]
    return first.not_valid_before_utc.timestamp(), first.not_valid_after_utc.timestamp()


def check_pair(settings: TlsSettings, now: float) -> tuple[str, ...]:
    """Read and check certificate and key; what may be wrong with them elsewhere. Raises `ConfigurationError`."""
    key, path = settings.key("cert_file"), Path(settings.cert_file)
    certificate = _certificates(key, path)[0]
    begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if ends.timestamp() < now:
        raise ConfigurationError(f"{key}: {path} expired at {_date(ends)}: nobody would trust it; ask for a new one")
    if begins.timestamp() > now:
        raise ConfigurationError(f"{key}: {path} is valid only from {_date(begins)} on: is this machine's clock right?")
    if _public_key(settings) != certificate.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    ):
        raise ConfigurationError(
            f"{settings.key('key_file')}: {settings.key_file} is not the key of the certificate in {path}"
        )
    if (settings.verify_incoming_rpc or settings.verify_server_hostname) and not _names(certificate, settings):
        return (f"{key}: {path} does not name {settings.server_name}: servers that ask for that name refuse this one",)
    return ()


def _names(certificate: x509.Certificate, settings: TlsSettings) -> bool:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return False
    return settings.server_name in {name.lower() for name in names.get_values_for_type(x509.DNSName)}


def _public_key(settings: TlsSettings) -> bytes:
    data = _read(settings.key("key_file"), Path(settings.key_file))
    try:
        key = serialization.load_pem_private_key(data, password=None)
    except TypeError:
        raise ConfigurationError(
            f"{settings.key('key_file')}: {settings.key_file} is encrypted: store it without a password, "
            "readable by this user alone"
        ) from None
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ConfigurationError(
            f"{settings.key('key_file')}: {settings.key_file} holds no private key in PEM"
        ) from error
    return key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def _certificates(key: str, path: Path) -> Sequence[x509.Certificate]:
    data = _read(key, path)
    try:
        return x509.load_pem_x509_certificates(data)
    except ValueError as error:
        raise ConfigurationError(f"{key}: {path} holds no certificate in PEM") from error


def _read(key: str, path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(_FILE_BYTES_MAX + 1)
    except OSError as error:
        raise ConfigurationError(f"{key}: {path} cannot be read: {_reason(error)}") from error
    if len(data) > _FILE_BYTES_MAX:
        raise ConfigurationError(f"{key}: {path} is larger than {_FILE_BYTES_MAX} bytes")
    return data


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()


def _date(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
