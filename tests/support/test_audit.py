"""Weaknesses that an index knows are told, and fail; what it does not know is said, and does not."""

from __future__ import annotations

import json

import pytest

from tests.support import audit
from tests.support.audit import Verdict, verdict
from tests.support.recorder.json_types import Json

_WEAK: Json = {
    "dependencies": [
        {"name": "a", "version": "1.0", "vulns": [{"id": "PYSEC-1", "fix_versions": ["1.1"], "aliases": ["CVE-2"]}]},
        {"name": "b", "version": "2.0", "vulns": []},
        {"name": "c", "skip_reason": "not found"},
    ],
    "fixes": [],
}


def test_a_report_is_told_in_lines() -> None:
    assert verdict(json.dumps(_WEAK).encode()) == Verdict(("a 1.0: PYSEC-1, CVE-2; mended in 1.1",), 2, 1)


@pytest.mark.parametrize(
    ("found", "code", "said"),
    [
        (Verdict(("a 1.0: PYSEC-1; mended in 1.1",), 2, 1), 1, "PYSEC-1"),
        (Verdict((), 3, 0), 0, "3 packages judged"),
        (Verdict((), 0, 3), 0, "nothing was judged"),
        ("no answer within 300 s", 0, "nothing was judged: no answer"),
    ],
)
def test_only_a_known_weakness_fails(
    found: Verdict | str, code: int, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(audit, "audit", lambda: found)
    assert audit.main() == code
    assert said in capsys.readouterr().out
