"""Health: `/v1/health`. Source: Consul's document `api-docs/health`."""

from __future__ import annotations

from lictor.api.messages import Call, Options, list_call
from lictor_core.records import Check, ServiceHealth

__all__ = ["checks", "connect", "ingress", "node", "service", "state"]


def service(
    name: str, options: Options | None = None, *, passing: bool = False, tag: str = ""
) -> Call[list[ServiceHealth]]:
    """The instances of a service with their checks; `passing` leaves out those that are not."""
    flag = (("passing", "1"),) if passing else ()
    return list_call(list[ServiceHealth], f"/v1/health/service/{name}", options, ("tag", tag), *flag)


def connect(name: str, options: Options | None = None, *, passing: bool = False) -> Call[list[ServiceHealth]]:
    """The instances that take mesh connections for a service."""
    flag = (("passing", "1"),) if passing else ()
    return list_call(list[ServiceHealth], f"/v1/health/connect/{name}", options, *flag)


def ingress(name: str, options: Options | None = None, *, passing: bool = False) -> Call[list[ServiceHealth]]:
    """The ingress gateways that let traffic in for a service."""
    flag = (("passing", "1"),) if passing else ()
    return list_call(list[ServiceHealth], f"/v1/health/ingress/{name}", options, *flag)


def checks(service_name: str, options: Options | None = None) -> Call[list[Check]]:
    """The checks of a service's instances."""
    return list_call(list[Check], f"/v1/health/checks/{service_name}", options)


def node(name: str, options: Options | None = None) -> Call[list[Check]]:
    """The checks on a node."""
    return list_call(list[Check], f"/v1/health/node/{name}", options)


def state(status: str, options: Options | None = None) -> Call[list[Check]]:
    """The checks in a state: any, passing, warning or critical."""
    return list_call(list[Check], f"/v1/health/state/{status}", options)
