"""What a test knows, and what is made of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import cast

from lictor_connect_proxy.feed.answers import chain_in
from lictor_connect_proxy.feed.assembling import assemble
from lictor_connect_proxy.feed.needs import ChainFound, ChainOf, Known, Need
from lictor_connect_proxy.snapshot import Endpoint, ProxySnapshot, UpstreamKey
from lictor_core.entries.chains import Chain
from tests.connect_proxy.feed.agent_double import plain_chain

__all__ = ["Knowledge", "chain_of", "endpoint", "found_chain"]


def endpoint(name: str, *, healthy: bool = True, port: int = 1) -> Endpoint:
    return Endpoint("192.0.2.1", port, name, healthy=healthy)


def chain_of(written: Mapping[str, object]) -> Chain:
    return chain_in(json.dumps({"Chain": written}).encode())


def found_chain(service: str) -> dict[Need[object], object]:
    """That a service has the plain chain."""
    return {_key(ChainOf(UpstreamKey(service))): ChainFound(chain_of(plain_chain(service)))}


def _key(need: object) -> Need[object]:
    return cast("Need[object]", need)


class Knowledge:
    """Puts snapshots together, one after the other, of what is known at the time."""

    def __init__(self, start: ProxySnapshot, proxy_id: str = "") -> None:
        self.start = start
        self.snapshot = start
        self.wanted: set[object] = set()
        self._proxy_id = proxy_id
        self._values: dict[Need[object], object] = {}

    def learn(self, *facts: tuple[object, object]) -> ProxySnapshot:
        """The next snapshot, with these facts known, too; None is no longer known."""
        for need, value in facts:
            self._values[_key(need)] = value
        known = Known({need: value for need, value in self._values.items() if value is not None})
        self.snapshot = assemble(self.start, known, self.snapshot, self._proxy_id)
        self.wanted = set(known.wanted)
        return self.snapshot
