"""The client of the mesh, in a whole mesh: a server, applications and proxies, each a process."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from lictor_jepsen.checker.lives import part
from lictor_jepsen.clients.mesh import LIVE, NEW, MeshClient
from lictor_jepsen.db import Cluster, lictor
from lictor_jepsen.disk import Folders
from lictor_jepsen.interpreter import serving
from lictor_jepsen.mesh import start_mesh
from lictor_jepsen.net import Loopback
from lictor_jepsen.op import Invocation, Kind, Outcome, Value
from tests.support.ports import free_port


@pytest.mark.slow
async def test_what_it_asks_happens_in_a_real_mesh(tmp_path: Path) -> None:
    cluster = Cluster(lictor(), Loopback(1), Folders(tmp_path / "data"), tmp_path)
    try:
        await cluster.start(cluster.nodes[0])
        assert await serving(cluster, time.monotonic) is not None
        await start_mesh(cluster)
        client = MeshClient(cluster.url(cluster.nodes[0]), cluster)

        async def do(f: str, key: str = "db", value: Value = None) -> Outcome:
            return await client.invoke(Invocation(f, key, value))

        assert (await do("look")).value == ("", 0)
        assert (await do("connect")).value == ("db", NEW)
        assert (await do("send")).value == ("db", LIVE)
        assert (await do("send", "api")).value == ("api", NEW)

        denied = (await do("deny")).value
        assert isinstance(denied, tuple)
        assert denied[1:] == (True, ("db-sidecar-proxy",))
        looked = (await do("look")).value
        assert isinstance(looked, tuple)
        assert looked[0] == "deny"
        assert part(looked, 1) <= part(denied, 0)
        on_live, on_new = await do("send"), await do("connect")
        assert (on_live.kind, on_new.kind) == (Kind.FAIL, Kind.FAIL)
        assert on_live.error.startswith("broken live")
        assert (await do("send", "api")).value == ("api", LIVE), "the other one is not denied"

        assert (await do("allow")).kind is Kind.OK
        settled = (await do("settle")).value
        assert isinstance(settled, tuple)
        assert settled[0] == "db"
        assert (await do("rest", "db", 1)).value == 1
        await client.close()
    finally:
        await cluster.stop()
    assert cluster.deaths == []


async def test_without_an_agent_nothing_is_written(tmp_path: Path) -> None:
    cluster = Cluster(lictor(), Loopback(1), Folders(tmp_path / "data"), tmp_path)
    client = MeshClient(f"http://127.0.0.1:{free_port()}", cluster)
    for f in ("deny", "look", "connect"):
        assert (await client.invoke(Invocation(f, "db"))).kind is Kind.FAIL
