"""UDP on a loop: batches, runs broken by messages without an answer."""

import asyncio
import socket

import structlog

from lictor_core.clock import SeededRng
from lictor_dns.cache import AnswerCache
from lictor_dns.question import Refusal
from lictor_dns.settings import DnsSettings
from lictor_dns.udp import UdpSocket, bind
from tests.dns.asking import query, text
from tests.support.catalog import PlainCatalog, make_instance
from tests.support.clock import ManualClock


async def test_every_question_of_a_batch_is_answered_and_nothing_else() -> None:
    loop = asyncio.get_running_loop()
    refused: list[Refusal] = []
    cache = AnswerCache(
        PlainCatalog([make_instance()]),
        DnsSettings(),
        ManualClock(),
        SeededRng(1),
        lambda refusal, _client: refused.append(refusal),
        is_udp=True,
    )
    bound = bind("127.0.0.1", 0)
    server = UdpSocket(bound, cache, loop, structlog.get_logger())
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.setblocking(False)
        client.connect(bound.getsockname())
        for identifier in range(200):
            client.send(b"silence" if identifier % 7 == 0 else query("web.service.consul", id=identifier))
        expected = {identifier for identifier in range(200) if identifier % 7}
        async with asyncio.timeout(30):
            answered = {text(await loop.sock_recv(client, 4096)).id for _ in expected}
    server.close()
    assert answered == expected
    assert len(refused) == 200 - len(expected)
