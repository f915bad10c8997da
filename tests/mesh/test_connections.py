"""Connections through two proxies, each of any kind: the table of cases that hold whichever they are.

A pair is who is beside the client and who is beside the application. What a kind of proxy does otherwise by its design
stands in the case, with what it does instead.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import ssl
from collections.abc import AsyncGenerator, Iterable, Mapping
from dataclasses import dataclass

import pytest

from tests.connect_proxy.authority import Authority
from tests.connect_proxy.live import Application, connected
from tests.mesh.planes import BUILT_IN, CONSUL, ENVOY, Plane
from tests.mesh.rogue import impostor, showing
from tests.mesh.stage import Instance, Stage, Upstream, greeting
from tests.support.ports import free_port
from tests.support.recorder.json_types import Json, at

pytestmark = pytest.mark.slow

_SETTLES_S = 30.0
"""How long a change may take to be seen on a machine that runs other tests."""
_LIVE_S_MAX = 5.0
"""Within this a live connection that is denied ends: one second on a quiet machine."""


@dataclass(frozen=True)
class Pair:
    """The proxy beside the client, and the one beside the application."""

    near: Plane
    far: Plane

    def __str__(self) -> str:
        return f"{self.near.name}-to-{self.far.name}"


def _pairs(*pairs: tuple[Plane, Plane]) -> Iterable[object]:
    for near, far in pairs:
        programs = [program for program in {near.program, far.program} if program]
        yield pytest.param(Pair(near, far), id=f"{near.name}-{far.name}", marks=[pytest.mark.needs(*programs)])


PAIRS = tuple(
    _pairs(
        (BUILT_IN, BUILT_IN),
        (ENVOY, ENVOY),
        (BUILT_IN, ENVOY),
        (ENVOY, BUILT_IN),
        (BUILT_IN, CONSUL),
        (CONSUL, BUILT_IN),
        (ENVOY, CONSUL),
        (CONSUL, ENVOY),
    )
)
each_pair = pytest.mark.parametrize("pair", PAIRS)
with_far_envoy = pytest.mark.parametrize(
    "near",
    [pytest.param(one, id=one.name, marks=pytest.mark.needs("envoy")) for one in (BUILT_IN, ENVOY)],
)


@dataclass
class Play:
    """A client beside one proxy and an application behind another."""

    stage: Stage
    client: Instance
    server: Instance
    application: Application
    port: int

    async def says(self, expected: bytes, *, client_first: bytes = b"") -> None:
        """Wait until a client hears `expected` first; nothing at all is expected by empty bytes."""
        heard: list[bytes] = []
        try:
            async with asyncio.timeout(_SETTLES_S):
                # Twice in a row: one refusal alone could be of a proxy that is being set up.
                while heard[-2:] != [expected, expected]:
                    heard.append(await greeting(self.port, says=client_first))
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise AssertionError(f"expected {expected!r}, the last answers were {heard[-5:]}") from None


@contextlib.asynccontextmanager
async def playing(stage: Stage, pair: Pair, *, far: Mapping[str, Json] | None = None) -> AsyncGenerator[Play]:
    """A pair in place, once it carries connections. `far` is configuration of the proxy beside the application."""
    web, db = stage.name("web"), stage.name("db")
    upstream = Upstream(db)
    async with stage.application(db.encode()) as application:
        server = await stage.register(db, application.port, config=far)
        client = await stage.register(web, free_port(), upstream)
        async with pair.far.beside(stage, server), pair.near.beside(stage, client):
            play = Play(stage, client, server, application, upstream.port)
            await play.says(db.encode())
            yield play


@each_pair
async def test_bytes_pass_both_ways_and_each_end_may_finish_first(stage: Stage, pair: Pair) -> None:
    payload = bytes(range(256)) * 4000
    async with playing(stage, pair) as play, connected(play.port) as (reader, writer):
        hello = play.server.service.encode()
        assert await asyncio.wait_for(reader.readexactly(len(hello)), _SETTLES_S) == hello
        writer.write(payload)
        assert await asyncio.wait_for(reader.readexactly(len(payload)), _SETTLES_S) == payload
        if CONSUL in (pair.near, pair.far):
            return  # it ends both directions with the first one
        writer.write_eof()
        assert await asyncio.wait_for(reader.read(), _SETTLES_S) == b"bye\n"


@each_pair
async def test_a_denied_client_gets_no_byte_silent_or_not(stage: Stage, pair: Pair) -> None:
    async with playing(stage, pair) as play:
        await stage.intend(play.client.service, play.server.service, "deny")
        await play.says(b"")
        accepted = play.application.accepted
        for words in (b"", b"hello\n"):
            assert await greeting(play.port, says=words) == b""
        if pair.far is not CONSUL:  # it dials the application before it knows who is there
            assert play.application.accepted == accepted, "the application was not even dialed"
        await stage.intend(play.client.service, play.server.service, "allow")
        await play.says(play.server.service.encode())


@each_pair
async def test_verdicts_flip_under_load(stage: Stage, pair: Pair) -> None:
    async with playing(stage, pair) as play:
        wrong: list[bytes] = []
        hello = play.server.service.encode()

        async def load() -> None:
            while True:
                if (heard := await greeting(play.port)) not in (b"", hello):
                    wrong.append(heard)

        async with asyncio.TaskGroup() as group:
            loads = [group.create_task(load()) for _ in range(4)]
            for _ in range(3):
                await stage.intend(play.client.service, play.server.service, "deny")
                await play.says(b"")
                await stage.intend(play.client.service, play.server.service, "allow")
                await play.says(hello)
            for one in loads:
                one.cancel()
        assert wrong == []


@each_pair
async def test_a_denial_cuts_the_live_connection(stage: Stage, pair: Pair) -> None:
    async with playing(stage, pair) as play, connected(play.port) as (reader, writer):
        hello = play.server.service.encode()
        assert await asyncio.wait_for(reader.readexactly(len(hello)), _SETTLES_S) == hello
        await stage.intend(play.client.service, play.server.service, "deny")
        if pair.far is not BUILT_IN:
            # Consul's proxy keeps what it let in, as its documents say, and so does Envoy by default.
            await play.says(b"")
            writer.write(b"still here")
            assert await asyncio.wait_for(reader.readexactly(10), _SETTLES_S) == b"still here"
            return
        with contextlib.suppress(ConnectionError):
            assert await asyncio.wait_for(reader.read(100), _LIVE_S_MAX) == b""


@with_far_envoy
async def test_an_envoy_that_is_told_to_close_cuts_live_connections_when_somebody_is_denied(
    stage: Stage, near: Plane
) -> None:
    pair = Pair(near, ENVOY)
    async with playing(stage, pair, far={"envoy_denied_connections": "close"}) as play:
        hello = play.server.service.encode()
        for other in ("somebody", "else"):
            async with connected(play.port) as (reader, writer):
                assert await asyncio.wait_for(reader.readexactly(len(hello)), _SETTLES_S) == hello
                await stage.intend(other, play.server.service, "allow")  # as before: no reason to cut anything
                writer.write(b"still here")
                assert await asyncio.wait_for(reader.readexactly(10), _SETTLES_S) == b"still here"
                await stage.intend(play.client.service, play.server.service, "deny")
                with contextlib.suppress(ConnectionError):
                    assert await asyncio.wait_for(reader.read(100), _LIVE_S_MAX) == b""
            await play.says(b"")
            await stage.intend(play.client.service, play.server.service, "allow")
            await play.says(hello)


@each_pair
async def test_a_new_root_breaks_neither_live_nor_new_connections(stage: Stage, pair: Pair) -> None:
    async with playing(stage, pair) as play, connected(play.port) as (reader, writer):
        hello = play.server.service.encode()
        assert await asyncio.wait_for(reader.readexactly(len(hello)), _SETTLES_S) == hello
        before = at(await stage.ask("GET", "/v1/connect/ca/roots"), "ActiveRootID")
        leaf = await _leaf_serial(stage, play.server.service)
        await stage.rotate()
        assert at(await stage.ask("GET", "/v1/connect/ca/roots"), "ActiveRootID") != before
        async with asyncio.timeout(60):
            while await _leaf_serial(stage, play.server.service) == leaf:
                assert await greeting(play.port) == hello, "a connection failed during the rotation"
        for _ in range(20):
            assert await greeting(play.port) == hello, "a connection failed after the rotation"
        if CONSUL in (pair.near, pair.far):
            return
        writer.write(b"still here")
        assert await asyncio.wait_for(reader.readexactly(10), _SETTLES_S) == b"still here"


async def _leaf_serial(stage: Stage, service: str) -> str:
    return str(at(await stage.ask("GET", f"/v1/agent/connect/ca/leaf/{service}"), "SerialNumber"))


@each_pair
async def test_an_instance_that_dies_is_left_and_one_that_comes_back_is_found(stage: Stage, pair: Pair) -> None:
    async with playing(stage, pair) as play:
        hello = play.server.service.encode()
        async with stage.application(b"second") as application:
            second = await stage.register(play.server.service, application.port, id=f"{play.server.service}-second")
            async with pair.far.beside(stage, second):
                await _until_heard(play.port, {hello, b"second"})
                await stage.fail(play.server)
                await play.says(b"second")
                await stage.fail(second)
                await play.says(b"")
                await stage.recover(second)
                await play.says(b"second")
            # Its proxy is gone, and nobody has said so: the other instance serves all the same.
            await stage.recover(play.server)
            if pair.near is CONSUL:
                return  # it dials one instance alone, be it gone
            await play.says(hello)
            for _ in range(6):
                assert await greeting(play.port) == hello


async def _until_heard(port: int, expected: set[bytes]) -> None:
    heard: set[bytes] = set()
    async with asyncio.timeout(_SETTLES_S):
        while not expected <= heard:
            heard.add(await greeting(port))


@each_pair
async def test_without_its_agent_a_proxy_goes_on_and_catches_up_afterwards(stage: Stage, pair: Pair) -> None:
    async with playing(stage, pair) as play:
        hello = play.server.service.encode()
        with stage.frozen_agent():
            if CONSUL not in (pair.near, pair.far):  # it asks its agent about each connection
                for _ in range(5):
                    assert await greeting(play.port) == hello
        await stage.intend(play.client.service, play.server.service, "deny")
        await play.says(b"")


OURS = (pytest.param(BUILT_IN, id="lictor"), pytest.param(ENVOY, id="envoy", marks=pytest.mark.needs("envoy")))
"""Proxies that look at names in certificates; Consul's leaves that to its agent, or out."""


