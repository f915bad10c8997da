"""What `lictor exec` knows of the nodes that carry a command out, from the keys that they write. Pure.

The keys are Consul's: below the session's prefix each node has `ack` once it took the job, `out/00000` and so on with
its output, an empty one for a sign of life, and `exit` with the exit code.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from typing import Final, NamedTuple

__all__ = ["Answer", "AnswerKind", "Answers", "event_payload", "exit_code", "job_value", "output_lines"]

_NANOSECONDS: Final = 1_000_000_000


class AnswerKind(enum.Enum):
    """What a node told by a key."""

    ACKNOWLEDGED = "ack"
    OUTPUT = "out"
    EXITED = "exit"


class Answer(NamedTuple):
    """One key of one node."""

    node: str
    kind: AnswerKind
    key: str


class Answers:
    """The keys below a prefix, each told once, and how many nodes began and ended."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._seen: set[str] = set()
        self.acknowledged = 0
        self.exited = 0

    @property
    def some_run(self) -> bool:
        """Whether a node that began has not ended."""
        return self.acknowledged > self.exited

    def news(self, keys: Iterable[str]) -> list[Answer]:
        """What is new in `keys`, in their order."""
        found: list[Answer] = []
        for key in keys:
            if key in self._seen:
                continue
            self._seen.add(key)
            if (answer := self._answer(key)) is not None:
                found.append(answer)
                self.acknowledged += answer.kind is AnswerKind.ACKNOWLEDGED
                self.exited += answer.kind is AnswerKind.EXITED
        return found

    def _answer(self, key: str) -> Answer | None:
        """The name of a node may have slashes: what is behind it is read from the end."""
        parts = key.removeprefix(self._prefix).split("/")
        if len(parts) >= 3 and parts[-2] == AnswerKind.OUTPUT.value:
            return Answer("/".join(parts[:-2]), AnswerKind.OUTPUT, key)
        if len(parts) >= 2 and parts[-1] in (AnswerKind.ACKNOWLEDGED.value, AnswerKind.EXITED.value):
            return Answer("/".join(parts[:-1]), AnswerKind(parts[-1]), key)
        return None


def job_value(*, command: str = "", words: list[str] | None = None, script: bytes = b"", wait_s: float) -> bytes:
    """The value of the key `job`: a line for a shell, words or a script, and how long silence is borne."""
    from base64 import b64encode
    from json import dumps

    job: dict[str, object] = {}
    if command:
        job["Command"] = command
    if words:
        job["Args"] = words
    if script:
        job["Script"] = b64encode(script).decode()
    return dumps({**job, "Wait": round(wait_s * _NANOSECONDS)}).encode()


def event_payload(prefix: str, session: str) -> bytes:
    """The payload of the event that tells nodes where the job is."""
    from json import dumps

    return dumps({"Prefix": prefix, "Session": session}).encode()


def exit_code(value: bytes | None) -> int | None:
    """The exit code in the value of a key `exit`; None when there is none."""
    text = (value or b"").strip()
    return int(text) if text.isdigit() and len(text) < 10 else None


def output_lines(node: str, output: bytes) -> bytes:
    """A part of a node's output as it is shown: every line under the node's name."""
    head = f"    {node}:".encode()
    lines = output.split(b"\n")
    shown = [head + b" " + line for line in lines[:-1]]
    return b"".join(line + b"\n" for line in [*shown, head + b" " + lines[-1] if lines[-1] else head])
