"""Values under `config`, which registries keep without looking: read with the leniency of Consul, refused by name.

Consul's proxies take numbers that are written as text and texts that are numbers; people's files have both. What is
neither is refused with the name of its key: a proxy that ran with half of what was asked for would be worse.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final, cast

from lictor_core.durations import parse_duration
from lictor_core.errors import PeerError, RequestError
from lictor_core.records import JsonObject

__all__ = ["Opaque", "UnusableAnswerError"]

_NS: Final = 1e9
_WHOLE_MAX: Final = 2**31 - 1


class UnusableAnswerError(PeerError):
    """The agent answered, and what it said cannot be used."""


class Opaque:
    """One mapping of opaque settings. `place` is what people are told it is called."""

    def __init__(self, values: JsonObject | None, place: str) -> None:
        self.values: JsonObject = values or {}
        self._place = place

    def text(self, key: str) -> str:
        """The text of a key; empty where there is none."""
        value = self.values.get(key)
        if value is None:
            return ""
        if isinstance(value, str):
            return value
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return f"{value:g}" if isinstance(value, float) else str(value)
        raise self._refusal(key, "a text")

    def whole(self, key: str) -> int | None:
        """A whole number of at least 0; None where there is none."""
        number = self._number(key)
        if number is None:
            return None
        if not number.is_integer() or not 0 <= number <= _WHOLE_MAX:
            raise self._refusal(key, f"a whole number from 0 to {_WHOLE_MAX}")
        return int(number)

    def milliseconds(self, key: str) -> float | None:
        """Seconds, written in milliseconds; None where nothing or 0 is said."""
        number = self._number(key)
        if number is None:
            return None
        if not 0 <= number <= _WHOLE_MAX:
            raise self._refusal(key, f"milliseconds from 0 to {_WHOLE_MAX}")
        return number / 1000 or None

    def duration(self, key: str) -> float | None:
        """Seconds, written as in Go (`10s`) or in nanoseconds; None where nothing or 0 is said."""
        value = self.values.get(key)
        if value is None or value == "":
            return None
        try:
            seconds = parse_duration(value) if isinstance(value, str) else (self._number(key) or 0.0) / _NS
        except RequestError:
            raise self._refusal(key, "a duration such as 10s") from None
        if seconds < 0:
            raise self._refusal(key, "a duration that is not negative")
        return seconds or None

    def inner(self, key: str) -> Opaque:
        """The mapping under a key, be it empty."""
        value = self.values.get(key)
        if value is not None and not isinstance(value, Mapping):
            raise self._refusal(key, "a mapping")
        return Opaque(cast("JsonObject | None", value), f"{self._place}.{key}")

    def _number(self, key: str) -> float | None:
        value = self.values.get(key)
        if value is None or value == "":
            return None
        try:
            if isinstance(value, (bool, int, float, str)):
                number = float(value)
                if math.isfinite(number):
                    return number
        except (ValueError, OverflowError):
            pass
        raise self._refusal(key, "a number")

    def _refusal(self, key: str, wanted: str) -> UnusableAnswerError:
        shown = repr(self.values.get(key))[:60]
        return UnusableAnswerError(f"{self._place}.{key} is {shown}, and must be {wanted}: correct the registration")
