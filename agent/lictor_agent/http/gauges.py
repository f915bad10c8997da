"""Everything about this agent that is a state rather than an event, for whoever reads figures."""

from __future__ import annotations

from contextlib import suppress
from typing import Final

from lictor_agent.http.site import Site
from lictor_core.ca_status import CALedgerQuery, ca_status
from lictor_core.commands import ReadMode
from lictor_core.errors import LictorError, PermissionDeniedError
from lictor_core.metrics import Gauge
from lictor_core.registry import ReadOptions

__all__ = ["all_gauges"]

_MS_PER_S: Final = 1000.0
_DAY_S: Final = 86_400.0


async def all_gauges(site: Site) -> list[Gauge]:
    """All gauges now, by name."""
    found = [*site.meter.gauges(), *_local(site), *await _talkers(site)]
    with suppress(LictorError):  # figures must be there above all when the cluster is not
        found += await _raft(site)
    return sorted(found)


async def _talkers(site: Site) -> list[Gauge]:
    talkers, gate = site.talkers, site.agent.gate
    if talkers is None:
        return []

    async def accessor_of(secret: str) -> str:
        try:
            return (await gate.caller(secret)).accessor_id if gate.is_on else ""
        except LictorError:
            return ""

    return [*talkers.clients(), *await talkers.tokens(accessor_of)]


def _local(site: Site) -> list[Gauge]:
    local = site.agent.local
    by_status: dict[str, int] = {"passing": 0, "warning": 0, "critical": 0}
    for one in local.checks.values():
        by_status[one.check.status] = by_status.get(one.check.status, 0) + 1
    checks = [Gauge("agent.checks", count, (("status", status),)) for status, count in by_status.items()]
    listeners = site.listeners
    return [
        *checks,
        *_leaves(site),
        *_certificates(site),
        Gauge("agent.services", len(local.services)),
        Gauge("agent.log_listeners", 0 if listeners is None else len(listeners)),
    ]


def _leaves(site: Site) -> list[Gauge]:
    left_s = site.agent.leaf_left_s()
    return [] if left_s is None else [Gauge("agent.leaf.expiry", round(left_s))]


def _certificates(site: Site) -> list[Gauge]:
    left_s = site.agent.certificate_left_s()
    return [] if left_s is None else [Gauge("agent.tls.cert.expiry", round(left_s))]


async def _raft(site: Site) -> list[Gauge]:
    if not site.agent.identity.server:
        return []
    status = await site.registry.leader_status()
    found = [
        Gauge("raft.applied_index", status.applied_index),
        Gauge("raft.commit_index", status.commit_index),
        Gauge("raft.last_index", status.last_index),
        Gauge("raft.is_leader", int(status.is_self)),
    ]
    if status.last_contact_s is not None:
        found.append(Gauge("raft.last_contact_ms", round(status.last_contact_s * _MS_PER_S, 3)))
    if status.is_self:
        health = await site.registry.autopilot_health()
        found.append(Gauge("autopilot.healthy", int(health.healthy)))
        found.append(Gauge("autopilot.failure_tolerance", health.failure_tolerance))
        found += await _authority(site)
    return found


async def _authority(site: Site) -> list[Gauge]:
    """For how many seconds the certificates still live that leaves depend on, by later Consul's names."""
    now = site.clock.now()
    options = ReadOptions(mode=ReadMode.STALE, token=site.agent.gate.slots.for_node)
    try:
        ledger = (await site.registry.read(CALedgerQuery(), options)).value
    except PermissionDeniedError:
        return []  # the agent's own token need not be an operator's
    status = ca_status(ledger, now)
    for root in status.roots:
        if root.active:
            return [
                Gauge("mesh.active-root-ca.expiry", round(root.days_left * _DAY_S)),
                Gauge("mesh.active-signing-ca.expiry", round(root.signer_days_left * _DAY_S)),
            ]
    return []
