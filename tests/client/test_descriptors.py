"""Processes that serve may open what the system lets them."""

import subprocess
import sys

_SCRIPT = """
import resource
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (64, hard))
from lictor.cli.descriptors import allow_all_descriptors
assert allow_all_descriptors() == hard, resource.getrlimit(resource.RLIMIT_NOFILE)
"""


def test_the_soft_limit_is_raised_to_the_hard_one() -> None:
    done = subprocess.run([sys.executable, "-c", _SCRIPT], capture_output=True, text=True, check=False, timeout=20)
    assert done.returncode == 0, done.stderr
