"""The server: addresses, ports, both transports, one event for a bad packet."""

import asyncio
import contextlib
import socket
import subprocess
from collections.abc import AsyncGenerator, Sequence

import dns.asyncquery
import dns.message
import pytest
import structlog
import uvloop
from structlog.testing import capture_logs

from lictor_core.clock import SeededRng, SystemClock
from lictor_core.errors import ConfigurationError
from lictor_core.metrics import Meter, Series
from lictor_core.registry import CatalogView
from lictor_dns import DnsServer, DnsSettings
from tests.dns.asking import IPV6
from tests.support.catalog import PlainCatalog, make_instance, make_node, make_service
from tests.support.conditions import eventually

CATALOG = PlainCatalog([make_instance(make_service(), make_node("n1", "10.0.0.1", meta={"k": "v"}))])


@contextlib.asynccontextmanager
async def served(
    addresses: Sequence[tuple[str, int]] = (("127.0.0.1", 0),), view: CatalogView = CATALOG
) -> AsyncGenerator[DnsServer]:
    server = DnsServer(view, DnsSettings(), addresses, SystemClock(), SeededRng(1), structlog.get_logger())
    await server.start()
    try:
        yield server
    finally:
        await server.close()


async def answers(host: str, port: int) -> list[str]:
    """The answer over UDP and that over TCP."""
    query = dns.message.make_query("web.service.consul", "A")
    replies = [
        await dns.asyncquery.udp(query, host, 5, port),
        await dns.asyncquery.tcp(query, host, 5, port),
    ]
    return [str(reply.answer[0]) for reply in replies]


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "0.0.0.0", pytest.param("::1", marks=IPV6), pytest.param("::", marks=IPV6)]
)
async def test_both_transports_answer_on_one_port(host: str) -> None:
    async with served([(host, 0)]) as server:
        ((_, port),) = server.bound
        client_host = {"0.0.0.0": "127.0.0.9", "::": "::1"}.get(host, host)
        assert await answers(client_host, port) == ["web.service.consul. 0 IN A 10.0.0.1"] * 2


async def test_several_addresses_are_listened_on() -> None:
    async with served([("127.0.0.1", 0), ("127.0.0.2", 0), ("127.0.0.3", 0)]) as server:
        assert len(server.bound) == 3
        for host, port in server.bound:
            assert len(await answers(host, port)) == 2


def test_it_runs_on_uvloop() -> None:
    async def main() -> list[str]:
        async with served() as server:
            return await answers(*server.bound[0])

    assert len(uvloop.run(main())) == 2


async def test_a_taken_port_is_an_error_that_names_it_and_nothing_stays_open() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        server = DnsServer(
            CATALOG,
            DnsSettings(),
            [("127.0.0.2", 0), ("127.0.0.1", port)],
            SystemClock(),
            SeededRng(1),
            structlog.get_logger(),
        )
        with pytest.raises(ConfigurationError, match=f"127.0.0.1:{port}: Address already in use.*dns-port"):
            await server.start()
        assert server.bound == ()


async def test_settings_that_cannot_be_served_are_refused_at_once() -> None:
    with pytest.raises(ConfigurationError, match="udp_answer_limit"):
        DnsServer(CATALOG, DnsSettings(udp_answer_limit=-1), [], SystemClock(), SeededRng(1), structlog.get_logger())


async def test_closing_twice_gives_the_port_back_once() -> None:
    async with served() as server:
        ((host, port),) = server.bound
        await server.close()
        async with served([(host, port)]):
            pass


async def test_a_bad_packet_is_one_event_and_others_are_still_answered() -> None:
    with capture_logs() as events:
        async with served() as server:
            ((host, port),) = server.bound
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
                client.connect((host, port))
                client.send(b"\xff" * 40)
                client_port: int = client.getsockname()[1]
                await eventually(lambda: len(events) > 1, what="an event")
            assert len(await answers(host, port)) == 2
    refused = [event for event in events if event["event"] == "dns.query.refused"]
    assert [(event["client"], event["reason"]) for event in refused] == [
        (f"127.0.0.1:{client_port}", "a reply, not a query")
    ]


async def test_starting_is_one_event_with_the_addresses() -> None:
    with capture_logs() as events:
        async with served() as server:
            port = server.bound[0][1]
    assert events == [{"event": "dns.listener.started", "log_level": "info", "addresses": [f"127.0.0.1:{port}"]}]


@pytest.mark.needs("dig")
async def test_dig_understands_the_answers() -> None:
    async with served() as server:
        ((host, port),) = server.bound

        def dig(*arguments: str) -> list[str]:
            command = ["dig", f"@{host}", "-p", str(port), "+noall", "+answer", "+additional", "+time=5", *arguments]
            output = subprocess.run(command, capture_output=True, text=True, check=True, timeout=20).stdout
            return sorted(" ".join(line.split()) for line in output.splitlines() if line and line[0] != ";")

        srv = await asyncio.to_thread(dig, "web.service.consul", "SRV")
        assert srv == [
            "n1.node.dc1.consul. 0 IN A 10.0.0.1",
            'n1.node.dc1.consul. 0 IN TXT "k=v"',
            "web.service.consul. 0 IN SRV 1 1 80 n1.node.dc1.consul.",
        ]
        assert await asyncio.to_thread(dig, "+tcp", "-x", "10.0.0.1") == [
            "1.0.0.10.in-addr.arpa. 0 IN PTR n1.node.dc1.consul."
        ]


async def test_questions_of_both_transports_are_in_the_figures() -> None:
    meter = Meter(SystemClock())
    async with served() as server:
        server.tell_figures(meter, "n1")
        ((host, port),) = server.bound
        await answers(host, port)
    meter.turn()
    found = meter.samples[Series("dns.domain_query", (("node", "n1"),))]
    assert found.count == 2
    assert found.sum > 0


async def test_reverse_questions_old_answers_and_the_age_have_figures() -> None:
    view, meter = PlainCatalog([], [make_node("n1", "10.0.0.1")]), Meter(SystemClock())
    view.age_s = 7.0
    async with served(view=view) as server:
        server.tell_figures(meter, "n1")
        ((host, port),) = server.bound
        query = dns.message.make_query("1.0.0.10.in-addr.arpa", "PTR")
        for _ in range(2):
            await dns.asyncquery.udp(query, host, 5, port)
        gauges = {gauge.name: gauge.value for gauge in meter.gauges()}
        view.age_s = float("inf")
        names = [gauge.name for gauge in meter.gauges()]
    meter.turn()
    labels = (("node", "n1"),)
    assert meter.samples[Series("dns.ptr_query", labels)].count == 2
    assert Series("dns.domain_query", labels) not in meter.samples
    assert meter.counters[Series("dns.stale_queries")].sum == 2
    assert gauges == {"dns.age": 7.0, "dns.connections": 0.0}
    assert names == ["dns.connections"], "an age that is not known has no figure"
