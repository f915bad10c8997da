"""OS service checks: whether systemd says that a unit runs. Source: Consul's documentation of its `os_service` checks.

`systemctl is-active` is asked, which needs no right beyond the bus that everybody may read. A unit that starts, stops,
failed or does not exist is critical, and so is everything on a machine without systemd.
"""

from __future__ import annotations

from typing import Final

from lictor_agent.checks.program import ProgramError, run_program
from lictor_agent.checks.status import Result
from lictor_config.definitions import CheckDefinition
from lictor_core.records import CRITICAL, PASSING

__all__ = ["TIMEOUT_S", "check_os_service"]

TIMEOUT_S: Final = 10.0
"""How long the answer may take where the definition does not say."""
_OUTPUT_BYTES_MAX: Final = 1024
_RUNS: Final = ("active", "reloading", "refreshing")


async def check_os_service(definition: CheckDefinition) -> Result:
    """Ask for the unit of `definition` once."""
    unit = definition.os_service
    command = ("systemctl", "is-active", "--", unit)
    try:
        ran = await run_program(command, definition.timeout_s or TIMEOUT_S, _OUTPUT_BYTES_MAX)
    except ProgramError as error:
        return Result(CRITICAL, f'Service "{unit}" cannot be looked at: {error}')
    said = ran.output.strip()
    if said in _RUNS:
        return Result(PASSING, f'Service "{unit}" is healthy: {said}')
    return Result(CRITICAL, f'Service "{unit}" is unhealthy: {said or f"systemctl ended with {ran.exit_code}"}')
