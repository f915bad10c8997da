"""What dnsperf prints is taken only when every answer was one, and tells rates, losses and delays."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal

import pytest
import structlog

from lictor_bench.dnsperf import Load, Shape, load_told, program, run
from lictor_core.clock import SeededRng, SystemClock
from lictor_dns import DnsServer, DnsSettings
from tests.support.catalog import PlainCatalog, make_instance, make_node, make_service
from tests.support.requirements import lack

GOOD = """\
> NOERROR web.service.consul A 0.000200
> NOERROR web.service.consul SRV 0.000100
> NOERROR web.service.consul A 0.000400

Statistics:

  Queries sent:         4
  Queries completed:    3 (75.00%)
  Queries lost:         1 (25.00%)

  Response codes:       NOERROR 3 (100.00%)
  Average packet size:  request 36, response 177
  Run time (s):         2.000000
  Queries per second:   1.500000
"""


def test_the_rate_the_losses_and_the_delays_are_read() -> None:
    load = load_told(GOOD)
    assert (load.rate, load.lost, load.bytes_each) == (1.5, 1, 177)
    assert [load.delay_s(part) for part in (0.0, 0.5, 0.99)] == [0.0001, 0.0002, 0.0004]


@pytest.mark.parametrize(
    ("what", "instead"),
    [
        ("NOERROR 3 (100.00%)", "NOERROR 2 (66.67%), SERVFAIL 1 (33.33%)"),
        ("NOERROR 3 (100.00%)", ""),
        ("NOERROR 3 (100.00%)", "NXDOMAIN 3 (100.00%)"),
        ("Run time", "time"),
    ],
)
def test_a_run_with_anything_but_answers_has_no_rate(what: str, instead: str) -> None:
    with pytest.raises(RuntimeError):
        load_told(GOOD.replace(what, instead))


async def asked(names: str, shape: Shape, directory: Path, *, is_changing: bool = False) -> Load:
    """What the real program tells of a server of ours, whose service changes all the time if `is_changing`."""
    dnsperf = program()
    if dnsperf is None:
        lack("dnsperf is not installed")
    catalog = PlainCatalog([make_instance(make_service(), make_node(f"n{number}")) for number in range(10)])
    settings, log = DnsSettings(), structlog.get_logger()
    server = DnsServer(catalog, settings, [("127.0.0.1", 0)], SystemClock(), SeededRng(1), log)
    questions = directory / "questions"
    questions.write_text(names)
    await server.start()
    try:
        host, port = server.bound[0]
        with ThreadPoolExecutor(1) as threads:
            running = threads.submit(run, dnsperf, host, port, questions, 1.0, shape)
            changes = 0
            while not running.done():
                await asyncio.sleep(0.01)
                changes += 1
                if is_changing:
                    catalog.put(make_instance(make_service(port=changes), make_node("n0")))
        return running.result()
    finally:
        await server.close()


BOTH = "web.service.consul A\nweb.service.consul SRV\n"


@pytest.mark.slow
@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_nothing_is_lost_while_a_service_changes_a_hundred_times_a_second(
    transport: Literal["udp", "tcp"], tmp_path: Path
) -> None:
    load = await asked(BOTH, Shape(transport=transport, rate=500, each=True), tmp_path, is_changing=True)
    assert load.lost == 0
    assert load.answers == len(load.delays_s) > 0
    assert load.rate < 600


@pytest.mark.slow
async def test_answers_without_a_name_are_no_rate(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="NXDOMAIN"):
        await asked("nobody.service.consul A\n", Shape(), tmp_path)
