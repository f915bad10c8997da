"""The file that keeps the tokens told over the API (`acl.enable_token_persistence`), in the form of Consul's.

`acl-tokens.json` in the data directory: an object of secrets by slot, empty ones left out, readable by its owner alone.
A data directory of Consul's is taken over with it.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final, cast

from lictor_agent.acl.slots import Slot
from lictor_core.errors import DiskFailedError, StorageError

__all__ = ["FILE", "TokenFile"]

FILE: Final = "acl-tokens.json"
_BYTES_MAX: Final = 64 * 1024
_PRIVATE: Final = 0o600


class TokenFile:
    """The file beneath one data directory. Its methods block."""

    def __init__(self, data_dir: Path) -> None:
        self._path = data_dir / FILE

    def read(self) -> dict[Slot, str]:
        """What is kept; nothing when there is no such file. Raises `StorageError` when it cannot be read."""
        try:
            with self._path.open("rb") as file:
                value: object = json.loads(file.read(_BYTES_MAX))
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise _failed("read", self._path, error) from error
        except ValueError:
            # What the parser says could repeat a secret.
            raise DiskFailedError(
                f"{self._path} holds no JSON: remove it, and tell the agent its tokens anew"
            ) from None
        if not isinstance(value, dict):
            raise DiskFailedError(f"{self._path} holds no JSON object: remove it, and tell the agent its tokens anew")
        found = cast("dict[str, object]", value)
        secrets = {slot: found.get(slot) for slot in Slot}
        return {slot: secret for slot, secret in secrets.items() if isinstance(secret, str) and secret}

    def keep(self, told: Mapping[Slot, str]) -> None:
        """Have the file hold exactly this, written whole under another name first. Raises `StorageError`."""
        draft = self._path.with_suffix(".draft")
        try:
            with contextlib.suppress(FileNotFoundError):
                draft.unlink()  # one of a crash might be readable by others
            handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _PRIVATE)
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump({str(slot): secret for slot, secret in told.items() if secret}, file)
                file.flush()
                os.fsync(file.fileno())
            os.replace(draft, self._path)
        except OSError as error:
            raise _failed("write", self._path, error) from error


def _failed(what: str, path: Path, error: OSError) -> StorageError:
    return DiskFailedError(f"cannot {what} {path}: {error.strerror or error}; the agent's tokens are kept there")
