"""The proxies of this host as they told of themselves: in memory, for as long as they are registered and tell.

There are no more of them than instances, which `local` bounds.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from lictor_agent.local import LocalState
from lictor_core.clock import Clock
from lictor_core.errors import NotFoundError
from lictor_core.proxy_status import SILENT_S_MAX, ProxyPolicy, ProxyReport, ProxyStatus, check_report

__all__ = ["Proxies"]


@dataclass(frozen=True, slots=True)
class _Told:
    report: ProxyReport
    at: float


class Proxies:
    """What is known of the proxies of one agent. All methods belong to the event loop."""

    def __init__(self, local: LocalState, node_name: str, clock: Clock) -> None:
        self._local = local
        self._node_name = node_name
        self._clock = clock
        self._told: dict[str, _Told] = {}
        self.changed = asyncio.Event()
        """Set when which policy runs where has changed; cleared by who looks."""

    def report(self, proxy_id: str, report: ProxyReport) -> None:
        """A proxy tells of itself: when something changed, and every `REPORT_EVERY_S`.

        Raises `NotFoundError` for one that is not registered at this agent, `RequestError` for what cannot be meant.
        """
        checked = check_report(report)
        if proxy_id not in self._local.services:
            raise NotFoundError(f"no proxy {proxy_id!r} is registered at this agent: register it first")
        before = self._told.get(proxy_id)
        self._told[proxy_id] = _Told(checked, self._clock.monotonic())
        if before is None or before.report.policy_index != checked.policy_index:
            self.changed.set()

    def forget(self, proxy_id: str) -> None:
        """The proxy is gone, as far as this agent can see: nothing is known of it any more."""
        if self._told.pop(proxy_id, None) is not None:
            self.changed.set()

    @property
    def any(self) -> bool:
        """Whether any proxy told of itself, lately or not."""
        return bool(self._told)

    def all(self) -> list[ProxyStatus]:
        """The proxies that told of themselves, by id."""
        self._prune()
        now = self._clock.monotonic()
        return [
            ProxyStatus(
                proxy_id=proxy_id,
                node=self._node_name,
                service=self._service(proxy_id),
                reported_ms=round((now - told.at) * 1000),
                data_plane=told.report.data_plane,
                version=told.report.version,
                policy_index=told.report.policy_index,
                config_age_ms=told.report.config_age_ms,
                leaf_valid_before=told.report.leaf_valid_before,
                rejected=told.report.rejected,
            )
            for proxy_id, told in sorted(self._told.items())
        ]

    def policies(self) -> list[ProxyPolicy]:
        """Which policy each of them runs, by id."""
        self._prune()
        now = self._clock.monotonic()
        return [
            ProxyPolicy(
                proxy_id=proxy_id,
                node=self._node_name,
                service=self._service(proxy_id),
                policy_index=told.report.policy_index,
                age_ms=round((now - told.at) * 1000),
            )
            for proxy_id, told in sorted(self._told.items())
        ]

    def _prune(self) -> None:
        oldest = self._clock.monotonic() - SILENT_S_MAX
        services = self._local.services
        gone = [one for one, told in self._told.items() if told.at < oldest or one not in services]
        for proxy_id in gone:
            del self._told[proxy_id]

    def _service(self, proxy_id: str) -> str:
        service = self._local.services[proxy_id].service
        return service.proxy.destination_service_name or service.service
