"""`lictor torture`: what it hands on, and what it keeps."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.client.conftest import Command


@pytest.mark.parametrize("words", [(), ("--seconds", "60"), ("run", "-h"), ("check", "--", "x")], ids=" ".join)
def test_words_are_handed_on_as_they_are(
    lonely_command: Command, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    became: list[list[str]] = []
    monkeypatch.setattr(os, "execv", lambda _program, arguments: became.append(list(arguments)))  # pyright: ignore[reportUnknownLambdaType, reportUnknownArgumentType]
    assert lonely_command("torture", *words).exit_code == 0
    assert became == [[sys.executable, "-m", "lictor_jepsen", *words]]


def test_without_the_adversary_it_says_what_lacks(lonely_command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lictor.cli.commands.torture._ADVERSARY", "lictor_not_there")
    printed = lonely_command("torture", "list")
    assert printed.exit_code == 1
    assert "lictor_not_there is not installed" in printed.stderr


@pytest.mark.slow
def test_the_exit_code_is_that_of_the_adversary(tmp_path: Path) -> None:
    (tmp_path / "history.jsonl").write_text("")
    beside = Path(sys.executable).with_name("lictor")
    command = [str(beside), "torture", "check", "--workload=register", str(tmp_path)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 2, "an empty history is judged unknown"
    assert "unknown" in ended.stdout
