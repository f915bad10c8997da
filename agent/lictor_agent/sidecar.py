"""Sidecars: the proxy instance that a service's `connect.sidecar_service` asks for, with everything it leaves out.

Pure. Source: Consul's document `docs/connect/registration/sidecar-service`.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import replace
from typing import Final

import msgspec

from lictor_agent.projection import service_id
from lictor_config.definitions import CheckDefinition, ServiceDefinition
from lictor_config.metadata import metadata_flaw
from lictor_config.proxies import kind_flaws
from lictor_core.addresses import join_host_port
from lictor_core.central_config import question_about
from lictor_core.config_queries import ServiceConfigQuery
from lictor_core.errors import OverloadedError, RequestError
from lictor_core.records import Proxy, ServiceKind

__all__ = ["expanded", "questions_in", "sidecar_id"]

_LOOPBACK: Final = "127.0.0.1"
_LISTEN_INTERVAL_S: Final = 10.0


def sidecar_id(instance_id: str) -> str:
    """The id of an instance's sidecar."""
    return f"{instance_id}-sidecar-proxy"


def expanded(parent: ServiceDefinition, taken_ports: Container[int], ports: range) -> ServiceDefinition:
    """The whole definition of the sidecar that `parent` asks for; its port is the first of `ports` not taken.

    Raises `RequestError` for a sidecar that no proxy can be, `OverloadedError` when every port is taken. `parent` must
    have a sidecar.
    """
    given = parent.sidecar
    assert given is not None, "only for a definition with a sidecar"
    parent_id = service_id(parent)
    port = given.port or _free_port(parent_id, taken_ports, ports)
    sidecar = replace(
        given,
        kind=ServiceKind.CONNECT_PROXY,
        id=sidecar_id(parent_id),
        name=given.name or f"{parent.name}-sidecar-proxy",
        tags=given.tags or parent.tags,
        meta=given.meta or parent.meta,
        address=given.address or parent.address,
        port=port,
        token=given.token or parent.token,
        checks=given.checks or _default_checks(parent_id, given.address or parent.address, port),
        proxy=_completed_proxy(given.proxy, parent),
        sidecar=None,
    )
    if flaws := kind_flaws(sidecar.kind, sidecar.port, sidecar.proxy, native=sidecar.native):
        raise RequestError(f"Invalid SidecarService: {'; '.join(flaws)}")
    if (flaw := metadata_flaw(sidecar.meta, allow_reserved=False)) is not None:
        raise RequestError(f"Invalid SidecarService: {flaw}")
    return sidecar


def questions_in(definition: ServiceDefinition) -> list[ServiceConfigQuery]:
    """What the cluster is to be asked about the instance of a definition and its sidecar."""
    found = [question_about(definition.kind, definition.name, definition.proxy)]
    if definition.sidecar is not None:
        proxy = _completed_proxy(definition.sidecar.proxy, definition)
        found.append(question_about(ServiceKind.CONNECT_PROXY, definition.sidecar.name, proxy))
    return [one for one in found if one is not None]


def _completed_proxy(proxy: Proxy, parent: ServiceDefinition) -> Proxy:
    completed = msgspec.structs.replace(
        proxy,
        destination_service_name=proxy.destination_service_name or parent.name,
        destination_service_id=proxy.destination_service_id or service_id(parent),
    )
    if proxy.local_service_socket_path:
        return completed
    return msgspec.structs.replace(
        completed,
        local_service_address=proxy.local_service_address or _LOOPBACK,
        # 0 is no port to send traffic to: a parent without a port leaves its proxy without one, as in Consul.
        local_service_port=proxy.local_service_port or max(parent.port, 0),
    )


def _default_checks(parent_id: str, address: str, port: int) -> tuple[CheckDefinition, ...]:
    # An unset address means any: the proxy surely answers on loopback then.
    target = join_host_port(address or _LOOPBACK, port)
    return (
        CheckDefinition(name="Connect Sidecar Listening", tcp=target, interval_s=_LISTEN_INTERVAL_S),
        CheckDefinition(name=f"Connect Sidecar Aliasing {parent_id}", alias_service=parent_id),
    )


def _free_port(parent_id: str, taken: Container[int], ports: range) -> int:
    for port in ports:
        if port not in taken:
            return port
    raise OverloadedError(
        f"no port for the sidecar of {parent_id!r}: all of {ports.start}-{ports.stop - 1} are taken; "
        "give it one, or widen ports.sidecar_min_port to ports.sidecar_max_port"
    )
