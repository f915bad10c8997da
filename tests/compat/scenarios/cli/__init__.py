"""What is typed at the command line, one module an area."""

from tests.compat.scenarios.cli import (
    agent,
    catalog,
    config,
    connect,
    everywhere,
    intentions,
    kv,
    locks,
    maint,
    namespaces,
    odd_keys,
    operator,
    remote_exec,
    services,
    snapshot,
    tls,
    validate,
    watch,
)
from tests.support.recorder.cli_scenario import CliScenario

SCENARIOS: tuple[CliScenario, ...] = (
    agent.SCENARIO,
    catalog.SCENARIO,
    config.SCENARIO,
    connect.SCENARIO,
    everywhere.SCENARIO,
    services.SCENARIO,
    kv.SCENARIO,
    odd_keys.SCENARIO,
    locks.SCENARIO,
    maint.SCENARIO,
    namespaces.SCENARIO,
    snapshot.SCENARIO,
    intentions.SCENARIO,
    operator.SCENARIO,
    remote_exec.SCENARIO,
    tls.SCENARIO,
    validate.SCENARIO,
    watch.SCENARIO,
)
