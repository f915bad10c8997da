"""What others ask to be run, and the keys by which both sides speak of it. Pure.

Source: what Consul 1.8.7 writes and reads (`tests/compat`): an event `_rexec` names a prefix and a session; the key
`job` below both says what to run; each node answers below its own name with `ack`, `out/00000` and so on, and `exit`.
"""

from __future__ import annotations

from typing import Final

import msgspec

from lictor_core.codec import from_json
from lictor_core.errors import RequestError

__all__ = ["EVENT", "Call", "Job", "read_call", "read_job"]

EVENT: Final = "_rexec"
_WAIT_S_MIN: Final = 0.2
_WAIT_S_MAX: Final = 600.0
_NANOSECONDS: Final = 1_000_000_000


class Call(msgspec.Struct, frozen=True, rename="pascal"):
    """What an event says: below which prefix, and by which session, a job is told."""

    prefix: str
    session: str

    def job_key(self) -> str:
        """Where the job is."""
        return f"{self.prefix}/{self.session}/job"

    def key(self, node: str, name: str) -> str:
        """Where a node writes one of its answers."""
        return f"{self.prefix}/{self.session}/{node}/{name}"

    def output_key(self, node: str, number: int) -> str:
        """Where a node writes a part of its output, from 0."""
        return self.key(node, f"out/{number:05x}")


class Job(msgspec.Struct, frozen=True, rename="pascal"):
    """What to run: a line for a shell, words, or the text of a script; and how long whoever asks waits in silence."""

    command: str = ""
    args: list[str] | None = None
    script: bytes | None = None
    wait: int = 0

    @property
    def wait_s(self) -> float:
        """After so many seconds without output whoever asks wants to hear that the job still runs."""
        return min(max(self.wait / _NANOSECONDS, _WAIT_S_MIN), _WAIT_S_MAX)


def read_call(payload: bytes | None) -> Call:
    """What an event's payload says. Raises `RequestError`."""
    call = from_json(payload or b"", Call)
    if not call.prefix or not call.session or "/" in call.session:
        raise RequestError("the payload names no prefix and session")
    return call


def read_job(value: bytes | None) -> Job:
    """What the value of the key `job` says. Raises `RequestError`."""
    return from_json(value or b"", Job)
