"""The servers: `/v1/operator/raft` and `/v1/operator/autopilot`. Source: Consul's documents `api-docs/operator/*`."""

from __future__ import annotations

from lictor.api.messages import Call, Options, Request, Response, decoded, json_call, none_call
from lictor_core.autopilot import AutopilotConfiguration, AutopilotHealth, RaftConfiguration
from lictor_core.records import JsonObject

__all__ = [
    "autopilot_configuration",
    "autopilot_health",
    "autopilot_state",
    "raft_configuration",
    "remove_peer",
    "set_autopilot_configuration",
    "transfer_leader",
]

_UNHEALTHY = 429


def raft_configuration(options: Options | None = None) -> Call[RaftConfiguration]:
    """The servers that keep the log together."""
    return json_call(RaftConfiguration, "/v1/operator/raft/configuration", options)


def remove_peer(*, id: str = "", address: str = "", dc: str = "") -> Call[None]:
    """Take a server out, named by its id or its address."""
    return none_call("DELETE", "/v1/operator/raft/peer", ("id", id), ("address", address), ("dc", dc))


def transfer_leader(id: str = "", *, dc: str = "") -> Call[None]:
    """Hand the lead to the server `id`, or to the best prepared one."""
    return none_call("POST", "/v1/operator/raft/transfer-leader", ("id", id), ("dc", dc))


def autopilot_configuration(options: Options | None = None) -> Call[AutopilotConfiguration]:
    """How the leader looks after the servers."""
    return json_call(AutopilotConfiguration, "/v1/operator/autopilot/configuration", options)


def set_autopilot_configuration(config: AutopilotConfiguration, *, cas: int | None = None, dc: str = "") -> Call[bool]:
    """Replace these settings; False when `cas` is not the index at which they were changed last."""
    parameters = (("cas", "" if cas is None else str(cas)), ("dc", dc))
    return json_call(bool, "/v1/operator/autopilot/configuration", None, *parameters, method="PUT", body=config)


def autopilot_health(options: Options | None = None) -> Call[AutopilotHealth]:
    """How the servers do."""

    def read(response: Response) -> AutopilotHealth:
        response.check(_UNHEALTHY)
        return decoded(response, AutopilotHealth)

    chosen = options or Options()
    request = Request(method="GET", path="/v1/operator/autopilot/health", parameters=tuple(chosen.pairs()))
    return Call(request=request, read=read)


def autopilot_state(options: Options | None = None) -> Call[JsonObject]:
    """The same in the form of later versions of Consul: servers by id, who leads, who votes."""
    return json_call(JsonObject, "/v1/operator/autopilot/state", options)
