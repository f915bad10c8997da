"""The load generator over TCP takes whole answers, however large, and tells those that are short of records."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest
import structlog
from msgspec.structs import replace

from lictor_bench.dns_load import question
from lictor_bench.dns_stream_load import StreamLoad, run
from lictor_core.clock import SeededRng, SystemClock
from lictor_dns import DnsServer, DnsSettings
from tests.support.catalog import PlainCatalog, make_instance, make_node, make_service

INSTANCES = 600


@asynccontextmanager
async def server() -> AsyncGenerator[tuple[str, int]]:
    first = make_instance(make_service())
    catalog = PlainCatalog(
        [
            replace(first, node=make_node(f"node-{number}"), service=make_service(id=f"web-{number}", port=number))
            for number in range(INSTANCES)
        ]
    )
    found = DnsServer(catalog, DnsSettings(), [("127.0.0.1", 0)], SystemClock(), SeededRng(1), structlog.get_logger())
    await found.start()
    try:
        yield found.bound[0]
    finally:
        await found.close()


async def load(name: str) -> StreamLoad:
    async with server() as address:
        return await asyncio.to_thread(run, address, question(name, "SRV", 0), 3, 0.5)


@pytest.mark.slow
async def test_large_answers_are_counted_whole() -> None:
    found = await load("web.service.consul")
    assert found.answers > 0
    assert found.records_min == INSTANCES
    assert found.bytes_each > 16 * 1024


@pytest.mark.slow
async def test_an_answer_without_records_is_told() -> None:
    found = await load("nobody.service.consul")
    assert found.answers > 0
    assert found.records_min == 0
