import asyncio
import socket

import pytest

from lictor_connect_proxy.driver.sockets import cut, dial, reason_of
from tests.support.ports import free_port


@pytest.mark.parametrize(("host", "bound"), [("127.0.0.1", "127.0.0.1"), ("::1", "::1"), ("localhost", "127.0.0.1")])
async def test_addresses_and_names_are_dialed(host: str, bound: str) -> None:
    family = socket.AF_INET6 if ":" in bound else socket.AF_INET
    with socket.create_server((bound, 0), family=family) as server:
        sock = await dial(host, server.getsockname()[1], 5)
        assert not sock.getblocking()
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        sock.close()


async def test_a_closed_port_is_an_os_error() -> None:
    with pytest.raises(ConnectionRefusedError) as caught:
        await dial("127.0.0.1", free_port(), 5)
    assert reason_of(caught.value) == "Connection refused"


async def test_a_host_that_does_not_answer_is_given_up_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        address = full.getsockname()
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(address)
        with pytest.raises(TimeoutError):
            await dial("127.0.0.1", address[1], 0.2)
        for filler in fillers:
            filler.close()


async def test_a_cut_connection_is_reset() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        sock = await dial("127.0.0.1", server.getsockname()[1], 5)
        peer, _ = server.accept()
        peer.setblocking(False)
        cut(sock)
        with peer, pytest.raises(ConnectionResetError):
            await asyncio.get_running_loop().sock_recv(peer, 1)


@pytest.mark.parametrize("host", ["a..b", "a" * 64])
async def test_a_text_that_can_be_no_host_name_is_an_error_like_others(host: str) -> None:
    with pytest.raises(OSError, match="is no host name"):
        await dial(host, 80, 5)
