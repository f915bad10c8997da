"""The methods that ask which keys the agents know; what agents tell of themselves stands in `named_methods`."""

from __future__ import annotations

from lictor_core.calls import KEYS, KEYS_TOLD
from lictor_server.keyrings import ServerKeyrings
from lictor_server.rpc.methods import Step

__all__ = ["keyring_methods", "keyring_server_methods"]


def keyring_methods(keyrings: ServerKeyrings) -> dict[str, Step]:
    """Those of agents, by their names on the wire."""

    async def keys(payload: bytes) -> object:
        return await keyrings.all()

    return {KEYS: keys}


def keyring_server_methods(keyrings: ServerKeyrings) -> dict[str, Step]:
    """Those of servers alone."""

    async def keys_told(payload: bytes) -> object:
        return keyrings.own()

    return {KEYS_TOLD: keys_told}
