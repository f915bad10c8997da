"""The catalog's tables: nodes, instances and checks, and the lists by which they are found.

Names and ids ignore case, as Consul's do. What is registered replaces what was there; what is the same already changes
no index. Removing a node removes what is on it, removing an instance its checks. Each method says in its `Change` which
topics it touched: that is the whole contract with watches, indexes and caches.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final, TypeVar

import msgspec
from sortedcontainers import SortedDict

from lictor_core import topics as on
from lictor_core.records import CRITICAL, PASSING, Check, Node, Service, ServiceKind
from lictor_core.topics import Topic
from lictor_server.state.copies import Copies, Copy
from lictor_server.state.groups import Groups
from lictor_server.state.indexes import Change
from lictor_server.state.names import ServiceNames

__all__ = ["SERF_CHECK_ID", "Catalog", "fold", "mesh_name"]

SERF_CHECK_ID: Final = "serfHealth"
"""The check by which the leader says whether a node's agent is alive."""


def fold(name: str) -> str:
    """The form in which names and ids compare."""
    return name.lower()


def mesh_name(service: Service) -> str:
    """For which service this instance accepts mesh connections; empty when it accepts none."""
    if service.kind is ServiceKind.CONNECT_PROXY:
        return service.proxy.destination_service_name
    return service.service if service.connect.native else ""


R = TypeVar("R", Node, Service, Check)


