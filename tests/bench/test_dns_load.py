"""The load generator tells answers, wrong answers and losses apart."""

import asyncio
import socket

import pytest
import structlog

from lictor_bench.dns_load import OUTSTANDING, Load, question, run
from lictor_core.clock import SeededRng, SystemClock
from lictor_dns import DnsServer, DnsSettings
from tests.support.catalog import PlainCatalog, make_instance


async def load(name: str) -> Load:
    server = DnsServer(
        PlainCatalog([make_instance()]),
        DnsSettings(),
        [("127.0.0.1", 0)],
        SystemClock(),
        SeededRng(1),
        structlog.get_logger(),
    )
    await server.start()
    try:
        return await asyncio.to_thread(run, server.bound[0], [question(name, "A", 0), question(name, "SRV", 1232)], 0.2)
    finally:
        await server.close()


@pytest.mark.slow
async def test_answers_are_counted() -> None:
    found = await load("web.service.consul")
    assert (found.wrong, found.lost) == (0, 0)
    assert found.answers >= OUTSTANDING
    assert found.seconds >= 0.2


@pytest.mark.slow
async def test_an_answer_without_records_is_wrong() -> None:
    found = await load("nobody.service.consul")
    assert found.wrong >= found.answers > 0


@pytest.mark.slow
def test_a_server_that_is_silent_loses_questions() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        found = run(silent.getsockname(), [question("web.service.consul", "A", 0)], 0.3)
    assert found.answers == 0
    assert found.lost >= OUTSTANDING
