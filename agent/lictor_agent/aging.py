"""How long the certificates of this agent are still valid, told before they end and after.

Those of files; what `auto_encrypt` brings is renewed by the agent itself, and counts in the figure alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Final, NoReturn

from structlog.typing import FilteringBoundLogger

from lictor_agent.auto_encrypt import AgentCertificate
from lictor_config.tree import Configuration, DoorTls
from lictor_core.clock import Clock
from lictor_core.errors import ConfigurationError

__all__ = ["AGING_S", "LOOK_EVERY_S", "CertificateAges"]

AGING_S: Final = 30 * 86_400.0
"""So long before its end a certificate is told of, or a quarter of its life before, if that is less."""
LOOK_EVERY_S: Final = 3600.0
_TOLD_EVERY_S: Final = 86_400.0
_SPARE_S: Final = 60.0


class CertificateAges:
    """What one agent shows at its doors. All methods belong to one event loop."""

    def __init__(self, clock: Clock, log: FilteringBoundLogger) -> None:
        self._clock = clock
        self._log = log
        self._files: Mapping[str, tuple[float, float]] = {}
        self._given_ends: float | None = None
        self._told_at: dict[str, float] = {}
        """When each file was told of, by the clock that is never set back."""

    def note(self, configuration: Configuration, given: AgentCertificate | None) -> None:
        """From now on these are shown: files that cannot be read are told of by whoever uses them."""
        found = {
            door.cert_file: times
            for door in configuration.tls.doors
            if door.has_certificate and (times := _times(door)) is not None
        }
        self._told_at = {file: at for file, at in self._told_at.items() if found.get(file) == self._files.get(file)}
        self._files = found
        self._given_ends = None if given is None else given.valid_before

    def least_left_s(self) -> float | None:
        """For how many seconds the one that ends first is still valid; None where none is shown."""
        ends = [end for _, end in self._files.values()]
        if self._given_ends is not None:
            ends.append(self._given_ends)
        return min(ends) - self._clock.now() if ends else None

    @asynccontextmanager
    async def telling(self) -> AsyncGenerator[None]:
        """Tell of what ends soon, or has ended, once a day while the block runs."""
        async with asyncio.TaskGroup() as group:
            task = group.create_task(self._run(), name="certificate-ages")
            try:
                yield
            finally:
                task.cancel()

    async def _run(self) -> NoReturn:
        while True:
            self.tell()
            await asyncio.sleep(LOOK_EVERY_S)

    def tell(self) -> None:
        """Tell now what was not told for a day."""
        now = self._clock.monotonic()
        for file, (begin, end) in self._files.items():
            left_s = end - self._clock.now()
            if left_s > min(AGING_S, (end - begin) / 4):
                continue
            if now - self._told_at.get(file, -_TOLD_EVERY_S) < _TOLD_EVERY_S - _SPARE_S:
                continue
            self._told_at[file] = now
            ends = datetime.fromtimestamp(end, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            if left_s > 0:
                self._log.warning("agent.certificate.aging", file=file, ends=ends, left_days=round(left_s / 86_400, 1))
            else:
                self._log.error("agent.certificate.expired", file=file, ended=ends)


def _times(door: DoorTls) -> tuple[float, float] | None:
    from lictor_server import certificate_times  # what reads certificates takes much memory, and most agents show none

    try:
        return certificate_times(door.key("cert_file"), door.cert_file)
    except ConfigurationError:
        return None