class Catalog:
    """All nodes of this datacenter with their instances and checks."""

    def __init__(self) -> None:
        self._nodes: SortedDict[str, Node] = SortedDict()
        self._node_of_id: dict[str, str] = {}
        self._services: dict[str, dict[str, Service]] = {}
        self._checks: dict[str, dict[str, Check]] = {}
        self._by_name = Groups()
        self._by_mesh_name = Groups()
        self._checks_by_name = Groups()
        self._checks_by_status = Groups()
        self._names = ServiceNames()
        self._service_copies: Copies[str, list[Service]] = Copies()
        self._check_copies: Copies[str, list[Check]] = Copies()

    # Reading. Everything comes in a stable order: by node, then by id.

    def nodes(self) -> Iterator[Node]:
        """All nodes, by name."""
        yield from self._nodes.values()

    @property
    def node_count(self) -> int:
        """How many nodes there are."""
        return len(self._nodes)

    def node(self, name: str) -> Node | None:
        """A node by name."""
        return self._nodes.get(fold(name))

    def node_of_id(self, node_id: str) -> Node | None:
        """A node by its UUID."""
        name = self._node_of_id.get(fold(node_id))
        return None if name is None else self._nodes[name]

    def services_on(self, node: str) -> Iterator[Service]:
        """The instances on a node, by id."""
        services = self._services.get(fold(node))
        if services is not None:
            yield from _by_id(services)

    def service_on(self, node: str, service_id: str) -> Service | None:
        """One instance."""
        services = self._services.get(fold(node))
        return None if services is None else services.get(fold(service_id))

    def checks_on(self, node: str) -> Iterator[Check]:
        """The checks on a node, by id."""
        checks = self._checks.get(fold(node))
        if checks is not None:
            yield from _by_id(checks)

    def check_on(self, node: str, check_id: str) -> Check | None:
        """One check."""
        checks = self._checks.get(fold(node))
        return None if checks is None else checks.get(fold(check_id))

    def instances(self, name: str, *, connect: bool = False) -> Iterator[tuple[Node, Service]]:
        """The instances of a service, or those that accept mesh connections for it."""
        index = self._by_mesh_name if connect else self._by_name
        for node, service_id in index.of(fold(name)):
            yield self._nodes[node], self._services[node][service_id]

    def has_mesh(self, name: str) -> bool:
        """Whether any instance accepts mesh connections for a service."""
        return fold(name) in self._by_mesh_name

    def mesh_names(self) -> list[str]:
        """The services for which some instance accepts mesh connections, in lower case and no order."""
        return self._by_mesh_name.names()

    def checks_of_service(self, name: str) -> Iterator[Check]:
        """The checks that name this service."""
        for node, check_id in self._checks_by_name.of(fold(name)):
            yield self._checks[node][check_id]

    def checks_in_state(self, status: str) -> Iterator[Check]:
        """The checks with this status, or `any`."""
        if status == "any":
            for node in self._nodes:
                yield from _by_id(self._checks[node])
            return
        for node, check_id in self._checks_by_status.of(status):
            yield self._checks[node][check_id]

    def service_tags(self) -> dict[str, list[str]]:
        """Every service name with the union of its instances' tags."""
        return self._names.with_tags()

    # Changing.

    def put_node(self, change: Change, node: Node, *, create_index: int = 0) -> None:
        """Create or replace a node's record. Who holds the name or id was settled by the caller.

        `create_index` is given for a renamed node, which is as old as it was under its former name.
        """
        name = fold(node.node)
        old = self._nodes.get(name)
        if old is not None and _says_the_same(old, node):
            return
        create_index = create_index or (change.index if old is None else old.create_index)
        stored = msgspec.structs.replace(node, create_index=create_index, modify_index=change.index)
        if old is not None and old.id:
            del self._node_of_id[fold(old.id)]
            _retire_names(change, old.id)
        if stored.id:
            self._node_of_id[fold(stored.id)] = name
        self._nodes[name] = stored
        self._services.setdefault(name, {})
        self._checks.setdefault(name, {})
        change.wake(on.NODES)
        change.wake(on.node(stored.node))
        if stored.id:
            change.wake(on.node(stored.id))
            change.wake(on.node_services(stored.id))
        for service in self._services[name].values():
            _touch_health(change, service)

    def drop_node(self, change: Change, node: Node) -> None:
        """Remove a node and everything on it."""
        name = fold(node.node)
        for check in _by_id(self._checks[name]):
            self.drop_check(change, node, check)
        for service in _by_id(self._services[name]):
            self.drop_service(change, node, service)
        self._service_copies.keep(name)
        self._check_copies.keep(name)
        del self._nodes[name], self._services[name], self._checks[name]
        change.lost_nodes.append(name)
        change.wake(on.NODES)
        change.bury(on.node_checks(name))
        _retire_names(change, node.node)
        if node.id:
            del self._node_of_id[fold(node.id)]
            _retire_names(change, node.id)

    def put_service(self, change: Change, node: Node, service: Service) -> None:
        """Create or replace an instance on `node`."""
        name, service_id = fold(node.node), fold(service.id)
        old = self._services[name].get(service_id)
        if old is not None and _says_the_same(old, service):
            return
        create_index = change.index if old is None else old.create_index
        stored = msgspec.structs.replace(service, create_index=create_index, modify_index=change.index)
        if old is not None:
            self._unlink_service(change, name, old)
        if self._service_copies.made:
            self._service_copies.keep(name)
        self._services[name][service_id] = stored
        self._by_name.add(fold(stored.service), (name, service_id))
        if mesh := mesh_name(stored):
            self._by_mesh_name.add(fold(mesh), (name, service_id))
        self._names.add(stored)
        if old is None or old.service != stored.service or old.tags != stored.tags:
            self._names.note(change, old, stored)
        change.wake(on.INSTANCES)
        _touch_services_of(change, node)
        _touch_health(change, stored)

    def drop_service(self, change: Change, node: Node, service: Service) -> None:
        """Remove an instance and its checks."""
        name, service_id = fold(node.node), fold(service.id)
        own = {key: one for key, one in self._checks[name].items() if fold(one.service_id) == service_id}
        for check in _by_id(own):
            self.drop_check(change, node, check)
        self._unlink_service(change, name, service)
        if self._service_copies.made:
            self._service_copies.keep(name)
        del self._services[name][service_id]
        change.wake(on.INSTANCES)
        self._names.note(change, service, None)
        _touch_services_of(change, node)

    def put_check(self, change: Change, node: Node, check: Check) -> None:
        """Create or replace a check on `node`; a check of an instance takes over its name and tags."""
        name, check_id = fold(node.node), fold(check.check_id)
        service = self._services[name].get(fold(check.service_id)) if check.service_id else None
        if service is not None:
            check = msgspec.structs.replace(check, service_name=service.service, service_tags=service.tags)
        old = self._checks[name].get(check_id)
        if old is not None and _says_the_same(old, check):
            return
        create_index = change.index if old is None else old.create_index
        stored = msgspec.structs.replace(check, create_index=create_index, modify_index=change.index)
        quiet = old is not None and _says_the_same(old, msgspec.structs.replace(stored, output=old.output))
        if old is not None:
            if fold(old.service_id) != fold(stored.service_id):
                self._touch_check(change, node, old, quiet=False)
            self._unlink_check(change, name, old, quiet=quiet)
        if self._check_copies.made:
            self._check_copies.keep(name)
        self._checks[name][check_id] = stored
        self._checks_by_status.add(stored.status, (name, check_id))
        if stored.service_name:
            self._checks_by_name.add(fold(stored.service_name), (name, check_id))
        if stored.status == CRITICAL:
            change.lost_checks.append((name, check_id))
        self._touch_check(change, node, stored, quiet=quiet)

    def drop_check(self, change: Change, node: Node, check: Check) -> None:
        """Remove a check."""
        name = fold(node.node)
        self._touch_check(change, node, check, quiet=False)
        self._unlink_check(change, name, check, quiet=False)
        if self._check_copies.made:
            self._check_copies.keep(name)
        del self._checks[name][fold(check.check_id)]
        change.lost_checks.append((name, fold(check.check_id)))

    def _unlink_service(self, change: Change, node: str, service: Service) -> None:
        key = node, fold(service.id)
        self._names.remove(service)
        _unlink(change, self._by_name, fold(service.service), key, on.service(service.service))
        if mesh := mesh_name(service):
            _unlink(change, self._by_mesh_name, fold(mesh), key, on.connect(mesh))

    def _unlink_check(self, change: Change, node: str, check: Check, *, quiet: bool) -> None:
        key = node, fold(check.check_id)
        if quiet:  # the same status and service: it is put back under the same keys
            return
        _unlink(change, self._checks_by_status, check.status, key, on.checks_in_state(check.status))
        if check.service_name:
            name = check.service_name
            _unlink(change, self._checks_by_name, fold(name), key, on.service_checks(name))

    def _touch_check(self, change: Change, node: Node, check: Check, *, quiet: bool) -> None:
        touch = change.stamp if quiet else change.wake
        touch(on.node_checks(node.node))
        touch(on.checks_in_state("any"))
        touch(on.checks_in_state(check.status))
        if check.service_name:
            touch(on.service_checks(check.service_name))
        services = self._services[fold(node.node)]
        own = services.get(fold(check.service_id)) if check.service_id else None
        concerned = [own] if own is not None else [] if check.service_id else list(services.values())
        for service in concerned:
            touch(on.service(service.service))
            if mesh := mesh_name(service):
                touch(on.connect(mesh))

    # Snapshots.

    def node_rows(self) -> list[Node]:
        """All nodes as of this call, by name. Made without a line of Python for each, which would hold up the loop."""
        return list(map(self._nodes.__getitem__, self._nodes))

    def service_rows(self) -> Iterator[tuple[str, Service]]:
        """All instances as of this call with the names of their nodes, in order. For any thread."""
        copy = self._service_copies.make(list(self._nodes), _reader(self._services))
        return _flat(self.node_rows(), copy)

    def check_rows(self) -> Iterator[tuple[str, Check]]:
        """All checks as of this call with the names of their nodes, in order. For any thread."""
        copy = self._check_copies.make(list(self._nodes), _reader(self._checks))
        return _flat(self.node_rows(), copy)

    def dismantle(self) -> Iterator[None]:
        """Give up everything, little by little: freeing a large table in one go would hold up every other thread."""
        for groups in (self._by_name, self._by_mesh_name, self._checks_by_name, self._checks_by_status):
            yield from groups.dismantle()
        for table, copies in ((self._services, self._service_copies), (self._checks, self._check_copies)):
            while table and not copies:
                table.popitem()
                yield

    def restore(
        self, nodes: Iterable[Node], services: Iterable[tuple[str, Service]], checks: Iterable[tuple[str, Check]]
    ) -> None:
        """Take the records of a snapshot as they are; instances and checks come with the nodes they are on.

        A check's own `node` may differ in case, when its node was registered anew with another spelling.
        """
        for node in nodes:
            name = fold(node.node)
            self._nodes[name] = node
            self._services[name] = {}
            self._checks[name] = {}
            if node.id:
                self._node_of_id[fold(node.id)] = name
        for node_name, service in services:
            key = fold(node_name), fold(service.id)
            self._services[key[0]][key[1]] = service
            self._by_name.add(fold(service.service), key)
            if mesh := mesh_name(service):
                self._by_mesh_name.add(fold(mesh), key)
            self._names.add(service)
        for node_name, check in checks:
            key = fold(node_name), fold(check.check_id)
            self._checks[key[0]][key[1]] = check
            self._checks_by_status.add(check.status, key)
            if check.service_name:
                self._checks_by_name.add(fold(check.service_name), key)

    def reserved_by(self, node: Node) -> Node | None:
        """The living node with another id that holds this node's name, if there is one.

        Consul gives the name away only when the holder's agent is known to be dead, or never was known to live.
        """
        holder = self.node(node.node)
        if holder is None or not holder.id or fold(holder.id) == fold(node.id):
            return None
        alive = self.check_on(holder.node, SERF_CHECK_ID)
        return holder if alive is not None and alive.status == PASSING else None


