"""Entries and sets of them, written as clients write them."""

from __future__ import annotations

from collections.abc import Mapping

from lictor_core.entries.base import Entry
from lictor_core.entries.chains import Chain
from lictor_core.entries.compiler import ChainQuestion, compile_chain
from lictor_core.entries.entry_set import EntrySet
from lictor_core.entries.reading import read_entry

__all__ = ["DOMAIN", "chain", "entries", "entry", "flaws", "http"]

DOMAIN = "55555555-5555-4555-8555-555555555555.consul"


def entry(kind: str, name: str, body: Mapping[str, object] | None = None) -> Entry:
    """An entry as it is kept."""
    return read_entry({"Kind": kind, "Name": name, **(body or {})})


def http(*names: str) -> list[Entry]:
    """Services that speak http."""
    return [entry("service-defaults", name, {"Protocol": "http"}) for name in names]


def entries(*given: Entry) -> EntrySet:
    """A set of entries."""
    return EntrySet(given)


def chain(of: EntrySet, service: str, datacenter: str = "dc1", *, protocol: str = "", timeout: str = "") -> Chain:
    """The chain of a service, seen from dc1."""
    return compile_chain(
        of,
        ChainQuestion(
            service=service,
            datacenter=datacenter,
            own_datacenter="dc1",
            trust_domain=DOMAIN,
            protocol=protocol,
            connect_timeout=timeout,
        ),
    )


def flaws(kind: str, body: Mapping[str, object], name: str = "web") -> list[str]:
    """The places of all flaws of an entry looked at alone."""
    return [flaw.path for flaw in entry(kind, name, body).flaws()]
