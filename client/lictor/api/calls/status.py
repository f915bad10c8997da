"""The cluster: `/v1/status`. Source: Consul's document `api-docs/status`."""

from __future__ import annotations

from lictor.api.messages import Call, json_call, list_call

__all__ = ["leader", "peers"]


def leader() -> Call[str]:
    """The address of the server that leads, empty when none does."""
    return json_call(str, "/v1/status/leader")


def peers() -> Call[list[str]]:
    """The addresses of the servers that vote."""
    return list_call(list[str], "/v1/status/peers")
