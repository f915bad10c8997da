"""Answers that come later: over the cache alone, over UDP from both kinds of address, over TCP in order."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncGenerator

import dns.rcode
import pytest
import structlog

from lictor_core.clock import SeededRng, SystemClock
from lictor_dns import DnsServer, DnsSettings
from lictor_dns.cache import AnswerCache
from lictor_dns.late import LateAnswers
from lictor_dns.question import Refusal
from tests.dns.asking import IPV6, query, text, texts
from tests.support.catalog import make_instance, make_node, make_service
from tests.support.clock import ManualClock
from tests.support.cold_catalog import ColdCatalog
from tests.support.conditions import eventually

QUESTION = query("web.service.consul")
KEY = QUESTION[2:]
S_MAX = 20.0


def one_instance() -> ColdCatalog:
    return ColdCatalog([make_instance(make_service(), make_node("n1", "10.0.0.1"))])


def _ignore(_refusal: Refusal, _client: object) -> None:
    """Refusals are looked at elsewhere."""


class Rig:
    """A cache over a cold catalog, and the questions that wait."""

    def __init__(self, catalog: ColdCatalog, *, late_max: int | None = None) -> None:
        self.catalog = catalog
        self.cache = AnswerCache(catalog, DnsSettings(), ManualClock(), SeededRng(1), _ignore, is_udp=True)
        self.late = LateAnswers(self.cache) if late_max is None else LateAnswers(self.cache, late_max=late_max)
        self.sent: list[bytes | None] = []

    def ask(self, question: bytes = QUESTION) -> bytes | None:
        """The reply that comes at once; without one the question waits."""
        self.cache.refresh()
        tail = self.cache.reply(question[2:], "client")
        if tail is None:
            self.late.wait(question[2:], "client", self.sent.append)
        return tail

    def answers(self) -> list[list[str]]:
        return [texts(b"\0\0" + tail) for tail in self.sent if tail is not None]

    def failures(self) -> list[int]:
        return [text(b"\0\0" + tail).rcode() for tail in self.sent if tail is not None]


def test_a_cold_name_is_answered_once_it_is_here_and_warm_ones_at_once() -> None:
    rig = Rig(one_instance())
    assert [rig.ask() for _ in range(3)] == [None] * 3
    assert (rig.sent, len(rig.late), list(rig.catalog.wanted)) == ([], 3, ["web False"])
    rig.catalog.bring()
    assert len(rig.late) == 0
    assert rig.answers() == [["web.service.consul. 0 IN A 10.0.0.1"]] * 3
    assert rig.ask() is not None


def test_a_name_that_cannot_be_had_fails() -> None:
    rig = Rig(one_instance())
    rig.ask()
    rig.catalog.fail()
    assert rig.failures() == [dns.rcode.SERVFAIL]
    assert len(rig.late) == 0


def test_what_an_answer_needs_is_fetched_one_after_the_other() -> None:
    node = make_node("n1", "10.0.0.1")
    rig = Rig(ColdCatalog([make_instance(make_service(address="n1.node.consul"), node)]))
    rig.ask()
    rig.catalog.bring()
    assert (rig.sent, list(rig.catalog.wanted)) == ([], ["node n1"])
    rig.catalog.bring()
    assert rig.answers()[0][-1] == "n1.node.consul. 0 IN A 10.0.0.1"


def test_what_went_again_while_its_answers_were_made_is_fetched_again() -> None:
    # So many that each order is looked up, instead of the first one being put into another order.
    instances = [make_instance(make_service(), make_node(f"n{number}", f"10.0.0.{number}")) for number in range(40)]
    rig = Rig(ColdCatalog(instances))
    rig.ask()
    rig.catalog.bring()
    rig.catalog.here.clear()
    assert rig.ask() is None, "the second order is made from what is not here any more"
    rig.catalog.bring()
    assert len(rig.answers()) == 2
    assert rig.ask() is not None


def test_questions_that_wait_are_bounded() -> None:
    rig = Rig(one_instance(), late_max=1)
    rig.ask()
    rig.ask()
    assert rig.failures() == [dns.rcode.SERVFAIL]
    rig.catalog.bring()
    assert len(rig.answers()) == 2


def test_a_view_that_takes_no_more_questions_fails_them() -> None:
    rig = Rig(one_instance())
    rig.catalog.is_full = True
    rig.ask()
    assert rig.failures() == [dns.rcode.SERVFAIL]
    assert len(rig.late) == 0


def test_after_the_end_nothing_is_sent() -> None:
    rig = Rig(one_instance())
    rig.ask()
    rig.late.close()
    rig.catalog.bring()
    assert rig.sent == []


@contextlib.asynccontextmanager
async def served(catalog: ColdCatalog, host: str) -> AsyncGenerator[int]:
    server = DnsServer(catalog, DnsSettings(), [(host, 0)], SystemClock(), SeededRng(1), structlog.get_logger())
    await server.start()
    try:
        yield server.bound[0][1]
    finally:
        await server.close()


@pytest.mark.parametrize(
    ("host", "asked"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("0.0.0.0", "127.0.0.3"),
        pytest.param("::", "::1", marks=IPV6),
        pytest.param("::1", "::1", marks=IPV6),
    ],
)
async def test_late_answers_leave_from_the_address_that_was_asked(host: str, asked: str) -> None:
    catalog, loop = one_instance(), asyncio.get_running_loop()
    async with served(catalog, host) as port:
        with socket.socket(socket.AF_INET6 if ":" in asked else socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.setblocking(False)
            client.connect((asked, port))  # the kernel drops what comes from anywhere else
            for identifier in range(70):
                client.send(query("web.service.consul", id=identifier))
            await eventually(
                lambda: sum(map(len, catalog.wanted.values())) == 70, within_s=S_MAX, what="all questions wait"
            )
            catalog.bring()
            async with asyncio.timeout(S_MAX):
                answers = [text(await loop.sock_recv(client, 4096)) for _ in range(70)]
    assert {answer.id for answer in answers} == set(range(70))
    assert {str(answer.answer[0]) for answer in answers} == {"web.service.consul. 0 IN A 10.0.0.1"}


async def test_over_tcp_a_late_answer_keeps_its_place() -> None:
    catalog = one_instance()
    catalog.here.add("db False")
    async with served(catalog, "127.0.0.1") as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for identifier, name in enumerate(("db", "web", "db")):
            message = query(f"{name}.service.consul", id=identifier)
            writer.write(len(message).to_bytes(2, "big") + message)
        await eventually(lambda: bool(catalog.wanted), within_s=S_MAX, what="the question waits")
        catalog.bring()
        async with asyncio.timeout(S_MAX):
            ids: list[int] = []
            for _ in range(3):
                length = int.from_bytes(await reader.readexactly(2), "big")
                ids.append(text(await reader.readexactly(length)).id)
        writer.close()
    assert ids == [0, 1, 2]


async def test_over_tcp_a_client_that_has_said_everything_gets_a_late_answer_too() -> None:
    catalog = one_instance()
    async with served(catalog, "127.0.0.1") as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(len(QUESTION).to_bytes(2, "big") + QUESTION)
        await eventually(lambda: bool(catalog.wanted), within_s=S_MAX, what="the question waits")
        writer.write_eof()
        await asyncio.sleep(0.05)
        catalog.bring()
        async with asyncio.timeout(S_MAX):
            length = int.from_bytes(await reader.readexactly(2), "big")
            assert texts(await reader.readexactly(length)) == ["web.service.consul. 0 IN A 10.0.0.1"]
            assert await reader.read() == b""
        writer.close()


async def test_a_client_of_tcp_that_went_away_gets_nothing() -> None:
    catalog = one_instance()
    async with served(catalog, "127.0.0.1") as port:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(len(QUESTION).to_bytes(2, "big") + QUESTION)
        await eventually(lambda: bool(catalog.wanted), within_s=S_MAX, what="the question waits")
        writer.transport.abort()
        await asyncio.sleep(0.05)
        catalog.bring()
