"""Durations as Consul's users write them: Go's text form (`1h30m`, `250ms`, `0`), or a number of nanoseconds in JSON.

Source: the Go documentation of `time.ParseDuration` and `Duration.String`, which Consul's documents refer to.
"""

from __future__ import annotations

import re
from typing import Final

from lictor_core.errors import RequestError

__all__ = ["duration_max_s", "format_duration", "parse_duration"]

_UNIT_NS: Final[dict[str, int]] = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,
    "μs": 1_000,
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
}
_PART: Final = re.compile(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h)")
_LARGEST_NS: Final = 2**63 - 1
_TEXT_MAX: Final = 64

duration_max_s: Final = _LARGEST_NS / 1e9
"""The longest duration, about 292 years: what 64 bits of nanoseconds hold."""


def parse_duration(value: str | int | float) -> float:
    """Seconds in `value`: Go's text form, or a number of nanoseconds. Raises `RequestError` on anything else."""
    if isinstance(value, int | float):
        if abs(value) > _LARGEST_NS or value != value:
            raise RequestError(f"duration {str(value)[:_TEXT_MAX]} ns is out of range: at most {_LARGEST_NS} ns")
        return value / 1e9
    sign, digits = (-1, value[1:]) if value.startswith("-") else (1, value.removeprefix("+"))
    if digits == "0":
        return 0.0
    total = 0
    position = 0
    while len(digits) <= _TEXT_MAX and (part := _PART.match(digits, position)) is not None:
        whole, _, fraction = part[1].partition(".")
        unit = _UNIT_NS[part[2]]
        total += int(whole or "0") * unit
        if fraction:
            total += int(fraction) * unit // 10 ** len(fraction)
        position = part.end()
    if not digits or position != len(digits):
        raise RequestError(
            f"invalid duration {value[:_TEXT_MAX]!r}: "
            "write a number with a unit (ns, us, ms, s, m, h), such as 10s or 1h30m"
        )
    if total > _LARGEST_NS:
        raise RequestError(f"duration {value!r} is out of range: at most {_LARGEST_NS} ns")
    return sign * total / 1e9


def format_duration(seconds: float) -> str:
    """Go's text form of `seconds`: `1h30m0s`, `1.5s`, `250ms`, `0s`."""
    ns = round(seconds * 1e9)
    if ns == 0:
        return "0s"
    sign = "-" if ns < 0 else ""
    ns = abs(ns)
    for unit in ("ns", "µs", "ms"):
        scale = _UNIT_NS[unit]
        if ns < scale * 1000:
            return f"{sign}{_decimal(ns, scale)}{unit}"
    minutes, rest = divmod(ns, _UNIT_NS["m"])
    hours, minutes = divmod(minutes, 60)
    text = f"{_decimal(rest, _UNIT_NS['s'])}s"
    if hours:
        return f"{sign}{hours}h{minutes}m{text}"
    return f"{sign}{minutes}m{text}" if minutes else sign + text


def _decimal(value: int, scale: int) -> str:
    whole, rest = divmod(value, scale)
    if not rest:
        return str(whole)
    return f"{whole}.{str(rest).zfill(len(str(scale)) - 1).rstrip('0')}"
