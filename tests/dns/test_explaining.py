"""Questions that need something first, explained all the same."""

from __future__ import annotations

import asyncio

import pytest

from lictor_core.clock import SystemClock
from lictor_core.errors import ClusterError
from lictor_dns.asked import worded
from lictor_dns.explaining import explained
from lictor_dns.settings import DnsSettings
from tests.support.catalog import make_instance, make_node, make_service
from tests.support.cold_catalog import ColdCatalog
from tests.support.conditions import eventually

S_MAX = 20.0


def aliased() -> ColdCatalog:
    node = make_node("n1", "10.0.0.1")
    return ColdCatalog([make_instance(make_service(address="n1.node.consul"), node)])


async def test_what_is_needed_is_fetched_one_after_the_other() -> None:
    catalog = aliased()
    asking = asyncio.ensure_future(explained(catalog, worded("web.service.consul"), DnsSettings(), SystemClock()))
    for what in ("web False", "node n1"):
        await eventually(lambda what=what: what in catalog.wanted, within_s=S_MAX, what=what)  # type: ignore[misc]
        catalog.bring()
    async with asyncio.timeout(S_MAX):
        found = await asking
    assert found.answers[-1] == "n1.node.consul. 0 IN A 10.0.0.1"
    assert found.fetched == 2


async def test_what_cannot_be_fetched_is_an_error_that_says_what_dns_does() -> None:
    catalog = aliased()
    asking = asyncio.ensure_future(explained(catalog, worded("web.service.consul"), DnsSettings(), SystemClock()))
    await eventually(lambda: bool(catalog.wanted), within_s=S_MAX, what="it is wanted")
    catalog.fail()
    with pytest.raises(ClusterError, match="SERVFAIL"):
        async with asyncio.timeout(S_MAX):
            await asking