def _service_uri(stage_roots: object, service: str) -> str:
    return f"spiffe://{at(stage_roots, 'TrustDomain')}/ns/default/dc/dc1/svc/{service}"  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "far", [BUILT_IN, pytest.param(ENVOY, marks=pytest.mark.needs("envoy"))], ids=lambda one: one.name
)
async def test_nobody_enters_with_a_certificate_that_is_not_in_order(
    stage: Stage, authority: Authority, far: Plane
) -> None:
    service = stage.name("db")
    roots = await stage.ask("GET", "/v1/connect/ca/roots")
    good = _service_uri(roots, "web")
    async with stage.application(b"secret") as application:
        server = await stage.register(service, application.port)
        async with far.beside(stage, server):
            await _until_entered(server.public_port, showing(authority.leaf_with(good)), b"secret")
            accepted = application.accepted
            wrong = {
                "no certificate": showing(None),
                "a foreign CA": showing(Authority().leaf_with(good)),
                "expired": showing(authority.leaf_with(good, lasts=-datetime.timedelta(hours=1))),
                "no service": showing(authority.leaf_with(_agent_uri(roots))),
                "another trust domain": showing(authority.leaf_with("spiffe://other.consul/ns/default/dc/dc1/svc/web")),
            }
            for name, context in wrong.items():
                assert await _entered(server.public_port, context) == b"", name
            assert application.accepted == accepted


