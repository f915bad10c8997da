"""How records that hold secrets show themselves, in logs, tracebacks and failed tests: all but those."""

from __future__ import annotations

from typing import Final

import msgspec

__all__ = ["HIDDEN", "Bearing", "shown_without"]

HIDDEN: Final = "<hidden>"


def shown_without(record: msgspec.Struct, *secret: str) -> str:
    """The record as Python shows it, the fields `secret` hidden unless they are empty."""
    fields = {name: getattr(record, name) for name in record.__struct_fields__}
    said = (f"{name}={HIDDEN if name in secret and value else repr(value)}" for name, value in fields.items())
    return f"{type(record).__name__}({', '.join(said)})"


class Bearing(msgspec.Struct, frozen=True, kw_only=True):
    """Base of what brings along the secret of who asks."""

    token: str = ""

    def __repr__(self) -> str:
        return shown_without(self, "token")
