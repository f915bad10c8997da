"""All routes of the HTTP API."""

from __future__ import annotations

from typing import Final

from lictor_agent.http import (
    acl,
    agent_checks,
    agent_connect,
    agent_health,
    agent_local,
    agent_self,
    agent_services,
    ca,
    catalog,
    config_entries,
    coordinates,
    discovery_chain,
    events,
    federation,
    health,
    intentions,
    intentions_exact,
    keyring,
    kv,
    metrics,
    monitor,
    openapi,
    operator,
    pprof,
    queries,
    sessions,
    snapshot,
    status,
    transactions,
    ui,
)
from lictor_agent.http.router import Route

__all__ = ["ROUTES"]

ROUTES: Final[tuple[Route, ...]] = (
    *status.ROUTES,
    *agent_self.ROUTES,
    *monitor.ROUTES,
    *metrics.ROUTES,
    *agent_services.ROUTES,
    *agent_checks.ROUTES,
    *agent_health.ROUTES,
    *agent_local.ROUTES,
    *agent_connect.ROUTES,
    *catalog.ROUTES,
    *health.ROUTES,
    *coordinates.ROUTES,
    *kv.ROUTES,
    *intentions.ROUTES,
    *intentions_exact.ROUTES,
    *ca.ROUTES,
    *config_entries.ROUTES,
    *discovery_chain.ROUTES,
    *operator.ROUTES,
    *sessions.ROUTES,
    *events.ROUTES,
    *transactions.ROUTES,
    *queries.ROUTES,
    *snapshot.ROUTES,
    *keyring.ROUTES,
    *acl.ROUTES,
    *ui.ROUTES,
    *federation.ROUTES,
    *pprof.ROUTES,
    *openapi.ROUTES,
)
