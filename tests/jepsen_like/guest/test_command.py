"""Which workloads may be guests, and in which words the others are refused."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from lictor_jepsen.guest.command import GUESTS
from tests.jepsen_like.guest.host import lictor

FILE = """
[[server]]
name = "s1"
http = "http://127.0.0.1:1"

[[fault]]
name = "pause"
begin = ["true"]
end = ["true"]
"""
WITH_DNS = FILE.replace("[[fault]]", "dns = '127.0.0.1:2'\n[[fault]]", 1)


def _torture(folder: Path, text: str, *words: str) -> subprocess.CompletedProcess[str]:
    (folder / "c.toml").write_text(text)
    return lictor(folder, "torture", "--cluster=c.toml", *words)


def _said(ended: subprocess.CompletedProcess[str]) -> str:
    """In one line, without the frame that is drawn around it."""
    return " ".join(ended.stderr.replace("│", " ").split())


def test_guests_are_those_whose_traces_can_be_taken_away() -> None:
    assert set(GUESTS) == {
        *("append", "blocking", "cas", "catalog", "lock", "names", "register", "sessions", "set", "txn"),
    }


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--workload=snapshot",), "'snapshot' needs a cluster of its own, since it restores snapshots over all data"),
        (("--workload=membership",), "since it adds and removes servers, and lets them lose their data"),
        (("--workload=upgrade",), "since it ends every server and agent and starts another version"),
        (("--workload=intentions",), "since it starts agents, proxies and applications"),
        (("--workload=ca",), "since it changes the root that all of the mesh trusts"),
        (("--workload=register,tea",), "'tea' is none: there are append, blocking"),
        (("--workload=names",), "'names' asks DNS: say dns ="),
        (("--nemesis=earthquake",), "the file has pause"),
    ],
)
def test_what_cannot_be_run_as_a_guest_is_refused_with_its_reason(
    tmp_path: Path, words: tuple[str, ...], said: str
) -> None:
    ended = _torture(tmp_path, FILE, *words, "--yes", "--store=store")
    assert ended.returncode == 2
    assert said in _said(ended)
    assert not (tmp_path / "store").exists()


def test_names_are_not_judged_where_nobody_says_how_old_answers_may_be(tmp_path: Path) -> None:
    assert "say dns_max_stale_s" in _said(_torture(tmp_path, WITH_DNS, "--workload=names", "--dry-run"))
    told = _torture(tmp_path, f"dns_max_stale_s = 2.0\n{WITH_DNS}", "--workload=names", "--dry-run")
    assert told.returncode == 0, told.stderr
    assert "asks DNS at 127.0.0.1:2" in told.stdout