def _agent_uri(roots: object) -> str:
    return f"spiffe://{at(roots, 'TrustDomain')}/agent/client/dc/dc1/id/judge"  # type: ignore[arg-type]


async def _entered(port: int, context: ssl.SSLContext) -> bytes:
    """What a client with this certificate hears; nothing when it is cut. To be left hanging is an error."""
    async with asyncio.timeout(_SETTLES_S):  # outside: its error is an OSError too
        with contextlib.suppress(OSError, ssl.SSLError):
            async with connected(port, context) as (reader, _):
                return await reader.read(100)
    return b""


async def _until_entered(port: int, context: ssl.SSLContext, expected: bytes) -> None:
    async with asyncio.timeout(_SETTLES_S):
        while await _entered(port, context) != expected:
            pass


@pytest.mark.parametrize(
    "near", [BUILT_IN, pytest.param(ENVOY, marks=pytest.mark.needs("envoy"))], ids=lambda one: one.name
)
async def test_an_instance_that_is_somebody_else_is_not_talked_to(
    stage: Stage, authority: Authority, near: Plane
) -> None:
    web, db = stage.name("web"), stage.name("db")
    roots = await stage.ask("GET", "/v1/connect/ca/roots")
    upstream = Upstream(db)
    async with stage.application(b"true") as application:
        server = await stage.register(db, application.port)
        client = await stage.register(web, free_port(), upstream)
        play = Play(stage, client, server, application, upstream.port)
        async with near.beside(stage, client):
            for uri in (_service_uri(roots, "other"), f"{_service_uri(roots, db)}x", _agent_uri(roots)):
                async with impostor(server.public_port, showing(authority.leaf_with(uri), server=True), b"false"):
                    await play.says(b"")
            async with BUILT_IN.beside(stage, server):
                await play.says(b"true")
