"""The tour of the modules, docs/WHATS_HERE.md, made from the first paragraph of each module's docstring.

`python -m tests.support.tour` writes it; `make check` compares it with the code.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.support.documents import ROOT

TOUR: Final = ROOT / "docs" / "WHATS_HERE.md"
ROOMS: Final = ("core", "config", "server", "dns", "connect_proxy", "agent", "client", "jepsen-like", "bench")

_HEAD: Final = """\
# What's here

Every module and what it is for, in its own words. Made from the docstrings by `python -m tests.support.tour`.
"""


def tour() -> str:
    """The whole page."""
    return _HEAD + "".join(_room(room) for room in ROOMS)


def _room(room: str) -> str:
    rows = "".join(f"| {name} | {said} |\n" for name, said in _modules(ROOT / room))
    return f"\n## {room}\n\n[README](../{room}/README.md)\n\n| module | what it is |\n| --- | --- |\n{rows}"


def _modules(room: Path) -> Iterator[tuple[str, str]]:
    for path in sorted(room.glob("*/**/*.py")):
        docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
        assert docstring, f"{path.relative_to(ROOT)} has no docstring"
        link = path.relative_to(ROOT).as_posix()
        dotted = ".".join(path.relative_to(room).with_suffix("").parts).removesuffix(".__init__")
        yield f"[`{dotted}`](../{link})", _first_paragraph(docstring).replace("|", "\\|")


def _first_paragraph(docstring: str) -> str:
    return " ".join(docstring.split("\n\n")[0].split())


if __name__ == "__main__":
    TOUR.write_text(tour(), encoding="utf-8")
