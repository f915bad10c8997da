"""The recorder, run again on the real Consul, repeats what it recorded."""

import subprocess
import sys
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]
# One of each kind: the others are compared by `python -m tests.support.recorder check` when a scenario changes.
_AREAS = ("http/status", "dns/zone", "cli/catalog")


@pytest.mark.slow
@pytest.mark.needs("consul")
@pytest.mark.parametrize("area", _AREAS)
def test_the_real_consul_repeats_itself(area: str) -> None:
    command = [sys.executable, "-m", "tests.support.recorder", "check", area]
    done = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, check=False, timeout=90)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout == f"{area}: as recorded\n"
