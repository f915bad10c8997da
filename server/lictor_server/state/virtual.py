"""Virtual addresses: which service of the mesh has which number, and so which IP.

A service has one while anything leads to it through the mesh: a proxy, a native instance, a terminating gateway's
entry, or an entry that shapes its chain, as with later versions of Consul. It gets the lowest that is free, and keeps
it until nothing leads there any more; so the numbers follow from the log alone, and the table is all there is to keep.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from lictor_core import topics as on
from lictor_core.entries.graph import ROUTING_KINDS
from lictor_core.errors import RequestError
from lictor_core.virtual_addresses import NUMBER_MAX, VirtualAddress, address_of
from lictor_server.state.catalog import fold
from lictor_server.state.copies import in_order
from lictor_server.state.indexes import Change

if TYPE_CHECKING:
    from lictor_server.state.store import Store

__all__ = ["VirtualAddresses", "follow", "give_to_all"]

_MESH: Final = on.connect("").kind
_ENTRY: Final = on.config_entry("", "").kind
_ROUTING: Final = frozenset(form.kind for form in ROUTING_KINDS)
_EVERYTHING: Final = "*"


class VirtualAddresses:
    """The numbers of services, 1 to `number_max`, by name in lower case; no two services share one."""

    def __init__(self, number_max: int = NUMBER_MAX) -> None:
        self._numbers: dict[str, int] = {}
        self._free: list[tuple[int, int]] = [(1, number_max)]
        """The runs of numbers that nobody has, as a heap. Since the lowest one is always taken first, there are hardly
        more of them than there ever were services at one time."""
        self._number_max = number_max

    def __len__(self) -> int:
        return len(self._numbers)

    def of(self, service: str) -> str | None:
        """The address of a service; None when it has none."""
        number = self._numbers.get(fold(service))
        return None if number is None else address_of(number)

    def all(self) -> list[VirtualAddress]:
        """Every address, by service."""
        return [VirtualAddress(service=name, address=address_of(self._numbers[name])) for name in sorted(self._numbers)]

    def give(self, change: Change, service: str) -> None:
        """The lowest free number for a service that has none. When all are taken it stays without, until it is touched
        again after one was given back."""
        if fold(service) not in self._numbers and self._free:
            self._give(fold(service))
            change.wake(on.VIRTUAL_ADDRESSES)

    def take_back(self, change: Change, service: str) -> None:
        """The number of a service, if it has one, is free again."""
        number = self._numbers.pop(fold(service), None)
        if number is not None:
            heapq.heappush(self._free, (number, number))
            change.wake(on.VIRTUAL_ADDRESSES)

    def _give(self, name: str) -> None:
        first, last = self._free[0]
        if first == last:
            heapq.heappop(self._free)
        else:
            heapq.heapreplace(self._free, (first + 1, last))
        self._numbers[name] = first

    def rows(self) -> Iterator[tuple[str, int]]:
        """Every service as of this call with its number, by name: for snapshots. For any thread."""
        numbers = dict(self._numbers)
        return ((name, numbers[name]) for name in in_order(list(numbers)))

    def restore(self, rows: Iterable[tuple[str, int]]) -> None:
        """Take all rows of a snapshot. Raises `RequestError` for what no server held together."""
        taken: set[int] = set()
        for name, number in rows:
            if name != fold(name) or not 1 <= number <= self._number_max:
                raise RequestError(
                    f"the snapshot gives the service {name!r} a virtual address that cannot be: {number}"
                )
            if name in self._numbers or number in taken:
                raise RequestError(f"the snapshot has virtual address {number} or one of the service {name!r} twice")
            self._numbers[name] = number
            taken.add(number)
        bounds = [0, *sorted(taken), self._number_max + 1]
        self._free = [(one + 1, next - 1) for one, next in pairwise(bounds) if one + 1 < next]

    def restore_names(self, names: Iterable[str]) -> None:
        """Give numbers in the order of the names: what a state gets that was saved before there were any."""
        for name in sorted(set(map(fold, names))):
            if self._free:
                self._give(name)


def follow(store: Store, change: Change) -> None:
    """Give and take back the addresses of what `change` touched, whatever order it has that in."""
    if not change.woken:
        return
    names = sorted({name for topic in change.woken for name in _names(topic.kind, topic.name)})
    leads = {name: _leads_to(store, name) for name in names}
    for name in names:
        if not leads[name]:
            store.virtual.take_back(change, name)
    for name in names:
        if leads[name]:
            store.virtual.give(change, name)


def give_to_all(store: Store) -> None:
    """A state of before there were such addresses gets them now: the same on every server that loads it."""
    if not store.virtual:
        entries = (entry.name for kind in _ROUTING for entry in store.entries.all(kind))
        names = {fold(name) for name in (*store.catalog.mesh_names(), *store.gateways.led_out_to(), *entries)}
        store.virtual.restore_names(name for name in names if _leads_to(store, name))


def _names(kind: str, name: str) -> Iterator[str]:
    """The services that a touched topic may concern."""
    if kind == _MESH:
        yield name
    elif kind == _ENTRY:
        entry_kind, _, entry_name = name.partition("/")
        if entry_kind in _ROUTING:
            yield entry_name


def _leads_to(store: Store, service: str) -> bool:
    if not service or service == _EVERYTHING:
        return False
    return (
        store.catalog.has_mesh(service)
        or store.gateways.leads_out_to(service)
        or any(store.entries.get(kind, service) is not None for kind in _ROUTING)
    )
