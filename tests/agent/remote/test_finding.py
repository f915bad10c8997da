"""From what an operator wrote to servers that answer."""

from __future__ import annotations

import pytest

from lictor_agent.remote.finding import Finder
from lictor_core.clock import SeededRng
from lictor_core.errors import PeerError
from lictor_server import RpcPool, Server
from tests.agent.remote.registries import settings
from tests.server.conftest import Log
from tests.support.ports import free_port

pytestmark = pytest.mark.timeout(30)


async def test_names_ports_and_places_that_do_not_answer_are_sorted_out(server: Server, log: Log) -> None:
    pool, reasons = RpcPool(rng=SeededRng(1)), list[str]()
    finder = Finder(settings(join_port=server.server_port), pool, log.logger)
    silent = f"127.0.0.1:{free_port()}"
    found = await finder.find(["localhost", f"127.0.0.1:{server.server_port}", silent, "no.such.invalid"], reasons)
    assert [one.address for one in found] == [f"127.0.0.1:{server.server_port}"] * 2
    assert sorted(reason.split(":")[0] for reason in reasons if "::1" not in reason) == ["127.0.0.1", "no.such.invalid"]
    assert [entry["address"] for entry in log.named("agent.name.unresolved")] == ["no.such.invalid"]
    await pool.stop()


async def test_a_server_that_serves_others_refuses_and_is_told_of_once(server: Server, log: Log) -> None:
    pool, place = RpcPool(rng=SeededRng(1)), f"127.0.0.1:{server.server_port}"
    finder = Finder(settings(datacenter="elsewhere"), pool, log.logger)
    for _ in range(3):
        assert await finder.find([place], []) == []
    assert len(log.named("agent.join.refused")) == 1
    await pool.stop()


async def test_who_does_not_answer_in_time_is_no_server(log: Log) -> None:
    pool = RpcPool(rng=SeededRng(1))
    with pytest.raises(PeerError):
        await Finder(settings(), pool, log.logger).look(f"127.0.0.1:{free_port()}")
    await pool.stop()
