"""What is asked over DNS, one module an area."""

from tests.compat.scenarios.dns import (
    addresses,
    behind,
    edns,
    gateways,
    health,
    huge,
    limits,
    nodes,
    packets,
    queries,
    recursion,
    services,
    variants,
    zone,
)
from tests.support.recorder.dns_scenario import DnsScenario

SCENARIOS: tuple[DnsScenario, ...] = (
    services.SCENARIO,
    nodes.SCENARIO,
    zone.SCENARIO,
    limits.SCENARIO,
    packets.SCENARIO,
    queries.SCENARIO,
    gateways.SCENARIO,
    addresses.SCENARIO,
    health.SCENARIO,
    edns.SCENARIO,
    huge.SCENARIO,
    recursion.SCENARIO,
    *behind.SCENARIOS,
    *variants.SCENARIOS,
)
