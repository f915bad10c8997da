"""An agent that is no server, in a thread of the test's own process, beside an agent that is one.

It bears the server's node name and takes no lease: what it answers must be what the server would have answered.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace

from lictor_agent import assembly
from lictor_agent.agent import Agent
from lictor_agent.http.listening import TcpAddress
from lictor_agent.http.server import HttpServer
from lictor_agent.keyring import kept_keyring
from lictor_agent.keyring_follower import KeyringFollower
from lictor_agent.remote import RemoteRegistry, RemoteSettings
from lictor_agent.views import KeptInViews, ViewStore
from lictor_config.tree import Configuration
from lictor_core.clock import SystemClock, SystemRng
from tests.agent.harness import quiet_log
from tests.support.agents import NODE
from tests.support.conditions import eventually

__all__ = ["gateway"]

_NODE_ID = "00000000-0000-4000-8000-00000000c1e7"
_STARTS_WITHIN_S = 15.0


@contextmanager
def gateway(server_port: int, configuration: Configuration) -> Generator[int]:
    """The port of its HTTP API while the block runs; the server's RPC is at `server_port` on 127.0.0.1."""
    started: list[int] = []
    ready, ends = threading.Event(), threading.Event()
    thread = threading.Thread(
        target=lambda: asyncio.run(_serve(server_port, configuration, started, ready, ends)), daemon=True
    )
    thread.start()
    try:
        assert ready.wait(_STARTS_WITHIN_S), "the agent did not start"
        assert started, "the agent found no server"
        yield started[0]
    finally:
        ends.set()
        thread.join(_STARTS_WITHIN_S)


async def _serve(
    server_port: int, configuration: Configuration, started: list[int], ready: threading.Event, ends: threading.Event
) -> None:
    clock, rng = SystemClock(), SystemRng()
    log = quiet_log()[0]
    settings = RemoteSettings(
        node_name=NODE, node_id=_NODE_ID, datacenter=configuration.datacenter, retry_join=(f"127.0.0.1:{server_port}",)
    )
    keyring = kept_keyring(configuration.encrypt, "", log)
    keyed = assembly.keyed(configuration, keyring, rng)
    registry = RemoteRegistry(settings, keyed=keyed, clock=clock, rng=rng, log=log)
    views = ViewStore(registry, clock=clock, rng=rng, log=log)
    agent = Agent(
        identity=assembly.identity(replace(configuration, node_name=NODE), _NODE_ID),
        registry=registry,
        configuration=configuration,
        settings=assembly.agent_settings(configuration),
        clock=clock,
        rng=rng,
        log=log,
        resolve=registry.resolve_token,
        kept=KeptInViews(views, rng),
        keyring=keyring,
    )
    keys = KeyringFollower(keyring, registry, node_name=NODE, datacenter=configuration.datacenter, rng=rng, log=log)
    http = HttpServer(
        agent, [TcpAddress("127.0.0.1", 0)], clock, rng, log, assembly.http_settings(configuration), source=None
    )
    await registry.start()
    loop = asyncio.get_running_loop()
    following = [loop.create_task(views.run()), loop.create_task(keys.run())]
    try:
        await http.start()
        await eventually(lambda: registry.server != "", within_s=_STARTS_WITHIN_S, what="a server")
        started.append(http.addresses[0][1])
        ready.set()
        await asyncio.to_thread(ends.wait)
    finally:
        ready.set()
        await http.stop()
        for task in following:
            task.cancel()
        await asyncio.wait(following)
        await registry.stop()
