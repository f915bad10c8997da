"""Configuration entries that a configuration brings along: `config_entries.bootstrap`, for a cluster without them.

Each is read and judged as one that is written over HTTP, so that a flaw is told at the start of an agent, with its
line. Source: Consul's document `docs/agent/options`, "config_entries".
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final, cast

from lictor_config.reading import Path, Problem, ProblemGroup, Reader
from lictor_config.unused import check_rest
from lictor_core.commands import ConfigSet

if TYPE_CHECKING:
    from lictor_core.entries.base import Flaw

__all__ = ["BOOTSTRAP_MAX", "read_entries"]

BOOTSTRAP_MAX: Final = 1000
"""Entries that one configuration may bring along."""
_SECTION: Final = "config_entries"
_STEP: Final = re.compile(r"[^.\[\]]+")


def read_entries(reader: Reader, base: tuple[ConfigSet, ...]) -> tuple[ConfigSet, ...]:
    """The entries to be written where there are none of their kinds and names, in their order."""
    section = reader.child(_SECTION)
    if section is None:
        return base
    found: list[ConfigSet] = []
    given = section.children("bootstrap")
    if len(given) > BOOTSTRAP_MAX:
        section.note("bootstrap", f"names {len(given)} entries; at most {BOOTSTRAP_MAX} are taken")
        given = []
    for child in given:
        entry = _entry(child)
        if entry is not None:
            found.append(entry)
    check_rest(section, _SECTION)
    section.done()
    return (*base, *found)


def _entry(reader: Reader) -> ConfigSet | None:
    # Entries are much to carry for the many agents whose configuration has none.
    from lictor_core.entries.reading import EntryForm, body_of, read_entry

    try:
        entry = read_entry(reader.copied())
    except EntryForm as error:
        if not error.flaws:
            reader.note("", str(error))
        flaws: Sequence[Flaw] = error.flaws
    else:
        flaws = list(entry.flaws())
        if not flaws:
            return ConfigSet(kind=entry.kind, name=entry.name, body=body_of(entry), cas=0)
    for flaw in flaws:
        path = _written(reader.value, flaw.path)
        reader.problems.append(Problem((*reader.path, *path), flaw.reason, ProblemGroup.VALUE))
    return None


def _written(value: object, where: str) -> Path:
    """The path of a field as it was written, as far as it was; a flaw names fields by their names in JSON."""
    path: list[str | int] = []
    for step in _STEP.findall(where):
        items = cast("list[object]", value) if isinstance(value, list) else None
        if items is not None and not step.isdecimal() and len(items) == 1:  # a block of HCL is a list of one mapping
            path.append(0)
            value, items = items[0], None
        if isinstance(value, Mapping):
            fields = cast("Mapping[str, object]", value)
            key = next((one for one in fields if _folded(one) == _folded(step)), None)
            if key is None:
                return (*path, step)
            path.append(key)
            value = fields[key]
        elif items is not None and step.isdecimal() and int(step) < len(items):
            path.append(int(step))
            value = items[int(step)]
    return tuple(path)


def _folded(key: str) -> str:
    return key.replace("_", "").lower()
