import socket
from collections.abc import Sequence

async def start_connection(
    addr_infos: Sequence[tuple[int, int, int, str, tuple[str, int] | tuple[str, int, int, int]]],
    *,
    happy_eyeballs_delay: float | None = None,
    interleave: int | None = None,
) -> socket.socket: ...
