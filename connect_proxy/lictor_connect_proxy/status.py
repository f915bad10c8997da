"""Tells the agent what the proxy runs: at once when that changes, and often enough not to be taken for silent.

An agent that knows no such thing, as Consul's, is not asked again for `_ASK_AGAIN_S`, without a word.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Final, Protocol
from urllib.parse import quote

from lictor_connect_proxy.snapshot import ProxySnapshot
from lictor_core.codec import to_json
from lictor_core.errors import LictorError, NotFoundError
from lictor_core.proxy_status import BUILT_IN, REPORT_EVERY_S, ProxyReport, RejectedResource
from lictor_core.version import semantic_version

__all__ = ["StatusTeller", "report_of"]

_ASK_AGAIN_S: Final = 60.0
_SETTLE_S: Final = 0.02
"""Between news and telling it: all proxies of a host get such news at once, and they shall carry it out first."""


class Told(Protocol):
    """Who takes reports: an agent, by PUT."""

    async def put(self, path: str, body: bytes = b"") -> object: ...


def report_of(
    snapshot: ProxySnapshot, rejected: tuple[RejectedResource, ...], ages_s: Mapping[str, float]
) -> ProxyReport:
    """What is told of a proxy that runs `snapshot`."""
    return ProxyReport(
        data_plane=BUILT_IN,
        version=semantic_version(),
        policy_index=snapshot.policy.index if snapshot.policy is not None else 0,
        config_age_ms=round(1000 * max(ages_s.values(), default=0.0)),
        leaf_valid_before=snapshot.leaf.valid_before if snapshot.leaf is not None else "",
        rejected=rejected,
    )


class StatusTeller:
    """Tells of one registered proxy; `report` makes what is told, `look` says that it may have changed."""

    def __init__(self, agent: Told, proxy_id: str, report: Callable[[], ProxyReport]) -> None:
        self._agent = agent
        self._path = f"/v1/agent/connect/proxies/{quote(proxy_id, safe='')}"
        self._report = report
        self._changed = asyncio.Event()
        self._last: tuple[object, ...] = ()

    def look(self) -> None:
        """Tell soon, if there is news."""
        if _news(self._report()) != self._last:
            self._changed.set()

    async def run(self) -> None:
        """Tell until cancelled."""
        while True:
            self._changed.clear()
            report = self._report()
            pause_s = REPORT_EVERY_S
            try:
                await self._agent.put(self._path, to_json(report))
                self._last = _news(report)
            except NotFoundError:
                pause_s = _ASK_AGAIN_S
            except LictorError:
                # The feed tells of an agent that is away.
                pass
            try:
                async with asyncio.timeout(pause_s):
                    await self._changed.wait()
                await asyncio.sleep(_SETTLE_S)
            except TimeoutError:
                self.look()


def _news(report: ProxyReport) -> tuple[object, ...]:
    return report.policy_index, report.leaf_valid_before, report.rejected
