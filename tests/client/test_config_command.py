"""`lictor config`: what is told without an agent; all else is in tests/compat (cli/config)."""

from __future__ import annotations

from pathlib import Path

import pytest

from lictor.cli.program import run


def written(tmp_path: Path, text: str, capsys: pytest.CaptureFixture[str]) -> str:
    """What is said of a file that cannot be used."""
    file = tmp_path / "entry"
    file.write_text(text)
    assert run(["config", "write", "-http-addr", "127.0.0.1:1", str(file)]) == 1
    return capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('Kind = "service-splitter"\nName = "web"\nSplits = [{ Wait = 5 }]', "did you mean Weight?"),
        ('{"Kind": "service-router", "Name": "web", "Routes": 5}', "Routes[0]: must be a mapping"),
        ('Kind = "service-ruoter"', "did you mean service-router?"),
        ("Kind = ", "line 1"),
        ('{"Kind": ', "line 1"),
    ],
)
def test_what_is_wrong_with_a_file_is_told_with_its_place(
    text: str, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert told in written(tmp_path, text, capsys)
