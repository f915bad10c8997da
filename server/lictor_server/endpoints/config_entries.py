"""What a configuration entry must be before it may enter the log."""

from __future__ import annotations

import msgspec

from lictor_core.commands import ConfigSet
from lictor_core.entries.reading import body_of, check_entry, entry_from

__all__ = ["checked_entry"]


def checked_entry(command: ConfigSet, timestamp: str) -> ConfigSet:
    """`command` with the entry as it is kept, and the time. Raises `RequestError` with every flaw of the entry.

    What the entry has to do with others is judged by the state, when it is written.
    """
    entry = entry_from(command.kind, command.name, command.body).normal()
    check_entry(entry)
    return msgspec.structs.replace(command, name=entry.name, body=body_of(entry), at=timestamp)
