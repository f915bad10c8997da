"""A whole agent in the test's own process: server, agent, HTTP API, on a real socket."""

from __future__ import annotations

import io
import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import aiohttp
import structlog
from structlog.testing import LogCapture
from structlog.typing import EventDict, WrappedLogger

from lictor_agent import assembly
from lictor_agent.acl.resolving import Resolve
from lictor_agent.agent import Agent
from lictor_agent.http import HttpServer, HttpSettings, ListenAddress, TcpAddress
from lictor_agent.keyring import Keyring
from lictor_agent.log import LogOutput
from lictor_config.tree import Acl, Addresses, Configuration, Connect, Ports, Tokens
from lictor_core.clock import SeededRng, SystemClock
from lictor_core.metrics import Meter
from lictor_dns import DnsServer, DnsSettings
from lictor_server import Server
from tests.support.recorder.json_types import Json, as_list, at, parse

__all__ = ["NODE", "Live", "Reply", "live_agent"]

NODE = "judge"
_NODE_ID = "6f0c5a4e-0b63-4b0e-9a0e-2f1d6a3c8b11"


@dataclass(frozen=True)
class Reply:
    """An answer, read."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def json(self) -> Json:
        return parse(self.body)

    def at(self, path: str) -> Json:
        """What stands at a dotted path of the JSON."""
        return at(self.json, path)

    def text_at(self, path: str) -> str:
        """The text at a dotted path of the JSON."""
        found = self.at(path)
        assert isinstance(found, str), found
        return found

    def column(self, path: str) -> list[Json]:
        """What stands at a dotted path of each row of the JSON list."""
        return [at(row, path) for row in as_list(self.json)]

    @property
    def index(self) -> int:
        return int(self.headers["X-Consul-Index"])


@dataclass
class Live:
    """A running agent, and a client of it."""

    agent: Agent
    registry: Server
    http: HttpServer
    session: aiohttp.ClientSession
    logged: LogCapture = field(default_factory=LogCapture)

    @property
    def port(self) -> int:
        return self.http.addresses[0][1]

    async def ask(self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None) -> Reply:
        """Send a request; a body that is no bytes goes as JSON."""
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        url = f"http://127.0.0.1:{self.port}{path}"
        async with self.session.request(method, url, data=data, headers=headers, allow_redirects=False) as answer:
            return Reply(answer.status, dict(answer.headers), await answer.read())

    async def get(self, path: str) -> Reply:
        return await self.ask("GET", path)

    async def put(self, path: str, body: object = None) -> Reply:
        return await self.ask("PUT", path, body)

    def events(self, name: str) -> list[EventDict]:
        """The log events of this name."""
        return [entry for entry in self.logged.entries if entry["event"] == name]


@asynccontextmanager
async def live_agent(
    settings: HttpSettings | None = None,
    addresses: Sequence[ListenAddress] = (TcpAddress("127.0.0.1", 0),),
    *,
    enable_debug: bool = False,
    acl: Acl | None = None,
    resolve: Resolve | None = None,
    keyring: Keyring | None = None,
    management: str = "",
) -> AsyncGenerator[Live]:
    """An agent with an embedded server that leads, on a free port. With `acl` the agent alone has access control.

    With `management`, a secret that may do everything, both have it, and deny by default.
    """
    configuration = Configuration(
        node_name=NODE,
        server=True,
        dev=True,
        bind_addr="127.0.0.1",
        advertise_addr="127.0.0.1",
        addresses=Addresses(http=("127.0.0.1",)),
        ports=Ports(dns=-1, http=0, server=0),
        connect=Connect(enabled=True),
        enable_debug=enable_debug,
    )
    if management:
        tokens = Tokens(master=management, agent=management)
        acl = Acl(enabled=True, default_policy="deny", tokens=tokens)
        configuration = replace(configuration, acl=acl)
    clock, rng = SystemClock(), SeededRng(7)
    logged = LogCapture()
    output = LogOutput("debug", as_json=True, node=NODE, stream=io.StringIO())

    def hand_on(_logger: WrappedLogger, name: str, event: EventDict) -> EventDict:
        keys = {key: value for key, value in event.items() if key not in ("event", "exc_info")}
        getattr(output.logger, name)(event["event"], **keys)
        return event

    log = structlog.wrap_logger(
        None, processors=[hand_on, logged], wrapper_class=structlog.make_filtering_bound_logger(0)
    )
    meter = Meter(clock)
    for_agent = configuration if acl is None else replace(configuration, acl=acl)
    server = Server(assembly.server_settings(configuration, _NODE_ID), clock=clock, rng=rng, log=log, meter=meter)
    agent = Agent(
        identity=assembly.identity(for_agent, _NODE_ID),
        registry=server,
        configuration=for_agent,
        settings=assembly.agent_settings(for_agent),
        clock=clock,
        rng=rng,
        log=log,
        resolve=server.resolve_token if management else resolve,
        keyring=keyring,
    )
    http = HttpServer(
        agent,
        addresses,
        clock,
        rng,
        log,
        settings or HttpSettings(),
        source=server,
        output=output,
        meter=meter,
        dns=DnsServer(server.view(), DnsSettings(), [], clock, rng, log),
    )
    await server.start()
    await http.start()
    try:
        async with (
            agent.running(),
            aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0), auto_decompress=False, skip_auto_headers=["Accept-Encoding"]
            ) as session,
        ):
            yield Live(agent, server, http, session, logged)
    finally:
        await http.stop()
        await server.stop()
