"""Every dependency is under a licence that is known and allowed, and the page says so."""

from __future__ import annotations

import re

import pytest

from tests.support.licences import ALLOWED, LICENSES, ROOT, forbidden, locked

_ROW = re.compile(r"^\| ([a-z0-9-]+) \| ([^|]+) \| (with Lictor|extra|development) \|$", re.MULTILINE)


def rows() -> dict[str, str]:
    return {name: licence for name, licence, _ in _ROW.findall(LICENSES.read_text(encoding="utf-8"))}


def test_the_page_names_the_dependencies_that_there_are() -> None:
    assert list(rows()) == locked(), "write it anew: python -m tests.support.licences"


def test_every_licence_is_allowed() -> None:
    assert {name: licence for name, licence in rows().items() if forbidden(licence)} == {}


@pytest.mark.parametrize("licence", ["GPL-3.0-only", "MIT AND AGPL-3.0-only", "BUSL-1.1", "", "Apache-2.0 AND UNKNOWN"])
def test_what_demands_more_is_forbidden(licence: str) -> None:
    assert forbidden(licence)


@pytest.mark.parametrize("licence", [*sorted(ALLOWED), "GPL-2.0-only OR MIT", "MIT AND (BSD-3-Clause OR GPL-3.0-only)"])
def test_a_choice_needs_one_that_is_allowed(licence: str) -> None:
    assert not forbidden(licence)


@pytest.mark.parametrize("file", ["requirements.lock", "audit.lock"])
def test_whatever_is_locked_has_its_hashes(file: str) -> None:
    text = (ROOT / file).read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    assert lines
    assert [line.split()[0] for line in lines if "--hash=sha256:" not in line] == []


def test_installs_demand_the_hashes() -> None:
    for file in ("Makefile", "tests/support/audit.py"):
        assert "--require-hashes" in (ROOT / file).read_text(encoding="utf-8")
