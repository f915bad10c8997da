"""Who may register, change and see what is registered at this agent. No I/O.

A service's registration needs `service:write` of its name, of the service it is a proxy for, and of whatever it takes
the place of; a check is its service's, or else the node's. Sources: verdicts of Consul 1.8.7.
"""

from __future__ import annotations

from lictor_agent import projection, sidecar
from lictor_agent.local import LocalState
from lictor_config.definitions import CheckDefinition, ServiceDefinition
from lictor_core.acl.authorizer import Authorizer
from lictor_core.acl.rules import Access, Resource
from lictor_core.records import Check, Service, ServiceKind

__all__ = ["Vetting"]


class Vetting:
    """What one token may do with what is registered here. What is required and lacks raises `PermissionDeniedError`."""

    def __init__(self, authorizer: Authorizer, local: LocalState, node_name: str) -> None:
        self._authorizer = authorizer
        self._local = local
        self._node_name = node_name

    def may_register(self, definition: ServiceDefinition) -> None:
        """Required to register an instance with the sidecar it asks for, in the place of what is there."""
        instance_id = projection.service_id(definition)
        self._may_write(definition.name)
        if definition.kind is ServiceKind.CONNECT_PROXY:
            self._may_write(definition.proxy.destination_service_name)
        self._may_replace(instance_id, definition.name, definition)
        beside = definition.sidecar
        if beside is not None:
            name = beside.name or sidecar.sidecar_id(definition.name)
            self._may_write(name)
            self._may_write(beside.proxy.destination_service_name or definition.name)
            self._may_replace(sidecar.sidecar_id(instance_id), name, beside)

    def may_change(self, service_id: str) -> None:
        """Required to replace, remove or maintain an instance, where there is one."""
        found = self._local.services.get(service_id)
        if found is not None:
            self._may_write(found.service.service)

    def may_see(self, service_id: str) -> None:
        """Required to be shown an instance, where there is one."""
        found = self._local.services.get(service_id)
        if found is not None:
            self._authorizer.require(Resource.SERVICE, found.service.service)

    def may_register_check(self, definition: CheckDefinition) -> None:
        """Required to register a check, in the place of one that is there."""
        owner = self._local.services.get(definition.service_id) if definition.service_id else None
        self._may_write_check("" if owner is None else owner.service.service)
        self.may_change_check(definition.check_id or definition.name)

    def may_change_check(self, check_id: str) -> None:
        """Required to replace, remove or update a check, where there is one."""
        found = self._local.checks.get(check_id)
        if found is not None:
            self._may_write_check(found.check.service_name)

    def may_write_node(self) -> None:
        """Required for what is about the node as a whole."""
        self._authorizer.require(Resource.NODE, self._node_name, Access.WRITE)

    def sees(self, service: Service) -> bool:
        """Whether a list shows this instance."""
        return self._authorizer.allows(Resource.SERVICE, service.service)

    def sees_check(self, check: Check) -> bool:
        """Whether a list shows this check."""
        if check.service_name:
            return self._authorizer.allows(Resource.SERVICE, check.service_name)
        return self._authorizer.allows(Resource.NODE, self._node_name)

    def sees_node(self, name: str) -> bool:
        """Whether a list shows this node."""
        return self._authorizer.allows(Resource.NODE, name)

    def _may_replace(self, service_id: str, name: str, definition: ServiceDefinition) -> None:
        self.may_change(service_id)
        for check_id, _, _ in projection.identified_checks(service_id, name, definition.checks):
            self.may_change_check(check_id)

    def _may_write(self, service: str) -> None:
        self._authorizer.require(Resource.SERVICE, service, Access.WRITE)

    def _may_write_check(self, service: str) -> None:
        if service:
            self._may_write(service)
        else:
            self.may_write_node()
