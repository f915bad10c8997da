"""Clients of other languages and ages, in processes of their own: all their calls, by the programs beside this test."""

import os
import subprocess
from pathlib import Path
from typing import Final

import pytest

from tests.support.agents import NODE, DevAgent
from tests.support.recorder.json_types import as_object, parse
from tests.support.requirements import lack

pytestmark = pytest.mark.slow

PROGRAMS: Final = Path(__file__).parent / "programs"
NEEDS_OTHERS: Final = ["agent.forceLeave", "agent.force_leave", "agent.join"]
"""They need a second agent."""
PYTHON: Final = "/usr/bin/python3"
"""Debian's own, which finds Debian's packages."""
SECONDS_MAX: Final = 90


@pytest.mark.needs("node-with-consul")
def test_every_call_of_npms_consul_is_answered(agent: DevAgent) -> None:
    check(["node-with-consul", str(PROGRAMS / "npm_consul.cjs")], agent)


def test_every_call_of_debians_python3_consul_is_answered(agent: DevAgent) -> None:
    if not Path("/usr/lib/python3/dist-packages/consul/base.py").exists() or not os.access(PYTHON, os.X_OK):
        lack("Debian's package python3-consul is not installed")
    check([PYTHON, "-W", "ignore", str(PROGRAMS / "python3_consul.py")], agent)


def check(argv: list[str], agent: DevAgent) -> None:
    """Run a program, which tells what was not answered as it must be, and which calls it did not make."""
    ended = subprocess.run(
        [*argv, agent.http_address, NODE], capture_output=True, text=True, check=False, timeout=SECONDS_MAX
    )
    assert ended.returncode == 0, ended.stderr
    found = as_object(parse(ended.stdout.encode()))
    assert found["wrong"] == []
    left = found["left"]
    assert isinstance(left, list)
    assert [name for name in left if name not in NEEDS_OTHERS] == []
