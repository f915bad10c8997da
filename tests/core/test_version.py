"""One version in one place."""

import tomllib
from pathlib import Path

from lictor_core.version import COMPATIBLE, LICTOR, member_build, semantic_version

ROOT = Path(__file__).parents[2]


def test_the_version_is_that_of_the_package() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["version"] == LICTOR


def test_clients_read_the_compatible_version_first() -> None:
    assert semantic_version().partition("+")[0] == COMPATIBLE
    assert member_build().partition(":")[0] == COMPATIBLE
