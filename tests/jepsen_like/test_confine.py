"""Namespaces of the harness: what a run makes is gone with it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lictor_jepsen.confine import is_confined, lacks_namespaces

ROOT = Path(__file__).resolve().parents[2]
INSIDE = """
import os, sys
from lictor_jepsen import confine
if not confine.is_confined():
    become = os.execvp
    os.execvp = lambda file, words: become(file, [*words[: words.index(sys.executable)], sys.executable, sys.argv[0]])
    confine.confine([])
confine.settle()
os.makedirs("/run/netns")
print(os.getpid(), os.listdir("/run"))
"""


def test_tests_run_outside() -> None:
    assert not is_confined()


@pytest.mark.needs("unshare", "nsenter", "ip", "mount")
@pytest.mark.needs_root
def test_root_can_have_namespaces() -> None:
    assert lacks_namespaces() == ""


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert lacks_namespaces() == "there is no program 'unshare' on PATH: install util-linux and iproute2"


@pytest.mark.needs("unshare", "nsenter", "ip", "mount")
@pytest.mark.needs_root
def test_the_inside_has_its_own_mounts_and_is_the_first_process(tmp_path: Path) -> None:
    program = tmp_path / "inside.py"
    program.write_text(INSIDE)
    before = sorted(os.listdir("/run"))
    said = subprocess.run([sys.executable, program], cwd=ROOT, capture_output=True, text=True, timeout=30, check=True)
    assert said.stdout.split(maxsplit=1) == ["1", "['netns']\n"]
    assert sorted(os.listdir("/run")) == before
