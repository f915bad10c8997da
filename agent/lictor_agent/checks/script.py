"""Script checks: a program's exit code is the status, what it prints the output.

Source: Consul's document `docs/discovery/checks`: 0 passing, 1 warning, anything else critical; 30 seconds at most.
"""

from __future__ import annotations

from typing import Final

from lictor_agent.checks.program import ProgramError, run_program
from lictor_agent.checks.status import Result
from lictor_config.definitions import CheckDefinition
from lictor_core.records import CRITICAL, PASSING, WARNING

__all__ = ["TIMEOUT_S", "check_script"]

TIMEOUT_S: Final = 30.0
"""How long a program may run where the definition does not say."""


async def check_script(definition: CheckDefinition, output_bytes_max: int) -> Result:
    """Run the program of `definition` once. When this coroutine ends, also by cancellation, so has the program."""
    try:
        ran = await run_program(definition.args, definition.timeout_s or TIMEOUT_S, output_bytes_max)
    except ProgramError as error:
        return Result(CRITICAL, str(error))
    return Result({0: PASSING, 1: WARNING}.get(ran.exit_code, CRITICAL), ran.output)
