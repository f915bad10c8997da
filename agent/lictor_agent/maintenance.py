"""Maintenance: a critical check that somebody puts on a node or an instance to take it out of use.

Source: Consul's documents `api-docs/agent/index` and `api-docs/agent/service`; the ids and names are Consul's, since
clients and the summary of health know maintenance by them.
"""

from __future__ import annotations

from typing import Final

from lictor_agent.local import LocalCheck
from lictor_core.records import (
    CRITICAL,
    NODE_MAINTENANCE_ID,
    SERVICE_MAINTENANCE_PREFIX,
    Check,
    CheckDefinition,
    Service,
)

__all__ = ["is_maintenance", "node_check", "service_check", "service_check_id"]

_TYPE: Final = "maintenance"
_NO_REASON: Final = "Maintenance mode is enabled for this {}, but no reason was provided. This is a default message."


def service_check_id(service_id: str) -> str:
    """The id of an instance's maintenance check."""
    return SERVICE_MAINTENANCE_PREFIX + service_id


def is_maintenance(check_id: str) -> bool:
    """Whether a check is one of maintenance."""
    return check_id == NODE_MAINTENANCE_ID or check_id.startswith(SERVICE_MAINTENANCE_PREFIX)


def node_check(node: str, reason: str, token: str = "") -> LocalCheck:
    """The check that puts the whole node into maintenance."""
    return LocalCheck(
        check=Check(
            node=node,
            check_id=NODE_MAINTENANCE_ID,
            name="Node Maintenance Mode",
            status=CRITICAL,
            notes=reason or _NO_REASON.format("node"),
            output="",
            service_id="",
            service_name="",
            service_tags=[],
            type=_TYPE,
            definition=CheckDefinition(),
            create_index=0,
            modify_index=0,
        ),
        token=token,
    )


def service_check(node: str, service: Service, reason: str, token: str = "") -> LocalCheck:
    """The check that puts one instance into maintenance."""
    return LocalCheck(
        check=Check(
            node=node,
            check_id=service_check_id(service.id),
            name="Service Maintenance Mode",
            status=CRITICAL,
            notes=reason or _NO_REASON.format("service"),
            output="",
            service_id=service.id,
            service_name=service.service,
            service_tags=service.tags,
            type=_TYPE,
            definition=CheckDefinition(),
            create_index=0,
            modify_index=0,
        ),
        token=token,
    )
