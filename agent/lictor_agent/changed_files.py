"""Whether the files of the configuration, and those that it names for TLS, are other ones than before.

A change counts once two looks in a row see the same: a certificate and its key are written one after the other, and
half of a pair is none. Files are told apart by time, size and number (inode), so that they need not be read.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from lictor_config.tree import Configuration

__all__ = ["LOOK_EVERY_S", "ChangedFiles", "files_of"]

LOOK_EVERY_S: Final = 5.0
"""Between two looks: a change is taken over after five to ten seconds."""
_FILES_MAX: Final = 10_000
"""Of one directory; more are not looked at."""

_Seen = Mapping[str, tuple[int, int, int] | None]


def files_of(configuration: Configuration) -> tuple[str, ...]:
    """What is looked at, files and directories, each once."""
    named = (
        path for door in configuration.tls.doors for path in (door.ca_file, door.ca_path, door.cert_file, door.key_file)
    )
    return tuple(dict.fromkeys(filter(None, (*configuration.origin.files, *named))))


class ChangedFiles:
    """What was seen of some files and directories."""

    def __init__(self, paths: Iterable[str]) -> None:
        """What is there now is what changes are told from."""
        self._taken = _seen(paths)
        self._last = self._taken

    def look(self, paths: Iterable[str]) -> bool:
        """Whether there is a change that has come to rest since the last look, and was not told yet."""
        seen = _seen(paths)
        is_at_rest, self._last = seen == self._last, seen
        if not is_at_rest or seen == self._taken:
            return False
        self._taken = seen
        return True


def _seen(paths: Iterable[str]) -> _Seen:
    return {path: _sign(path) for named in paths for path in (named, *_within(named))}


def _within(path: str) -> Iterator[str]:
    try:
        names = sorted(os.listdir(path))
    except OSError:  # it is a file, or is not there
        return
    for name in names[:_FILES_MAX]:
        yield os.path.join(path, name)


def _sign(path: str) -> tuple[int, int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
