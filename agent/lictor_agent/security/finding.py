"""One thing that is open."""

from __future__ import annotations

import enum

import msgspec

__all__ = ["Finding", "Severity"]


class Severity(enum.StrEnum):
    """How bad it is."""

    SEVERE = "severe"
    WARNING = "warning"
    NOTE = "note"

    @property
    def rank(self) -> int:
        """0 for the worst."""
        return list(Severity).index(self)


class Finding(msgspec.Struct, rename="pascal", frozen=True, kw_only=True):
    """What is open, why that matters, and the setting that closes it. `id` stays the same from version to version."""

    id: str = msgspec.field(name="ID")
    severity: Severity
    title: str
    reason: str
    setting: str
