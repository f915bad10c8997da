"""Connections to names and addresses, and lookups that hang."""

from __future__ import annotations

import asyncio
import socket
import threading
from functools import partial

import pytest

from lictor_agent.checks import connecting
from lictor_agent.checks.connecting import Dialer
from lictor_agent.checks.dialing import DialError
from tests.agent.checks.asking import speaking
from tests.support.conditions import eventually
from tests.support.ports import free_port


async def _reaches(dialer: Dialer, address: str) -> bool:
    connection = await dialer.dial(address, _Noting)
    found = connection.connected
    connection.hang_up()
    return found


def _always(found: object, *_: object, **__: object) -> object:
    return found


async def _hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


class _Noting(asyncio.Protocol):
    connected = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.connected = True
        self._transport = transport

    def hang_up(self) -> None:
        self._transport.close()


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_a_name_is_reached_at_whichever_address_answers(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with speaking(_hang_up, host=host) as address:
        port = int(address.rpartition(":")[2])
        both = [
            (socket.AF_INET6, socket.SOCK_STREAM, 0, "", ("::1", port, 0, 0)),
            (socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.1", port)),
        ]
        monkeypatch.setattr(socket, "getaddrinfo", partial(_always, both))
        assert await _reaches(Dialer(), f"two.example:{port}")
        assert await _reaches(Dialer(), address)


async def test_no_host_is_this_machine() -> None:
    async with speaking(_hang_up) as address:
        assert await _reaches(Dialer(), address.removeprefix("127.0.0.1"))


async def test_a_name_that_refuses_is_told_with_an_address() -> None:
    port = free_port()
    with pytest.raises(DialError) as caught:
        await _reaches(Dialer(), f"localhost:{port}")
    assert str(caught.value) in (
        f"dial tcp 127.0.0.1:{port}: connect: connection refused",
        f"dial tcp [::1]:{port}: connect: connection refused",
    )


class _Resolver:
    """Looks names up like the system does, and those of `silent` not before it is told to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, silent: set[str]) -> None:
        self.asked: list[str] = []
        self.speak = threading.Event()
        self._silent = silent
        self._real = socket.getaddrinfo
        monkeypatch.setattr(socket, "getaddrinfo", self)

    def __call__(self, host: str, port: int, **options: int) -> object:
        self.asked.append(host)
        if host in self._silent:
            self.speak.wait(30)
            raise socket.gaierror(socket.EAI_AGAIN, "silence")
        return self._real(host, port, **options)


async def test_a_name_that_hangs_is_looked_up_once_and_holds_up_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connecting, "LOOKUPS_MAX", 2)
    resolver = _Resolver(monkeypatch, {"silent.example"})
    dialer = Dialer()
    async with asyncio.TaskGroup() as group:
        hanging = [group.create_task(_missing(dialer, "silent.example:1")) for _ in range(20)]
        await eventually(lambda: resolver.asked.count("silent.example") == 1, what="the silent name is asked for")
        async with speaking(_hang_up) as address:
            assert await _reaches(dialer, address.replace("127.0.0.1", "localhost"))
        assert not any(task.done() for task in hanging)
        resolver.speak.set()
    assert {task.result() for task in hanging} == {"dial tcp: lookup silent.example: no such host"}
    assert resolver.asked.count("silent.example") == 1


async def test_no_more_names_are_looked_up_at_once_than_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connecting, "LOOKUPS_MAX", 2)
    names = {f"silent-{number}.example" for number in range(5)}
    resolver = _Resolver(monkeypatch, names)
    dialer = Dialer()
    async with asyncio.TaskGroup() as group:
        for name in names:
            group.create_task(_missing(dialer, f"{name}:1"))
        await eventually(lambda: len(resolver.asked) == 2, what="two are asked for")
        await asyncio.sleep(0)
        assert len(resolver.asked) == 2
        resolver.speak.set()
    assert len(resolver.asked) == 5


async def test_a_lookup_nobody_waits_for_ends_quietly(monkeypatch: pytest.MonkeyPatch) -> None:
    resolver = _Resolver(monkeypatch, {"silent.example"})
    dialer = Dialer()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await dialer.look_up("silent.example", 1)
    resolver.speak.set()
    with pytest.raises(DialError, match="no such host"):
        await dialer.look_up("silent.example", 1)


async def _missing(dialer: Dialer, address: str) -> str:
    with pytest.raises(DialError) as caught:
        await _reaches(dialer, address)
    return str(caught.value)
