"""Several configurations into one, by Consul's rules: lists append, mappings merge, of single values the later holds.

Sections merge key by key, whatever their letters' case; a mapping whose keys are the user's own (`node_meta`,
`connect.ca_config`) takes over each key as it is, with all that it holds. `service` and `check` count as members of the
lists `services` and `checks`, so that those of one file never replace those of another. Source: Consul's document
`docs/agent/options`, `-config-file`, and what Consul 1.8.7 makes of several files.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, cast

from lictor_config.keys import KeyKind, keys_of
from lictor_config.reading import as_list, without_list

__all__ = ["merged"]

_MEMBER_OF: Final = {"service": "services", "check": "checks"}
_LISTS: Final = (KeyKind.TEXTS, KeyKind.BLOCKS)
_WHOLE: Final = "dns_config.soa"
"""The one section that a later file replaces as a whole, as in Consul 1.8.7."""


def merged(sources: Iterable[Mapping[str, object]]) -> dict[str, object]:
    """The configuration that `sources` make together, in their order, with the keys of sections in lower case."""
    total: dict[str, object] = {}
    for source in sources:
        _merge(total, source, "")
    return total


def _merge(total: dict[str, object], source: Mapping[str, object], section: str) -> None:
    known = keys_of(section)
    for key, value in source.items():
        if value is None:
            continue
        name, part = key.lower(), value
        if not section and name in _MEMBER_OF:
            name, part = _MEMBER_OF[name], [without_list(value)]
        spec = known.get(name)
        kind = None if spec is None else spec.kind
        earlier = None if spec is not None and spec.path == _WHOLE else total.get(name)
        if kind is KeyKind.SECTION:
            total[name] = _section(earlier, without_list(part), f"{section}.{name}" if section else name)
        elif kind in _LISTS:
            total[name] = _appended(earlier, part)
        else:
            total[name] = _replaced(earlier, without_list(part))


def _section(earlier: object, later: object, path: str) -> object:
    if not isinstance(later, dict):
        return later
    both: dict[str, object] = dict(cast("dict[str, object]", earlier)) if isinstance(earlier, dict) else {}
    _merge(both, cast("dict[str, object]", later), path)
    return both


def _appended(earlier: object, later: object) -> object:
    if isinstance(later, dict):
        later = [cast("dict[str, object]", later)]  # a single block is a list of one
    items, before = as_list(later), as_list(earlier)
    return later if items is None else [*(before or []), *items]


def _replaced(earlier: object, later: object) -> object:
    if isinstance(earlier, dict) and isinstance(later, dict):
        return {**cast("dict[str, object]", earlier), **cast("dict[str, object]", later)}
    return later
