"""Regular expressions of users, in RE2's syntax: what Envoy reads, and time in proportion to the text."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

from lictor_core.errors import RequestError

if TYPE_CHECKING:
    import re2  # loaded when the first expression comes: most agents never see one

__all__ = ["PATTERN_BYTES_MAX", "PatternFlaw", "compiled", "pattern_flaw", "whole_match"]

PATTERN_BYTES_MAX: Final = 4_096
"""UTF-8 bytes of one expression; a proxy has to compile it, too."""
_COMPILED_MAX: Final = 512
"""Compiled expressions that are kept; each is compiled again when it was crowded out."""
_MEMORY_BYTES_MAX: Final = 1 << 20
"""Memory of one compiled expression: RE2 refuses one that needs more."""


class PatternFlaw(RequestError):
    """What is no expression; `reason` is what RE2 says."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"is no regular expression of RE2: {reason}")
        self.reason = reason


def whole_match(pattern: str, text: str) -> bool:
    """Whether the expression matches all of `text`. Raises `RequestError` for one that is none."""
    return compiled(pattern).fullmatch(text) is not None


def pattern_flaw(pattern: str) -> str:
    """Why this is no expression; empty when it is one."""
    if (length := len(pattern.encode())) > PATTERN_BYTES_MAX:
        return f"has {length} bytes; at most {PATTERN_BYTES_MAX} are taken"
    try:
        compiled(pattern)
    except RequestError as error:
        return str(error)
    return ""


@lru_cache(maxsize=_COMPILED_MAX)
def compiled(pattern: str) -> re2.Pattern:
    """The expression, compiled once. Raises `PatternFlaw`."""
    import re2

    options = re2.Options()
    options.log_errors = False
    options.max_mem = _MEMORY_BYTES_MAX
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        reason = error.args[0] if error.args else ""
        said = reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)
        raise PatternFlaw(said) from None
