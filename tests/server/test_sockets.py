"""Dialing another server: what is told of one that cannot be reached."""

import errno
import socket
import ssl

import pytest

from lictor_core.addresses import join_host_port
from lictor_core.errors import UnreachableError
from lictor_server.sockets import dial, reason_of
from tests.support.ports import free_port


async def test_who_refuses_a_connection_is_named_once_with_the_reason() -> None:
    address = f"127.0.0.1:{free_port()}"
    with pytest.raises(UnreachableError) as caught:
        await dial(address)
    assert str(caught.value) == f"{address} cannot be reached: connection refused"


async def test_a_name_that_nobody_has_is_told_as_the_resolver_does() -> None:
    with pytest.raises(UnreachableError, match=r"no-such-host\.invalid:1 cannot be reached: .*(not known|resolution)"):
        await dial("no-such-host.invalid:1", timeout_s=5)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_the_port_of_a_connection_from_a_given_address_is_found_when_it_is_known_where_to(host: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with (
        socket.create_server((host, 0), family=family) as one,
        await dial(join_host_port(host, one.getsockname()[1]), source=host) as connected,
    ):
        assert connected.getsockname()[0] == host
        assert connected.getsockopt(socket.IPPROTO_IP, socket.IP_BIND_ADDRESS_NO_PORT) == 1


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (OSError(errno.ECONNRESET, "Connect call failed ('192.0.2.1', 1)"), "connection reset by peer"),
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), "Name or service not known"),
        (ssl.SSLError(1, "wrong version number"), "wrong version number"),
        (ConnectionResetError(), "it ended without a word"),
    ],
)
def test_a_reason_is_what_the_system_says_and_never_empty(error: OSError, reason: str) -> None:
    assert reason_of(error) == reason
