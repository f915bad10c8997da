"""Dialing another server: what is told of one that cannot be reached."""

import pytest

from lictor_core.errors import UnreachableError
from lictor_server.sockets import dial
from tests.support.ports import free_port


async def test_who_refuses_a_connection_is_named_once_with_the_reason() -> None:
    address = f"127.0.0.1:{free_port()}"
    with pytest.raises(UnreachableError) as caught:
        await dial(address)
    assert str(caught.value) == f"{address} cannot be reached: connection refused"


async def test_a_name_that_nobody_has_is_told_as_the_resolver_does() -> None:
    with pytest.raises(UnreachableError, match=r"no-such-host\.invalid:1 cannot be reached: .*(not known|resolution)"):
        await dial("no-such-host.invalid:1", timeout_s=5)
