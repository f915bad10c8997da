"""Questions for others: recursors in turn, bounds, reload; alone, and through the server on real sockets."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Sequence

import dns.asyncquery
import dns.edns
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest
import structlog
from structlog.testing import capture_logs

from lictor_core.clock import Rng, SeededRng, SystemClock, SystemRng
from lictor_core.errors import ConfigurationError
from lictor_dns import DnsServer, DnsSettings
from lictor_dns.recursion import Recursion
from tests.dns.asking import query as plain_query
from tests.dns.asking import question
from tests.support.catalog import PlainCatalog, make_instance, make_node, make_service
from tests.support.clock import ManualClock
from tests.support.conditions import eventually
from tests.support.ports import free_port
from tests.support.upstream import MANY, Upstream, upstream, upstreams

S_MAX = 30.0
CATALOG = PlainCatalog(
    [
        make_instance(make_service(), make_node("n1", "10.0.0.1")),
        make_instance(make_service("hosted", address="host.example.com"), make_node("n2", "10.0.0.2")),
        make_instance(make_service("large", address="many.example.com"), make_node("n3", "10.0.0.3")),
        make_instance(make_service("six", address="six.example.com"), make_node("n4", "10.0.0.4")),
        make_instance(make_service("lost", address="silent.example.com"), make_node("n5", "10.0.0.5")),
    ]
)


def settings(*recursors: Upstream | str, timeout_s: float = S_MAX) -> DnsSettings:
    texts = tuple(one if isinstance(one, str) else one.address for one in recursors)
    return DnsSettings(recursors=texts, recursor_timeout_s=timeout_s)


@contextlib.asynccontextmanager
async def served(chosen: DnsSettings) -> AsyncGenerator[DnsServer]:
    server = DnsServer(
        CATALOG, chosen, [("127.0.0.1", 0)], SystemClock(), SeededRng(1), structlog.get_logger(), ids=SystemRng()
    )
    await server.start()
    try:
        yield server
    finally:
        await server.close()


async def ask(
    server: DnsServer, name: str, kind: str = "A", *, over: str = "udp", payload: int | None = None
) -> dns.message.Message:
    query = dns.message.make_query(name, kind, use_edns=False if payload is None else 0, payload=payload or 0)
    host, port = server.bound[0]
    if over == "udp":
        return await dns.asyncquery.udp(query, host, S_MAX, port)
    return await dns.asyncquery.tcp(query, host, S_MAX, port)


def addresses(message: dns.message.Message) -> list[str]:
    return [text for rrset in message.answer if rrset.rdtype != dns.rdatatype.CNAME for text in _data_of(rrset)]


def _data_of(rrset: dns.rrset.RRset) -> list[str]:
    return [line.split(" ", 4)[4] for line in rrset.to_text().splitlines()]


@pytest.mark.parametrize("over", ["udp", "tcp"])
async def test_names_of_others_are_answered_by_the_recursor_over_the_clients_transport(over: str) -> None:
    with upstream() as one:
        async with served(settings(one)) as server:
            reply = await ask(server, "www.example.com", over=over)
    assert addresses(reply) == ["203.0.113.80"]
    assert one.names() == [f"{over} www.example.com. A"]


async def test_without_recursors_names_of_others_are_refused() -> None:
    async with served(DnsSettings()) as server:
        reply = await ask(server, "www.example.com")
    assert reply.rcode() == dns.rcode.REFUSED
    assert not reply.flags & dns.flags.RA


async def test_what_the_client_says_by_edns_goes_on() -> None:
    with upstream() as one:
        async with served(settings(one)) as server:
            query = dns.message.make_query("www.example.com", "A", want_dnssec=True, payload=1232)
            query.use_edns(0, dns.flags.DO, 1232, options=[dns.edns.ECSOption("192.0.2.0", 24)])
            await dns.asyncquery.udp(query, server.bound[0][0], S_MAX, server.bound[0][1])
    (asked,) = one.asked
    assert asked.message.payload == 1232
    assert asked.message.ednsflags & dns.flags.DO
    assert (dns.edns.ECSOption("192.0.2.0", 24).to_wire() or b"no option") in asked.wire


async def test_the_id_that_a_recursor_sees_is_not_the_clients_and_each_time_another() -> None:
    with upstream() as one:
        async with served(settings(one)) as server:
            query = dns.message.make_query("www.example.com", "A", id=7)
            for _ in range(6):
                assert (await dns.asyncquery.udp(query, server.bound[0][0], S_MAX, server.bound[0][1])).id == 7
    assert len({asked.message.id for asked in one.asked} - {7}) >= 5


@pytest.mark.parametrize("name", ["not-first.example.com", "only-second.example.com"])
async def test_the_next_recursor_is_asked_when_one_refuses_or_is_silent(name: str) -> None:
    with upstreams() as (first, second):
        first.odd["only-second.example.com."] = lambda _wire, _right, _transport: []
        async with served(settings(first, second, timeout_s=1.0)) as server:
            reply = await ask(server, name)
    assert first.names() == second.names() == [f"udp {name}. A"]
    assert reply.rcode() in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN)


@pytest.mark.parametrize("payload", [None, 1232])
async def test_when_all_fail_the_client_is_told_and_recursion_stays_available(payload: int | None) -> None:
    with upstreams() as (first, second):
        async with served(settings(first, second)) as server:
            reply = await ask(server, "servfail.example.com", payload=payload)
    assert reply.rcode() == dns.rcode.SERVFAIL
    assert reply.flags & dns.flags.RA
    assert not reply.flags & dns.flags.AA
    assert (reply.edns >= 0) is (payload is not None)


async def test_who_is_silent_makes_the_next_question_wait_no_more() -> None:
    clock = ManualClock()
    with upstreams() as (first, second), capture_logs() as logs:
        first.odd["www.example.com."] = lambda _wire, _right, _transport: []
        recursion = Recursion(settings(first, second, timeout_s=1.0), clock, SystemRng(), structlog.get_logger())
        for _ in range(2):
            assert await put(recursion, "www.example.com") is not None
        assert first.names() == ["udp www.example.com. A"]
        first.odd.clear()
        clock.advance(10)
        assert await put(recursion, "www.example.com") is not None
        assert len(first.names()) == 2
        await recursion.close()
    assert [(one["event"], one["recursor"]) for one in logs] == [
        ("dns.recursor.lost", first.address),
        ("dns.recursor.recovered", first.address),
    ]


async def put(recursion: Recursion, name: str, *, bytes_max: int = 512, is_udp: bool = True) -> bytes | None:
    """The reply to a question for A, without its id."""
    return await begin(recursion, name, bytes_max=bytes_max, is_udp=is_udp)


def begin(
    recursion: Recursion, name: str, *, bytes_max: int = 512, is_udp: bool = True
) -> asyncio.Future[bytes | None]:
    """Begin to ask."""
    told: asyncio.Future[bytes | None] = asyncio.get_running_loop().create_future()
    recursion.elsewhere(question(name), bytes_max, is_udp=is_udp).ask(plain_query(name)[2:], told.set_result)
    return told


@contextlib.asynccontextmanager
async def recursing(chosen: DnsSettings, *, ids: Rng | None = None, asked_max: int = 8) -> AsyncGenerator[Recursion]:
    recursion = Recursion(chosen, SystemClock(), ids or SystemRng(), structlog.get_logger(), asked_max=asked_max)
    try:
        yield recursion
    finally:
        await recursion.close()


async def test_who_asks_what_is_asked_already_waits_for_the_same_reply() -> None:
    with upstream() as one:
        async with recursing(settings(one)) as recursion:
            waiting = [begin(recursion, "www.example.com") for _ in range(5)]
            other = begin(recursion, "www.example.com", is_udp=False)
            replies = await asyncio.gather(*waiting, other)
    assert None not in replies
    assert sorted(one.names()) == ["tcp www.example.com. A", "udp www.example.com. A"]


async def test_more_than_a_bound_are_not_asked_at_once() -> None:
    with upstream() as one:
        async with recursing(settings(one, timeout_s=1.0), asked_max=3) as recursion:
            waiting = [begin(recursion, f"a{number}.silent.example.com") for number in range(2)]
            waiting.append(begin(recursion, "silent.example.com"))
            assert len(recursion) == 3
            over = begin(recursion, "www.example.com")
            assert over.done()
            assert over.result() is None
            await asyncio.gather(*waiting)
            assert len(recursion) == 0
            assert await put(recursion, "www.example.com") is not None


async def test_who_waits_is_told_nothing_after_the_end() -> None:
    with upstream() as one:
        async with recursing(settings(one)) as recursion:
            waiting = begin(recursion, "silent.example.com")
            await eventually(lambda: bool(one.asked), what="the recursor is asked")
        assert len(recursion) == 0
        assert not waiting.done()


@pytest.mark.parametrize(("bytes_max", "count"), [(512, 0), (600, 0), (4096, MANY)])
async def test_a_client_gets_what_it_can_take_of_a_long_answer(bytes_max: int, count: int) -> None:
    with upstream() as one:
        async with recursing(settings(one)) as recursion:
            tail = await put(recursion, "many.example.com", bytes_max=bytes_max)
    assert tail is not None
    reply = dns.message.from_wire(b"\0\0" + tail)
    assert len(tail) + 2 <= bytes_max
    assert len(addresses(reply)) == count
    assert bool(reply.flags & dns.flags.TC) is (count == 0)
    # Where more than the least can be taken, the whole is fetched.
    assert [asked.transport for asked in one.asked] == (["udp"] if bytes_max == 512 else ["udp", "tcp"])


async def test_a_recursor_that_sends_more_than_the_client_takes_is_cut_short() -> None:
    def all_at_once(wire: bytes, _right: bytes, _transport: str) -> list[bytes]:
        long = [200 * letter for letter in "abcd"]
        reply = dns.message.make_response(dns.message.from_wire(wire))
        reply.answer.append(dns.rrset.from_text("www.example.com.", 1, "IN", "TXT", *[f'"{one}"' for one in long]))
        return [reply.to_wire()]

    with upstream(odd={"www.example.com.": all_at_once}) as one:
        async with served(settings(one)) as server:
            reply = await ask(server, "www.example.com")
    assert reply.flags & dns.flags.TC
    assert not reply.answer


async def test_reverse_names_that_nobody_here_has_go_to_the_recursors() -> None:
    with upstream() as one:
        async with served(settings(one)) as server:
            outside = await ask(server, "7.113.0.203.in-addr.arpa", "PTR")
            inside = await ask(server, "1.0.0.10.in-addr.arpa", "PTR")
    assert addresses(outside) == ["host.example.com."]
    assert addresses(inside) == ["n1.node.dc1.consul."]
    assert one.names() == ["udp 7.113.0.203.in-addr.arpa. PTR"]


@pytest.mark.parametrize(("name", "kind"), [("web.service.consul", "A"), ("nothing.consul", "A"), ("consul", "SOA")])
async def test_in_our_zone_recursion_is_available_where_there_are_recursors(name: str, kind: str) -> None:
    with upstream() as one:
        async with served(settings(one)) as server:
            assert (await ask(server, name, kind)).flags & dns.flags.RA
    async with served(DnsSettings()) as server:
        assert not (await ask(server, name, kind)).flags & dns.flags.RA
    assert not one.asked


@pytest.mark.parametrize(
    ("name", "kind", "section", "expected"),
    [
        ("hosted", "A", "answer", ["203.0.113.7", "203.0.113.8"]),
        ("hosted", "AAAA", "answer", ["2001:db8::7"]),
        ("hosted", "SRV", "additional", ["203.0.113.7", "203.0.113.8", "2001:db8::7"]),
        ("six", "AAAA", "answer", ["2001:db8::6"]),
        ("six", "A", "answer", []),
    ],
)
async def test_a_service_at_a_host_name_has_the_addresses_of_that(
    name: str, kind: str, section: str, expected: Sequence[str]
) -> None:
    with upstream() as one:
        async with served(settings(one)) as server:
            reply = await ask(server, f"{name}.service.consul", kind, payload=1232)
    rrsets = reply.answer if section == "answer" else reply.additional
    found = [text for rrset in rrsets if rrset.rdtype in (1, 28) for text in _data_of(rrset)]
    assert sorted(found) == sorted(expected)
    assert all(rrset.ttl == 0 for rrset in rrsets), "the service's time to live goes for them, too"


async def test_many_addresses_of_a_host_name_are_fetched_over_tcp_and_five_given() -> None:
    with upstream() as one:
        async with served(settings(one)) as server:
            reply = await ask(server, "large.service.consul", over="tcp")
    assert len(addresses(reply)) == 5
    assert [asked.transport for asked in one.asked] == ["udp", "tcp"]


async def test_a_host_name_is_asked_for_once_while_its_answer_holds() -> None:
    with upstream() as one:
        async with served(settings(one)) as server:
            replies = await asyncio.gather(*(ask(server, "hosted.service.consul") for _ in range(20)))
            replies += [await ask(server, "hosted.service.consul", over="tcp")]
    assert all(len(addresses(reply)) == 2 for reply in replies)
    assert one.names() == ["udp host.example.com. A"]


async def test_a_host_name_that_nobody_finds_is_given_alone_and_not_asked_for_each_time() -> None:
    with upstream() as one:
        async with served(settings(one, timeout_s=0.3)) as server:
            for _ in range(3):
                reply = await ask(server, "lost.service.consul")
                assert [rrset.to_text() for rrset in reply.answer] == [
                    "lost.service.consul. 0 IN CNAME silent.example.com."
                ]
    assert one.names() == ["udp silent.example.com. A"]


async def test_questions_about_our_zone_do_not_wait_for_recursors() -> None:
    with upstream() as one:
        async with served(settings(one)) as server:
            waiting = asyncio.ensure_future(ask(server, "silent.example.com"))
            await eventually(lambda: bool(one.asked), what="the recursor is asked")
            assert addresses(await ask(server, "web.service.consul")) == ["10.0.0.1"]
            assert not waiting.done()
            waiting.cancel()


async def test_other_recursors_are_followed_at_once() -> None:
    with upstreams() as (first, second):
        async with served(settings(first)) as server:
            assert (await ask(server, "who.example.com", "TXT")).answer[0].to_text().endswith('"first"')
            await ask(server, "hosted.service.consul")
            server.follow(settings(second))
            assert (await ask(server, "who.example.com", "TXT")).answer[0].to_text().endswith('"second"')
            await ask(server, "hosted.service.consul")
            server.follow(DnsSettings())
            assert (await ask(server, "who.example.com", "TXT")).rcode() == dns.rcode.REFUSED
    assert "udp host.example.com. A" in second.names()


async def test_what_is_no_recursor_is_refused_and_the_old_ones_stay() -> None:
    with upstream() as one:
        async with served(settings(one)) as server:
            with pytest.raises(ConfigurationError, match="names no IP address"):
                server.follow(settings("dns.example.com"))
            assert addresses(await ask(server, "www.example.com")) == ["203.0.113.80"]


async def test_a_recursor_where_nobody_listens_costs_no_time() -> None:
    with upstream() as one:
        async with served(settings(f"127.0.0.1:{free_port()}", one)) as server:
            assert addresses(await ask(server, "www.example.com")) == ["203.0.113.80"]


def _poisoned(_wire: bytes, right: bytes, _transport: str) -> list[bytes]:
    forged = right[:-1] + b"\x42"
    return [bytes((right[0] ^ 1,)) + forged[1:], forged[:12] + bytes(5), right]


async def test_a_forged_reply_never_reaches_the_client() -> None:
    with upstream(odd={"www.example.com.": _poisoned}) as one:
        async with served(settings(one)) as server:
            assert addresses(await ask(server, "www.example.com")) == ["203.0.113.80"]
