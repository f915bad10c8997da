"""What is asked over DNS, one module an area."""

from tests.compat.scenarios.dns import limits, nodes, packets, services, zone
from tests.support.recorder.dns_scenario import DnsScenario

SCENARIOS: tuple[DnsScenario, ...] = (
    services.SCENARIO,
    nodes.SCENARIO,
    zone.SCENARIO,
    limits.SCENARIO,
    packets.SCENARIO,
)
