"""What agents do without."""

from __future__ import annotations

import subprocess
import sys

import pytest

SPARED = """
import sys
import lictor_agent
assert "structlog" in sys.modules
assert "rich" not in sys.modules
import rich.table
import structlog
"""
THERE = """
import rich
import lictor_agent.sparing
lictor_agent.sparing.import_structlog()
import structlog
"""


@pytest.mark.parametrize("program", [SPARED, THERE], ids=["spared", "there already"])
def test_structlog_comes_without_rich_which_others_may_import_all_the_same(program: str) -> None:
    subprocess.run([sys.executable, "-c", program], timeout=60, check=True)
