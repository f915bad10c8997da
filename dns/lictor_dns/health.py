"""Who is given out, and with which weight, by health. Pure."""

from __future__ import annotations

from lictor_core.records import CRITICAL, NODE_MAINTENANCE_ID, SERVICE_MAINTENANCE_PREFIX, WARNING, ServiceHealth
from lictor_dns.reach import within_number

__all__ = ["is_serving", "weight"]


def is_serving(instance: ServiceHealth, *, only_passing: bool) -> bool:
    """Whether an instance's checks and its node's let it be given out."""
    # A loop, since a generator takes three times as long, and of a thousand instances each is looked at.
    for check in instance.checks:  # noqa: SIM110
        if check.status == CRITICAL or (only_passing and check.status == WARNING):
            return False
    return True


def weight(instance: ServiceHealth) -> int:
    """The SRV weight that the instance was registered with for its present health, 0..65535.

    As in Consul it is 0 for one with a critical check, which is found where a prepared query ignores that check, and
    for one whose check of maintenance is not critical.
    """
    warned = False
    for check in instance.checks:
        if check.status == CRITICAL or _is_of_maintenance(check.check_id):
            return 0
        warned = warned or check.status == WARNING
    weights = instance.service.weights
    return within_number(weights.warning if warned else weights.passing)


def _is_of_maintenance(check_id: str) -> bool:
    return check_id == NODE_MAINTENANCE_ID or check_id.startswith(SERVICE_MAINTENANCE_PREFIX)
