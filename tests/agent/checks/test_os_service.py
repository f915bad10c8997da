"""OS service checks with a `systemctl` that answers as systemd's does, and without one."""

from __future__ import annotations

from pathlib import Path

import pytest

from lictor_config.definitions import CheckDefinition
from lictor_core.records import CRITICAL, PASSING
from tests.agent.checks.asking import asked

_SYSTEMCTL = """#!/bin/sh
[ "$1 $2" = "is-active --" ] || exit 9
case "$3" in
  web) echo active;;
  again) echo reloading;;
  broken) echo failed; exit 3;;
  gone) echo inactive; exit 4;;
  begins) echo activating; exit 3;;
  quiet) exit 1;;
  slow) sleep 60;;
esac
"""


@pytest.fixture
def systemctl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "systemctl"
    program.write_text(_SYSTEMCTL)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")


@pytest.mark.usefixtures("systemctl")
@pytest.mark.parametrize(
    ("unit", "status", "output"),
    [
        ("web", PASSING, 'Service "web" is healthy: active'),
        ("again", PASSING, 'Service "again" is healthy: reloading'),
        ("broken", CRITICAL, 'Service "broken" is unhealthy: failed'),
        ("gone", CRITICAL, 'Service "gone" is unhealthy: inactive'),
        ("begins", CRITICAL, 'Service "begins" is unhealthy: activating'),
        ("quiet", CRITICAL, 'Service "quiet" is unhealthy: systemctl ended with 1'),
        ("--all", CRITICAL, 'Service "--all" is unhealthy: systemctl ended with 0'),
    ],
)
async def test_a_unit_is_healthy_while_systemd_says_it_runs(unit: str, status: str, output: str) -> None:
    result = await asked(CheckDefinition(os_service=unit))
    assert (result.status, result.output) == (status, output)


@pytest.mark.usefixtures("systemctl")
async def test_no_answer_in_time_is_critical() -> None:
    result = await asked(CheckDefinition(os_service="slow", timeout_s=0.5))
    reason = "Timed out (500ms) running check"
    assert (result.status, result.output) == (CRITICAL, f'Service "slow" cannot be looked at: {reason}')


async def test_a_machine_without_systemd_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    result = await asked(CheckDefinition(os_service="web"))
    reason = 'exec: "systemctl": executable file not found in $PATH'
    assert (result.status, result.output) == (CRITICAL, f'Service "web" cannot be looked at: {reason}')
