from lictor_server import Server
from lictor_server.acl.needs_of_calls import NEEDS_OF_CALLS


async def test_every_method_and_stream_of_a_server_has_a_row_and_nothing_else_has(server: Server) -> None:
    names = server._methods.names  # pyright: ignore[reportPrivateUsage]  # nobody else asks what there is

    assert set(names) == set(NEEDS_OF_CALLS)
