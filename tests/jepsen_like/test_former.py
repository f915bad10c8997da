"""A former version, out of a wheel."""

from __future__ import annotations

import subprocess
import zipfile
from pathlib import Path

import pytest

from lictor_jepsen import former
from lictor_jepsen.former import FormerError, newest_former, unpacked


def _wheel(folder: Path, says: str) -> Path:
    path = folder / f"{says}.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("lictor/__init__.py", "")
        archive.writestr("lictor/cli/__init__.py", f"import sys\n\ndef main():\n    print({says!r}, *sys.argv[1:])\n")
    return path


def test_the_command_starts_what_is_in_the_wheel_and_not_what_is_installed_here(tmp_path: Path) -> None:
    commands = [unpacked(_wheel(tmp_path, says), tmp_path / "former") for says in ("older", "oldest")]
    for command, says in zip(commands, ("older", "oldest"), strict=True):
        said = subprocess.run([*command, "agent", "-x"], capture_output=True, text=True, timeout=60, check=True)
        assert said.stdout == f"{says} agent -x\n"
    assert unpacked(tmp_path / "older.whl", tmp_path / "former") == commands[0]


def test_what_is_no_wheel_of_lictor_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.whl").write_text("x")
    with pytest.raises(FormerError, match="cannot be read"):
        unpacked(tmp_path / "text.whl", tmp_path)
    with zipfile.ZipFile(tmp_path / "other.whl", "w") as archive:
        archive.writestr("other.py", "")
    with pytest.raises(FormerError, match="is no wheel of lictor"):
        unpacked(tmp_path / "other.whl", tmp_path)


def test_without_history_or_release_it_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(former, "_CHECKOUT", tmp_path)
    with pytest.raises(FormerError, match="--from-wheel"):
        newest_former()
    git = ["git", "-c", "user.name=x", "-c", "user.email=x@example.org", "-C", str(tmp_path)]
    for words in (["init", "-q"], ["commit", "-q", "--allow-empty", "-m", "x"]):
        subprocess.run([*git, *words], check=True, timeout=60)
    with pytest.raises(FormerError, match="no release yet"):
        newest_former()
    for tag in ("v0.9.0", "v0.10.0"):
        subprocess.run([*git, "tag", tag], check=True, timeout=60)
    assert newest_former() == "v0.10.0"
