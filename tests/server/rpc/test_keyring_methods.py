"""The methods that ask for keys."""

from __future__ import annotations

from lictor_core.calls import KEYS, KEYS_TOLD
from lictor_core.clock import SeededRng, SystemClock
from lictor_core.sealed_ring import KeyTidings
from lictor_server import RpcPool
from lictor_server.keyrings import ServerKeyrings
from lictor_server.rpc.keyring_methods import keyring_methods, keyring_server_methods
from tests.server.conftest import made_log


async def test_agents_ask_for_all_and_servers_for_those_of_one() -> None:
    keyrings = ServerKeyrings(dict, RpcPool(rng=SeededRng(1)), SystemClock(), made_log().logger)
    keyrings.note(KeyTidings(node="a1", keys=("a",)))
    for answer in (await keyring_methods(keyrings)[KEYS](b""), await keyring_server_methods(keyrings)[KEYS_TOLD](b"")):
        assert isinstance(answer, list)
        assert len(answer) == 1  # pyright: ignore[reportUnknownArgumentType]
