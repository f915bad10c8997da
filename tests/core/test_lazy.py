from __future__ import annotations

import subprocess
import sys

import pytest

import lictor_server
from lictor_core.lazy import lazily

CLIENT = """
import sys
import lictor_agent.main
import lictor_agent.remote
inside = ("lictor_server", "pysyncobj")
heavy = {"aiohttp", "cryptography", "rich", "pygments", "click", "urllib.request", "attr"}
loaded = {name for name in sys.modules if name.startswith(inside) or name in heavy}
print(*sorted(loaded))
"""


def test_a_name_comes_from_its_module_and_others_from_nowhere() -> None:
    find = lazily("tests.core", {"Backoff": "lictor_core.backoff"})
    found = find("Backoff")
    assert getattr(found, "__module__", "") == "lictor_core.backoff"
    with pytest.raises(AttributeError, match="no attribute 'Other'"):
        find("Other")


def test_every_name_of_the_servers_door_is_there() -> None:
    assert [name for name in lictor_server.__all__ if not hasattr(lictor_server, name)] == []


def test_a_client_agent_carries_nothing_of_the_servers_inside_and_little_else() -> None:
    done = subprocess.run([sys.executable, "-c", CLIENT], capture_output=True, text=True, timeout=60, check=True)
    assert set(done.stdout.split()) == {
        "lictor_server",
        "lictor_server.handshake",
        "lictor_server.keyed",
        "lictor_server.rpc",
        "lictor_server.rpc.caller",
        "lictor_server.rpc.client",
        "lictor_server.rpc.connection",
        "lictor_server.sockets",
        "lictor_server.tls",
        "lictor_server.tls_pair",
    }
