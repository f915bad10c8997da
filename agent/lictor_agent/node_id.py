"""The node's id: given, else the one in the data directory, else a new one that is kept there.

Source: Consul's document `docs/agent/options`, `-node-id`: it must stay the same for as long as the node is the same.
"""

from __future__ import annotations

import os
import uuid
from contextlib import suppress
from pathlib import Path
from typing import Final

from lictor_agent.data_directory import PRIVATE
from lictor_core.clock import Rng
from lictor_core.errors import ConfigurationError

__all__ = ["kept_node_id", "node_id"]

_FILE: Final = "node-id"
_CHARS_MAX: Final = 64


def node_id(given: str, data_dir: str, rng: Rng) -> str:
    """A UUID. Raises `ConfigurationError` for one that is none, and when it can be neither read nor kept."""
    if given:
        return _checked(given, "node_id")
    if not data_dir:
        return rng.uuid4()
    kept = kept_node_id(data_dir)
    if kept:
        return kept
    path = Path(data_dir) / _FILE
    try:
        path.parent.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
    except FileExistsError as error:
        raise ConfigurationError(f"{data_dir} is no directory; name another with -data-dir") from error
    except OSError as error:
        raise ConfigurationError(f"cannot make the directory {data_dir}: {error.strerror}; check -data-dir") from error
    try:
        made = rng.uuid4()
        _write_whole(path, made)
    except OSError as error:
        raise ConfigurationError(f"cannot keep the node id in {path}: {error.strerror}; check -data-dir") from error
    return made


def _write_whole(path: Path, text: str) -> None:
    """Write a file whole or not at all: an agent would not start on half an id. Raises `OSError`."""
    draft = path.with_suffix(".draft")
    try:
        with draft.open("w", encoding="ascii") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, path)
    except OSError:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
        raise
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def kept_node_id(data_dir: str) -> str:
    """The id in a data directory, empty when there is none. Raises `ConfigurationError` when it cannot be used."""
    path = Path(data_dir) / _FILE
    try:
        if not path.exists():
            return ""
        with path.open(encoding="ascii", errors="replace") as file:
            return _checked(file.read(_CHARS_MAX).strip(), str(path))
    except OSError as error:
        raise ConfigurationError(f"cannot read the node id in {path}: {error.strerror}; check -data-dir") from error


def _checked(text: str, where: str) -> str:
    try:
        return str(uuid.UUID(text))
    except ValueError as error:
        raise ConfigurationError(f"{where}: {text!r} is no UUID, such as uuidgen makes") from error
