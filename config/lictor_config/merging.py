"""Several configurations into one, by Consul's rules: lists append, mappings merge, of single values the later holds.

Source: Consul's document `docs/agent/options`, `-config-file`. `service` and `check` count as members of the lists
`services` and `checks`, so that those of one file never replace those of another.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, cast

from lictor_config.reading import as_list, without_list

__all__ = ["merged"]

_MEMBER_OF: Final = {"service": "services", "check": "checks"}
_LISTS: Final = frozenset({"services", "checks", "watches", "segments"})


def merged(sources: Iterable[Mapping[str, object]]) -> dict[str, object]:
    """The configuration that `sources` make together, in their order; keys of the outermost level ignore case."""
    total: dict[str, object] = {}
    for source in sources:
        for key, value in source.items():
            folded = key.lower()
            if value is not None:
                name, part = _placed(folded, value)
                total[name] = _together(total[name], part) if name in total else part
    return total


def _placed(name: str, value: object) -> tuple[str, object]:
    if name in _MEMBER_OF:
        return _MEMBER_OF[name], [without_list(value)]
    if name in _LISTS:
        items = as_list(value)
        return name, [value] if items is None else items
    return name, without_list(value)


def _together(earlier: object, later: object) -> object:
    if isinstance(earlier, dict) and isinstance(later, dict):
        both = dict(cast("dict[str, object]", earlier))
        for key, value in cast("dict[str, object]", later).items():
            both[key] = _together(both[key], value) if key in both else value
        return both
    if isinstance(earlier, list) and isinstance(later, list):
        return [*cast("list[object]", earlier), *cast("list[object]", later)]
    return later
