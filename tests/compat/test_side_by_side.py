"""Lictor and the real Consul are asked the same at once, and give the same."""

import subprocess
import sys
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]
# A few of each kind: all of them by `python -m tests.support.recorder beside`, which takes some minutes.
_AREAS = ("http/status", "http/kv", "http/bad_catalog", "dns/zone", "dns/edns", "cli/catalog")


@pytest.mark.slow
@pytest.mark.needs("consul")
@pytest.mark.parametrize("area", _AREAS)
def test_both_give_the_same(area: str) -> None:
    command = [sys.executable, "-m", "tests.support.recorder", "beside", area]
    done = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, check=False, timeout=100)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith("both the same\n")