def _by_id(rows: dict[str, R]) -> list[R]:
    """What is on a node, in order. Sorted when read: most nodes hold few things, and sorted tables take much memory."""
    return list(map(rows.__getitem__, sorted(rows)))


def _reader(table: dict[str, dict[str, R]]) -> Callable[[str], list[R] | None]:
    """How a copy reads what is on a node."""

    def read(name: str) -> list[R] | None:
        try:
            return _by_id(table[name])
        except (KeyError, RuntimeError):  # it is being changed just now by the writer, who has kept what was there
            return None

    return read


def _flat(nodes: list[Node], copy: Copy[str, list[R]]) -> Iterator[tuple[str, R]]:
    for node, (_, rows) in zip(nodes, copy, strict=True):
        for row in rows:
            yield node.node, row


def _says_the_same(old: R, new: R) -> bool:
    """Whether `new` differs from what is stored in its indexes at most."""
    return old == msgspec.structs.replace(new, create_index=old.create_index, modify_index=old.modify_index)


def _retire_names(change: Change, name_or_id: str) -> None:
    change.retire(on.node(name_or_id))
    change.retire(on.node_services(name_or_id))


def _touch_services_of(change: Change, node: Node) -> None:
    change.wake(on.node_services(node.node))
    if node.id:
        change.wake(on.node_services(node.id))


def _touch_health(change: Change, service: Service) -> None:
    change.wake(on.service(service.service))
    if mesh := mesh_name(service):
        change.wake(on.connect(mesh))


def _unlink(change: Change, groups: Groups, name: str, key: tuple[str, str], topic: Topic) -> None:
    """Take `key` from the list of `name`; when it was the last one, the topic's thing is gone."""
    if groups.remove(name, key):
        change.retire(topic)
    else:
        change.wake(topic)
