"""Free ports for programs that tests start.

Ports are taken below the range from which Linux serves outgoing connections (32768 and up), so a connection that
some other test opens cannot land on a port between its choice and its use, and above the range (21000 and up) from
which agents give sidecars theirs.
"""

import itertools
import os
import socket

_FIRST = 22_000
_COUNT = 10_000
_SHORT_FIRST = 9_100
_SHORT_COUNT = 800
# Each test process walks from its own place, so that parallel workers meet late.
_walk = itertools.count((os.getpid() * 1_009) % _COUNT)


def free_port(*, digits: int = 5) -> int:
    """A port that nothing on loopback uses, for TCP and for UDP, and that this process was not given lately.

    `digits` is 4 or 5: where a table shows a port, its width follows. Raises `OSError` when the whole range is taken.
    """
    first, count = (_FIRST, _COUNT) if digits == 5 else (_SHORT_FIRST, _SHORT_COUNT)
    for _ in range(count):
        port = first + next(_walk) % count
        if _is_free(port, socket.SOCK_STREAM) and _is_free(port, socket.SOCK_DGRAM):
            return port
    raise OSError(f"no free port between {first} and {first + count}; stop programs that listen there")


def free_ports(*names: str) -> dict[str, int]:
    """One free port for each name."""
    return {name: free_port() for name in names}


def _is_free(port: int, kind: socket.SocketKind) -> bool:
    # Without an address a port that any local address uses counts as taken.
    with socket.socket(socket.AF_INET, kind) as probe:
        try:
            probe.bind(("", port))
        except OSError:
            return False
    return True
