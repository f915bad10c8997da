"""From definitions to the records that the catalog keeps, with the defaults that Consul 1.8 fills in.

Pure. Sources: Consul's documents `docs/discovery/{services,checks}` and `api-docs/agent/{service,check}`; what they
leave open is what Consul 1.8.7 answers.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, ip_address

from lictor_config.definitions import CheckDefinition, ServiceDefinition
from lictor_core.records import CRITICAL, Check, Connect, Service, ServiceAddress
from lictor_core.records import CheckDefinition as CatalogCheckDefinition

__all__ = ["check_record", "identified_checks", "service_id", "service_record"]


def service_id(definition: ServiceDefinition) -> str:
    """The id of an instance: its own, else its name."""
    return definition.id or definition.name


def service_record(definition: ServiceDefinition) -> Service:
    """The instance as the catalog keeps it."""
    return Service(
        kind=definition.kind,
        id=service_id(definition),
        service=definition.name,
        tags=list(definition.tags),
        address=definition.address,
        tagged_addresses=_tagged_addresses(definition) or None,
        meta=definition.meta or None,
        port=definition.port,
        weights=definition.weights,
        enable_tag_override=definition.enable_tag_override,
        proxy=definition.proxy,
        connect=Connect(native=definition.native),
        create_index=0,
        modify_index=0,
    )


def identified_checks(
    instance_id: str, instance_name: str, checks: Sequence[CheckDefinition]
) -> list[tuple[str, str, CheckDefinition]]:
    """Id, name and definition of each check of an instance.

    A check without an id is `service:<instance>`, with a number from 1 where the instance has several.
    """
    identified: list[tuple[str, str, CheckDefinition]] = []
    for number, check in enumerate(checks, start=1):
        derived = f"service:{instance_id}" if len(checks) == 1 else f"service:{instance_id}:{number}"
        identified.append((check.check_id or derived, check.name or f"Service '{instance_name}' check", check))
    return identified


def check_record(
    node: str,
    check_id: str,
    name: str,
    definition: CheckDefinition,
    service: Service | None,
    previous: Check | None,
    *,
    shows_type: bool = True,
) -> Check:
    """The check as the catalog keeps it. One that was here before keeps its status and output, whatever is defined.

    Of a check that stands by itself in a configuration file Consul shows no type, and so it is without `shows_type`.
    """
    return Check(
        node=node,
        check_id=check_id,
        name=name,
        status=previous.status if previous is not None else definition.status or CRITICAL,
        notes=definition.notes,
        output=previous.output if previous is not None else "",
        service_id="" if service is None else service.id,
        service_name="" if service is None else service.service,
        service_tags=[] if service is None else service.tags,
        type=definition.kind.value if shows_type else "",
        definition=CatalogCheckDefinition(),
        create_index=0,
        modify_index=0,
    )


def _tagged_addresses(definition: ServiceDefinition) -> dict[str, ServiceAddress]:
    """What was given, and the instance's own address under the tags of its family unless they were given."""
    try:
        family = "ipv4" if isinstance(ip_address(definition.address), IPv4Address) else "ipv6"
    except ValueError:  # a host name, or no address at all: nothing follows from it
        return dict(definition.tagged_addresses)
    own = ServiceAddress(address=definition.address, port=definition.port)
    return {f"lan_{family}": own, f"wan_{family}": own} | definition.tagged_addresses
