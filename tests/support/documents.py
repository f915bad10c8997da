"""Checks of the documents: `python -m tests.support.documents` lists every broken link, anchor and example.

What is checked in each tracked Markdown file: relative links lead to a tracked file and, where they name one, a
heading in it; code blocks are closed and name their language; JSON, TOML and Python blocks parse.
"""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

ROOT: Final = Path(__file__).resolve().parents[2]

_LINK: Final = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
_HEADING: Final = re.compile(r"^#{1,6} +(.+?) *#*$", re.MULTILINE)
_FENCE: Final = re.compile(r"^(```+)(\S*)[^\n]*\n(.*?)^\1 *$", re.MULTILINE | re.DOTALL)
_NOT_IN_ANCHOR: Final = re.compile(r"[^\w\- ]")


class Block(NamedTuple):
    """A fenced block of a document: its language and its text."""

    language: str
    text: str


def blocks(text: str) -> list[Block]:
    """The fenced blocks of a Markdown text, in order."""
    return [Block(match[2], match[3]) for match in _FENCE.finditer(text)]


def anchors(text: str) -> set[str]:
    """The anchors of the headings of a Markdown text, as code hosts make them."""
    prose = _FENCE.sub("", text)
    return {_NOT_IN_ANCHOR.sub("", heading.lower()).replace(" ", "-") for heading in _HEADING.findall(prose)}


def complaints(path: Path, text: str) -> Iterator[str]:
    """What is wrong with one document."""
    prose = _FENCE.sub("", text)
    if "```" in prose:
        yield "a code block is not closed"
    for target in _LINK.findall(prose):
        if re.match(r"[a-z]+:", target):
            continue
        file, _, anchor = target.partition("#")
        linked = (path.parent / file).resolve() if file else path
        if not linked.exists():
            yield f"link to {target!r}: there is no such file"
        elif anchor and linked.suffix == ".md" and anchor not in anchors(linked.read_text(encoding="utf-8")):
            yield f"link to {target!r}: there is no such heading"
    for block in blocks(text):
        if not block.language:
            yield f"a code block names no language: {block.text.splitlines()[0] if block.text else ''!r}"
        parse = _PARSERS.get(block.language)
        if parse is not None:
            try:
                parse(block.text)
            except (ValueError, SyntaxError) as error:
                yield f"a {block.language} block does not parse: {error}"


_PARSERS: Final[dict[str, Callable[[str], object]]] = {"json": json.loads, "toml": tomllib.loads, "python": ast.parse}


def tracked_documents() -> list[Path]:
    """The Markdown files that git tracks or would track."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    return [ROOT / line for line in listed.stdout.splitlines() if (ROOT / line).exists()]


def _stale_pages() -> list[str]:
    from tests.support import events, settings, tour  # those modules read this one

    return [
        f"{path.relative_to(ROOT)} does not match the code: run `python -m {module}`"
        for path, text, module in (
            (tour.TOUR, tour.tour(), tour.__name__),
            (events.EVENTS, events.page(), events.__name__),
            (settings.PAGE, settings.page(), settings.__name__),
        )
        if not path.exists() or path.read_text(encoding="utf-8") != text
    ]


def main() -> int:
    """Print all complaints; the exit code says whether there are any."""
    found = [
        f"{path.relative_to(ROOT)}: {complaint}"
        for path in tracked_documents()
        for complaint in complaints(path, path.read_text(encoding="utf-8"))
    ]
    found += _stale_pages()
    print("\n".join(found) if found else f"documents: {len(tracked_documents())} read, nothing to complain about")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
