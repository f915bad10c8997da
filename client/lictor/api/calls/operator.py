"""The servers: `/v1/operator/raft` and `/v1/operator/autopilot`. Source: Consul's documents `api-docs/operator/*`."""

from __future__ import annotations

import msgspec

from lictor.api.messages import Call, Options, Request, Response, decoded, json_call, list_call, none_call
from lictor_core.autopilot import AutopilotConfiguration, AutopilotHealth, RaftConfiguration
from lictor_core.records import JsonObject, Record

__all__ = [
    "Keyring",
    "SecurityFinding",
    "SecurityReport",
    "autopilot_configuration",
    "autopilot_health",
    "autopilot_state",
    "keyring",
    "keyring_install",
    "keyring_remove",
    "keyring_use",
    "raft_configuration",
    "remove_peer",
    "security",
    "set_autopilot_configuration",
    "transfer_leader",
]

_UNHEALTHY = 429


class SecurityFinding(Record, frozen=True, kw_only=True):
    """One thing that is open: how bad, why, and the setting that closes it."""

    id: str = msgspec.field(name="ID")
    severity: str
    title: str
    reason: str
    setting: str


class SecurityReport(Record, frozen=True, kw_only=True):
    """What is open at one agent and in its cluster, the worst first; `severe` of the findings are that."""

    node: str
    datacenter: str
    severe: int
    findings: list[SecurityFinding]


class Keyring(Record, frozen=True, kw_only=True):
    """The gossip keys of a datacenter, and how many nodes have each of them."""

    wan: bool = msgspec.field(name="WAN")
    datacenter: str
    segment: str
    messages: dict[str, str] | None = None
    keys: dict[str, int]
    num_nodes: int


def raft_configuration(options: Options | None = None) -> Call[RaftConfiguration]:
    """The servers that keep the log together."""
    return json_call(RaftConfiguration, "/v1/operator/raft/configuration", options)


def security(options: Options | None = None) -> Call[SecurityReport]:
    """What is open at the agent that is asked, and in its cluster."""
    return json_call(SecurityReport, "/v1/operator/security", options)


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


def keyring(options: Options | None = None, *, local_only: bool = False, relay_factor: int = 0) -> Call[list[Keyring]]:
    """The gossip keys."""
    local = ("local-only", "1" if local_only else "")
    return list_call(list[Keyring], "/v1/operator/keyring", options, local, _relay(relay_factor))


def keyring_install(key: str, *, relay_factor: int = 0) -> Call[None]:
    """Add a gossip key: 16, 24 or 32 bytes in base64."""
    return none_call("POST", "/v1/operator/keyring", _relay(relay_factor), body={"Key": key})


def keyring_use(key: str, *, relay_factor: int = 0) -> Call[None]:
    """Encrypt with this key from now on."""
    return none_call("PUT", "/v1/operator/keyring", _relay(relay_factor), body={"Key": key})


def keyring_remove(key: str, *, relay_factor: int = 0) -> Call[None]:
    """Forget a key that is not the one in use."""
    return none_call("DELETE", "/v1/operator/keyring", _relay(relay_factor), body={"Key": key})


def _relay(relay_factor: int) -> tuple[str, str]:
    return "relay-factor", str(relay_factor) if relay_factor else ""
