"""Reading the settings of an auth method: known keys alone, each of its type, in Consul 1.8.7's words where not."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import cast

from lictor_core.durations import parse_duration
from lictor_core.errors import AclRefusedError, RequestError

__all__ = ["PLACES_MAX", "Settings"]

PLACES_MAX = 256
"""Items of a list or mapping in the settings of an auth method."""


class Settings:
    """The `Config` of a method. Every reading raises `AclRefusedError` for what is not of its type."""

    def __init__(self, values: Mapping[str, object], known: Collection[str]) -> None:
        """Keys that are not `known` are refused, as Consul refuses them: a misspelt bound would bind nobody."""
        strange = sorted(set(values) - set(known))
        if strange:
            shown = ", ".join(one[:64] for one in strange[:8])
            raise AclRefusedError(
                f"Invalid Auth Method: error decoding config: 1 error(s) decoding: * '' has invalid keys: {shown}"
            )
        self._values = values

    def text(self, key: str, default: str = "") -> str:
        """A text."""
        value = self._values.get(key)
        if value is None:
            return default
        if not isinstance(value, str):
            raise _flaw(key, "a text")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts."""
        value = self._values.get(key)
        if value is None:
            return ()
        if not isinstance(value, list) or len(cast("list[object]", value)) > PLACES_MAX:
            raise _flaw(key, f"a list of at most {PLACES_MAX} texts")
        found = tuple(one for one in cast("list[object]", value) if isinstance(one, str))
        if len(found) != len(cast("list[object]", value)):
            raise _flaw(key, "a list of texts")
        return found

    def pairs(self, key: str) -> dict[str, str]:
        """A mapping of texts."""
        value = self._values.get(key)
        if value is None:
            return {}
        if not isinstance(value, dict) or len(cast("dict[str, object]", value)) > PLACES_MAX:
            raise _flaw(key, f"a mapping of at most {PLACES_MAX} texts")
        pairs = cast("dict[str, object]", value)
        found = {name: one for name, one in pairs.items() if isinstance(one, str)}
        if len(found) != len(pairs):
            raise _flaw(key, "a mapping of texts")
        return found

    def leeway_s(self, key: str, default_s: float) -> float:
        """Seconds of a duration; none and 0 are the default, below 0 is none at all."""
        value = self._values.get(key)
        if value is None:
            return default_s
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise _flaw(key, "a duration")
        try:
            leeway_s = parse_duration(value)
        except RequestError as error:
            raise AclRefusedError(f"Invalid Auth Method: error decoding config: {key}: {error}") from error
        return default_s if leeway_s == 0 else max(leeway_s, 0.0)


def _flaw(key: str, wanted: str) -> AclRefusedError:
    return AclRefusedError(f"Invalid Auth Method: error decoding config: {key} must be {wanted}")
