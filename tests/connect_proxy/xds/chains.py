"""Discovery chains of entries, as the registry makes them."""

from __future__ import annotations

from lictor_core.entries.chains import Chain
from lictor_core.entries.compiler import ChainQuestion, compile_chain
from lictor_core.entries.entry_set import EntrySet
from lictor_core.entries.reading import read_entry
from lictor_core.records import JsonObject
from tests.connect_proxy.build import TRUST_DOMAIN

__all__ = ["compiled"]


def compiled(service: str, *entries: JsonObject, connect_timeout: str = "", protocol: str = "") -> Chain:
    """The chain of a service as a proxy of dc1 sees it; entries as users write them."""
    question = ChainQuestion(
        service=service,
        datacenter="dc1",
        own_datacenter="dc1",
        trust_domain=TRUST_DOMAIN,
        connect_timeout=connect_timeout,
        protocol=protocol,
    )
    return compile_chain(EntrySet(read_entry(one) for one in entries), question)
