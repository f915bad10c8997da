"""A dumb twin of the store: plain dicts, every answer searched for anew. Too slow to ship, too simple to be wrong."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from lictor_core.commands import Command, Deregister, KVDelete, KVDeleteTree, KVSet, NodeUpdate, Register
from lictor_core.records import Check, KVEntry, Node, Service, ServiceHealth, ServiceKind

__all__ = ["NaiveStore"]

Key = tuple[str, str]
R = TypeVar("R", Node, Service, Check)


class NaiveStore:
    """Catalog and keys, by the rules of Consul's documents, without an index or a cache."""

    def __init__(self) -> None:
        self.nodes: dict[str, Node] = {}
        self.services: dict[Key, Service] = {}
        self.checks: dict[Key, Check] = {}
        self.keys: dict[str, KVEntry] = {}

    def apply(self, index: int, command: Command) -> None:
        """Carry out a command that the real store did not reject."""
        match command:
            case Register():
                self._register(index, command)
            case NodeUpdate():
                self._update(index, command)
            case Deregister():
                self._deregister(command)
            case KVSet():
                old = self.keys.get(command.key)
                if command.cas is not None and command.cas != (old.modify_index if old else 0):
                    return
                if old and old.value == (command.value or None) and old.flags == command.flags:
                    return
                self.keys[command.key] = KVEntry(
                    lock_index=0,
                    key=command.key,
                    flags=command.flags,
                    value=command.value or None,
                    create_index=old.create_index if old else index,
                    modify_index=index,
                )
            case KVDelete():
                old = self.keys.get(command.key)
                if old and command.cas in (None, old.modify_index):
                    del self.keys[command.key]
            case KVDeleteTree():
                self.keys = {key: one for key, one in self.keys.items() if not key.startswith(command.prefix)}
            case _:
                raise AssertionError(f"the twin does not know {command}")

    def _register(self, index: int, command: Register) -> None:
        wanted, name = command.node, command.node.node.lower()
        old = self.nodes.get(name)
        if not (command.skip_node_update and old):
            created = old.create_index if old else index
            for other, one in list(self.nodes.items()):
                if wanted.id and one.id == wanted.id and other != name:
                    created = one.create_index
                    self._drop_node(other)
            self.nodes[name] = _stored(wanted, old, index, created)
        if command.service:
            key = name, command.service.id.lower()
            self.services[key] = _stored(command.service, self.services.get(key), index)
        for check in command.checks:
            key = name, check.check_id.lower()
            owner = self.services.get((name, check.service_id.lower())) if check.service_id else None
            if owner:
                check = msgspec.structs.replace(check, service_name=owner.service, service_tags=owner.tags)
            self.checks[key] = _stored(check, self.checks.get(key), index)

    def _update(self, index: int, command: NodeUpdate) -> None:
        node = command.node
        self._register(index, Register(node=node, skip_node_update=command.skip_node_update))
        for service in command.services:
            self._register(index, Register(node=node, service=service, skip_node_update=True))
        for check in command.checks:
            self._register(index, Register(node=node, checks=[check], skip_node_update=True))
        for service_id in command.gone_services:
            self._deregister(Deregister(node=node.node, service_id=service_id))
        for check_id in command.gone_checks:
            self._deregister(Deregister(node=node.node, check_id=check_id))

    def _deregister(self, command: Deregister) -> None:
        name = command.node.lower()
        if command.service_id:
            if self.services.pop((name, command.service_id.lower()), None):
                for key, check in list(self.checks.items()):
                    if key[0] == name and check.service_id.lower() == command.service_id.lower():
                        del self.checks[key]
        elif command.check_id:
            self.checks.pop((name, command.check_id.lower()), None)
        else:
            self._drop_node(name)

    def _drop_node(self, name: str) -> None:
        self.nodes.pop(name, None)
        self.services = {key: one for key, one in self.services.items() if key[0] != name}
        self.checks = {key: one for key, one in self.checks.items() if key[0] != name}

    def node_list(self) -> list[Node]:
        return [self.nodes[name] for name in sorted(self.nodes)]

    def tags(self) -> dict[str, list[str]]:
        found: dict[str, set[str]] = {}
        for one in self.services.values():
            found.setdefault(one.service, set()).update(one.tags)
        return {name: sorted(found[name]) for name in sorted(found)}

    def health(self, name: str, *, connect: bool) -> list[ServiceHealth]:
        rows: list[ServiceHealth] = []
        for (node, service_id), one in sorted(self.services.items()):
            of = one.service
            if connect:
                of = one.service if one.connect.native else ""
                if one.kind is ServiceKind.CONNECT_PROXY:
                    of = one.proxy.destination_service_name
            if of.lower() != name.lower():
                continue
            on_node = [check for key, check in sorted(self.checks.items()) if key[0] == node]
            checks = [check for check in on_node if not check.service_id]
            checks += [check for check in on_node if check.service_id and check.service_id.lower() == service_id]
            rows.append(ServiceHealth(node=self.nodes[node], service=one, checks=checks))
        return rows

    def services_on(self, name: str) -> list[Service]:
        return [one for key, one in sorted(self.services.items()) if key[0] == name.lower()]

    def checks_on(self, name: str) -> list[Check]:
        return [one for key, one in sorted(self.checks.items()) if key[0] == name.lower()]

    def checks_of(self, name: str) -> list[Check]:
        return [one for _, one in sorted(self.checks.items()) if one.service_name.lower() == name.lower()]

    def checks_in(self, status: str) -> list[Check]:
        return [one for _, one in sorted(self.checks.items()) if status in ("any", one.status)]

    def tree(self, prefix: str) -> list[KVEntry]:
        return [self.keys[key] for key in sorted(self.keys) if key.startswith(prefix)]


def _stored(new: R, old: R | None, index: int, created: int = 0) -> R:
    if old and msgspec.structs.replace(new, create_index=old.create_index, modify_index=old.modify_index) == old:
        return old
    return msgspec.structs.replace(
        new, create_index=created or (old.create_index if old else index), modify_index=index
    )
