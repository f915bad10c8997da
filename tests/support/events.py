"""The list of log events, docs/EVENTS.md, made from the calls in the code.

`python -m tests.support.events` writes it; `make check` compares it with the code. An event is a call such as
`log.info("dns.query.refused", question=...)`: a constant name of three words, room first, and keys.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from tests.support.documents import ROOT

EVENTS: Final = ROOT / "docs" / "EVENTS.md"
ROOMS: Final = ("config", "server", "dns", "connect_proxy", "agent", "client")
NAME: Final = re.compile(r"[a-z]+(\.[a-z0-9_]+){2,3}")
_LEVELS: Final = {name: name for name in ("debug", "info", "warning", "error", "critical")} | {"exception": "error"}
"""The level of each method that logs."""

_HEAD: Final = """\
# Log events

Every event that Lictor logs: stable names, `room.noun.verb`, values only in keys. Made from the code by
`python -m tests.support.events`.

| event | level | keys | where |
| --- | --- | --- | --- |
"""


class Event(NamedTuple):
    """One call that logs."""

    name: str
    level: str
    keys: tuple[str, ...]
    where: str


def events() -> list[Event]:
    """All events of the code, by name."""
    found = (event for room in ROOMS for path in sorted((ROOT / room).glob("*/**/*.py")) for event in _events_in(path))
    return sorted(set(found))


def page() -> str:
    """The whole page."""
    rows = [
        f"| `{event.name}` | {event.level} | {', '.join(event.keys)} | [{event.where}](../{event.where}) |\n"
        for event in events()
    ]
    return _HEAD + "".join(rows)


def _events_in(path: Path) -> Iterator[Event]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(attr=level), args=[ast.Constant(value=str(name)), *_], keywords=keywords):
                if level in _LEVELS and "." in name:
                    keys = tuple(sorted(keyword.arg for keyword in keywords if keyword.arg is not None))
                    yield Event(name, _LEVELS[level], keys, path.relative_to(ROOT).as_posix())
            case _:
                pass


if __name__ == "__main__":
    EVENTS.write_text(page(), encoding="utf-8")
