"""The servers that this agent knew, kept in its data directory: it finds them again without being told any.

Leaving on purpose forgets them, unless `rejoin_after_leave` says otherwise.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Final, cast

from structlog.typing import FilteringBoundLogger

__all__ = ["FILE", "KnownServers"]

FILE: Final = "known-servers.json"
_SERVERS_MAX: Final = 64
_BYTES_MAX: Final = 64 * 1024


class KnownServers:
    """A list of `host:port` in a file. A directory that cannot be used costs no more than the memory of them."""

    def __init__(self, data_dir: str, log: FilteringBoundLogger) -> None:
        """With an empty `data_dir` nothing is kept."""
        self._path = Path(data_dir) / FILE if data_dir else None
        self._log = log
        self._kept: tuple[str, ...] = ()
        self._has_complained = False

    def read(self) -> tuple[str, ...]:
        """The servers in the file; none when there is no such file, or it cannot be read."""
        if self._path is None or not os.path.exists(self._path):  # `Path.exists` may raise
            return ()
        try:
            with self._path.open("rb") as file:
                found: object = json.loads(file.read(_BYTES_MAX))
        except (OSError, ValueError) as error:
            self._complain(str(error))
            return ()
        names = cast("list[object]", found) if isinstance(found, list) else []
        self._kept = tuple(one for one in names[:_SERVERS_MAX] if isinstance(one, str) and one)
        return self._kept

    def keep(self, servers: tuple[str, ...]) -> None:
        """These are the servers now; written whole under another name first, and only when they changed."""
        wanted = tuple(sorted(servers))[:_SERVERS_MAX]
        if self._path is None or not wanted or wanted == self._kept:
            return
        draft = self._path.with_suffix(".draft")
        try:
            draft.write_text(json.dumps(wanted), encoding="utf-8")
            os.replace(draft, self._path)
        except OSError as error:
            self._complain(error.strerror or str(error))
        else:
            self._kept = wanted

    def forget(self) -> None:
        """Know no server any more."""
        if self._path is None:
            return
        try:
            self._path.unlink(missing_ok=True)
        except OSError as error:
            self._complain(error.strerror or str(error))
        self._kept = ()

    def _complain(self, reason: str) -> None:
        if not self._has_complained:
            self._has_complained = True
            self._log.warning("agent.servers.not_kept", path=str(self._path), reason=reason)
