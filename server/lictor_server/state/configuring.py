"""Writing and removing configuration entries: only where all that they have a part in holds together afterwards."""

from __future__ import annotations

from collections.abc import Callable

from lictor_core import topics as on
from lictor_core.commands import ConfigDelete, ConfigSet, Rejection
from lictor_core.config_records import ConfigEntry
from lictor_core.entries.access import ServiceIntentions
from lictor_core.entries.base import Entry
from lictor_core.entries.defaults import ProxyDefaults, ServiceDefaults
from lictor_core.entries.entry_set import EntrySet
from lictor_core.entries.gateways import IngressGateway, TerminatingGateway
from lictor_core.entries.graph import ROUTING_KINDS, concerned, graph_flaws
from lictor_core.entries.reading import entry_from
from lictor_core.errors import RequestError
from lictor_server.state.access import drop_intentions, intentions_entries, intentions_entry, set_intentions
from lictor_server.state.indexes import Change
from lictor_server.state.store import Store

__all__ = ["drop_entry", "set_entry", "shown_entries", "shown_entry"]

_SHAPING: tuple[type[Entry], ...] = (ServiceDefaults, *ROUTING_KINDS)
_GATEWAYS = (IngressGateway.kind, TerminatingGateway.kind)
Result = bool | int | Rejection


def set_entry(store: Store, change: Change, command: ConfigSet) -> Result:
    """Create or replace an entry."""
    try:
        entry = entry_from(command.kind, command.name, command.body)
    except RequestError as error:
        return _refuse(str(error))
    if not _is_as_expected(store, command.kind, command.name, command.cas):
        return False
    if refusal := store.entries.refusal(entry.kind, entry.name, command.body):
        return _refuse(f"{entry.kind} {entry.name!r} cannot be written: {refusal}")
    if isinstance(entry, ServiceIntentions):
        return set_intentions(store, change, entry, command.at) or True
    before = store.entries.set()
    after = before.with_entry(entry)
    if flaws := graph_flaws(store.entries.references, before, after, entry.kind, entry.name, store.datacenter):
        return _refuse(f"{entry.kind} {entry.name!r} cannot be written: {'; '.join(flaws)}")
    _carry_out(store, change, after, entry.kind, entry.name, lambda: store.entries.put(change, entry, command.body))
    return True


def drop_entry(store: Store, change: Change, command: ConfigDelete) -> Result:
    """Delete an entry. A missing one is no error; with a `cas` it has been changed by somebody else."""
    kind, name = command.kind, command.name
    if not _is_as_expected(store, kind, name, command.cas):
        return False
    if kind == ServiceIntentions.kind:
        drop_intentions(store, change, name)
        return True
    if store.entries.get(kind, name) is None:
        return True
    before = store.entries.set()
    after = before.without(kind, name)
    if flaws := graph_flaws(store.entries.references, before, after, kind, name, store.datacenter):
        return _refuse(f"{kind} {name!r} cannot be deleted: {'; '.join(flaws)}")
    _carry_out(store, change, after, kind, name, lambda: _drop(store, change, kind, name))
    return True


def shown_entry(store: Store, kind: str, name: str) -> ConfigEntry | None:
    """An entry as it is shown, which for intentions is made of these."""
    return intentions_entry(store, name) if kind == ServiceIntentions.kind else store.entries.get(kind, name)


def shown_entries(store: Store, kind: str) -> list[ConfigEntry]:
    """The entries of a kind, or of all kinds, as they are shown, by kind and name."""
    if kind == ServiceIntentions.kind:
        return intentions_entries(store)
    rows = store.entries.all(kind)
    if kind:
        return rows
    rest = [row for row in rows if row.kind != ServiceIntentions.kind]
    return sorted([*rest, *intentions_entries(store)], key=lambda row: (row.kind, row.name.lower()))


def _drop(store: Store, change: Change, kind: str, name: str) -> None:
    store.entries.drop(change, kind, name)


def _is_as_expected(store: Store, kind: str, name: str, cas: int | None) -> bool:
    if cas is None:
        return True
    row = shown_entry(store, kind, name)
    return cas == (0 if row is None else row.modify_index)


def _carry_out(
    store: Store,
    change: Change,
    after: EntrySet,
    kind: str,
    name: str,
    step: Callable[[], None],
) -> None:
    services = concerned(store.entries.references, kind, name)
    if kind in _GATEWAYS:
        store.gateways.entry_changed(change, step, name)
    else:
        step()
    if services is None:
        assert kind == ProxyDefaults.kind, "one kind alone is part of every chain"
        change.wake(on.CHAINS)
    else:
        for service in sorted(services):
            is_shaped = any(after.find(form, service) is not None for form in _SHAPING)
            touch = change.wake if is_shaped else change.retire
            touch(on.chain(service))


def _refuse(message: str) -> Rejection:
    return Rejection(code=RequestError.code, message=message)
