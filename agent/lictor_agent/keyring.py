"""The ring of keys of this agent: in memory, and in the data directory as Consul keeps it (`serf/local.keyring`).

The file is the truth once there is one: `encrypt` only begins it. So a key that was installed later outlives a restart
of an agent whose configuration still names the first one; a warning says when the two differ.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from structlog.typing import FilteringBoundLogger

from lictor_config.tree import Encrypt
from lictor_core.errors import ConfigurationError, RequestError, StorageError
from lictor_core.keyring import Ring, fingerprint, parse_key

__all__ = ["FILE", "Keyring", "kept_keyring"]

FILE: Final = "serf/local.keyring"
_BYTES_MAX: Final = 64 * 1024


class Keyring:
    """The keys that this agent knows now. All methods belong to the event loop."""

    def __init__(self, ring: Ring | None = None, path: Path | None = None) -> None:
        """Without a ring this agent knows no keys, and never will; without a path they are kept in memory alone."""
        self._ring = ring
        self._path = path
        self._listeners: list[Callable[[], None]] = []

    @property
    def ring(self) -> Ring | None:
        """The keys; None when this agent was given none."""
        return self._ring

    def replace(self, ring: Ring) -> None:
        """Know these keys from now on. Raises `StorageError` when they cannot be kept; nothing changes then."""
        if ring == self._ring:
            return
        if self._path is not None:
            _write(self._path, ring)
        self._ring = ring
        for listener in self._listeners:
            listener()

    def at_change(self, listener: Callable[[], None]) -> None:
        """Call `listener` whenever the keys have changed."""
        self._listeners.append(listener)


def kept_keyring(encrypt: Encrypt, data_dir: str, log: FilteringBoundLogger) -> Keyring:
    """The ring in the data directory, else a new one with the key of the configuration, which is kept there.

    An empty `data_dir` keeps nothing. Raises `ConfigurationError` for a file or a key that cannot be used.
    """
    key = _configured(encrypt)
    path = Path(data_dir) / FILE if data_dir and not encrypt.disable_keyring_file else None
    ring = None if path is None else _read(path)
    if ring is not None:
        if key is not None and key not in ring.keys:
            log.warning("agent.keyring.preferred", path=str(path), configured=fingerprint(key))
        return Keyring(ring, path)
    if key is None:
        return Keyring()
    ring = Ring((key,))
    if path is not None:
        try:
            _write(path, ring)
        except StorageError as error:
            raise ConfigurationError(str(error)) from error
    return Keyring(ring, path)


def _configured(encrypt: Encrypt) -> bytes | None:
    try:
        return parse_key(encrypt.key) if encrypt.key else None
    except RequestError as error:
        raise ConfigurationError(f"encrypt: {error}") from None


def _read(path: Path) -> Ring | None:
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            text = file.read(_BYTES_MAX)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigurationError(f"cannot read the keys in {path}: {error.strerror}; check -data-dir") from error
    try:
        return Ring.parse(text)
    except RequestError as error:
        raise ConfigurationError(
            f"the keys in {path} cannot be used: {error}; correct the file, or remove it"
        ) from None


def _write(path: Path, ring: Ring) -> None:
    """Whole or not at all, and readable by its user alone from the first byte. Raises `StorageError`."""
    draft = path.with_suffix(".draft")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with suppress(FileNotFoundError):
            draft.unlink()
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(ring.text())
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, path)
    except OSError as error:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
        raise StorageError(f"cannot keep the keys in {path}: {error.strerror}; check the data directory") from error
