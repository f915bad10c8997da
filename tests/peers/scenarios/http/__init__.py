"""What is asked over HTTP, one module an area."""

from tests.peers.scenarios.http import (
    agent_checks,
    agent_maintenance,
    agent_self,
    agent_services,
    alias_checks,
    bad_input,
    blocking,
    catalog,
    connect,
    connect_proxies,
    filters,
    health,
    intentions,
    kv,
    operator,
    options,
    snapshot,
    status,
)
from tests.support.recorder.scenario import Scenario

SCENARIOS: tuple[Scenario, ...] = (
    status.SCENARIO,
    agent_self.SCENARIO,
    agent_services.SCENARIO,
    connect_proxies.SCENARIO,
    agent_checks.SCENARIO,
    alias_checks.SCENARIO,
    agent_maintenance.SCENARIO,
    catalog.SCENARIO,
    health.SCENARIO,
    kv.SCENARIO,
    connect.SCENARIO,
    intentions.SCENARIO,
    blocking.SCENARIO,
    filters.SCENARIO,
    options.SCENARIO,
    operator.SCENARIO,
    bad_input.SCENARIO,
    snapshot.SCENARIO,
)
