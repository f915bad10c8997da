"""What is asked over DNS, one module an area."""

from tests.compat.scenarios.dns import edns, huge, limits, nodes, packets, services, variants, zone
from tests.support.recorder.dns_scenario import DnsScenario

SCENARIOS: tuple[DnsScenario, ...] = (
    services.SCENARIO,
    nodes.SCENARIO,
    zone.SCENARIO,
    limits.SCENARIO,
    packets.SCENARIO,
    edns.SCENARIO,
    huge.SCENARIO,
    *variants.SCENARIOS,
)
