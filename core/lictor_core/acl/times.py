"""Times of tokens: RFC 3339 as they are kept and shown, seconds since 1970 as they are reckoned with. Pure."""

from __future__ import annotations

import datetime
import re
from typing import Final

from lictor_core.errors import AclRefusedError

__all__ = ["ends_at", "seconds_of"]

_CHARS_MAX: Final = 64
_FORM: Final = re.compile(r"(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(\.\d+)?(Z|[+-]\d{2}:\d{2})")


def seconds_of(text: str) -> float:
    """The moment that `text`, RFC 3339, says. Raises `AclRefusedError` for one that says none."""
    found = _FORM.fullmatch(text[:_CHARS_MAX].upper())
    if found is not None:
        whole, fraction, zone = found.groups()
        try:
            moment = datetime.datetime.fromisoformat(whole + ("+00:00" if zone == "Z" else zone))
            return moment.timestamp() + float(fraction or 0)
        except (ValueError, OverflowError):  # the 31st of February
            pass
    raise AclRefusedError(f"{text[:_CHARS_MAX]!r} is no time: write it as in 2026-01-02T15:04:05Z")


def ends_at(expiration_time: str) -> float | None:
    """When a token with this expiration ends; None for never."""
    return seconds_of(expiration_time) if expiration_time else None
