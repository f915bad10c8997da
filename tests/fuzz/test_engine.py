"""The engine finds what is planted, and says how to see it again."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fuzz import corpus, engine, targets
from tests.fuzz.engine import hunt, is_available

needs_atheris = pytest.mark.skipif(not is_available(), reason="atheris has no wheel for this Python or machine")


@pytest.mark.slow
@needs_atheris
def test_a_planted_mistake_is_found_and_replays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "FINDS", tmp_path)
    found = hunt("planted", 20, 1)
    assert found.find is not None, found.report
    assert "a planted mistake" in found.report
    with pytest.raises(ValueError, match="a planted mistake"):
        targets.load("planted").run(found.find.read_bytes())


@pytest.mark.slow
@needs_atheris
def test_a_run_without_a_find_says_how_much_it_tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "FINDS", tmp_path)
    found = hunt("reply", 2, 1, keep=tmp_path / "grown")
    assert found.find is None, found.report
    assert found.executions > 100
    assert found.covered > 20
    assert list((tmp_path / "grown").iterdir())


def test_finds_are_not_kept_with_the_corpora() -> None:
    assert not corpus.FINDS.is_relative_to(corpus.CORPUS)
