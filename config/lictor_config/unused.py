"""The keys of Consul's agent configuration that Lictor takes and does nothing with, as the table of keys says.

A configuration written for Consul starts; what it says in vain is told in one warning, and keys that no one knows stay
errors.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from lictor_config.keys import KeyKind, KeySpec, keys, keys_of
from lictor_config.reading import Reader

__all__ = ["check_rest", "is_used", "unused_keys"]


def is_used(spec: KeySpec) -> bool:
    """Whether the key acts somewhere, by itself or by its newer name."""
    if spec.newer:
        return is_used(keys()[spec.newer])
    if spec.kind is KeyKind.SECTION:
        return any(is_used(one) for one in keys_of(spec.path).values())
    return bool(spec.where)


def unused_keys(reader: Reader, section: str = "") -> list[str]:
    """The paths of the keys in a mapping that do nothing, in the order of the table; of a whole section its own."""
    found: list[str] = []
    for spec in keys_of(section).values():
        if not reader.has(spec.name):
            continue
        if not is_used(spec):
            found.append(spec.path)
        elif spec.kind is KeyKind.SECTION and (child := reader.child(spec.name)) is not None:
            found += unused_keys(child, spec.path)
    return found


def check_rest(reader: Reader, section: str) -> None:
    """Check the types of all keys of a section that nobody asked the reader for."""
    for spec in keys_of(section).values():
        if reader.has(spec.name) and not reader.asked(spec.name):
            _CHECKS[spec.kind](reader, spec)


def _check_section(reader: Reader, spec: KeySpec) -> None:
    child = reader.child(spec.name)
    if child is not None:
        check_rest(child, spec.path)
        child.done()


_CHECKS: Final[dict[KeyKind, Callable[[Reader, KeySpec], object]]] = {
    KeyKind.TEXT: lambda reader, spec: reader.text(spec.name),
    KeyKind.BOOLEAN: lambda reader, spec: reader.boolean(spec.name),
    KeyKind.WHOLE: lambda reader, spec: reader.integer(spec.name),
    KeyKind.NUMBER: lambda reader, spec: reader.number(spec.name),
    KeyKind.DURATION: lambda reader, spec: reader.duration(spec.name),
    KeyKind.TEXTS: lambda reader, spec: reader.texts(spec.name),
    KeyKind.TEXT_MAP: lambda reader, spec: reader.text_map(spec.name),
    KeyKind.DURATION_MAP: lambda reader, spec: reader.duration_map(spec.name),
    KeyKind.FREE: lambda reader, spec: reader.free(spec.name),
    KeyKind.BLOCKS: lambda reader, spec: reader.children(spec.name),
    KeyKind.SECTION: _check_section,
    KeyKind.DEFINITION: lambda reader, spec: reader.child(spec.name),
}
