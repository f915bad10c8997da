"""What a test needs of the machine: skipped with the reason when it is missing, failed where CI promised it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Final, NoReturn

import pytest

__all__ = ["REQUIRE_ALL", "lack", "need_consul_discovery"]

REQUIRE_ALL: Final = "LICTOR_REQUIRE_ALL"
"""Set in CI: whatever a test lacks is a failure."""


def lack(reason: str) -> NoReturn:
    """End this test because the machine lacks something: skipped, or failed under `REQUIRE_ALL`."""
    if os.environ.get(REQUIRE_ALL):
        pytest.fail(f"{REQUIRE_ALL} is set but this machine lacks what the test needs: {reason}")
    pytest.skip(reason)


def need_consul_discovery(configuration: Path) -> None:
    """End this test unless the installed Prometheus takes `configuration`, which uses `consul_sd_configs`.

    Debian has built Prometheus without that discovery since it dropped Consul.
    """
    checked = subprocess.run(
        ["promtool", "check", "config", configuration], capture_output=True, text=True, check=False, timeout=20
    )
    if "consul_sd_configs not found" in checked.stderr:
        lack("this build of Prometheus has no discovery by Consul")
    assert checked.returncode == 0, checked.stderr
