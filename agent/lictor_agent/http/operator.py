"""`/v1/operator/raft/*` and `/v1/operator/autopilot/*`: the servers, who leads them, and how they do.

Sources: Consul's documents `api-docs/operator/{raft,autopilot}`; statuses and keys were asked of Consul 1.8.7.
`raft/transfer-leader` and `autopilot/state` are those of later versions.
"""

from __future__ import annotations

from typing import Final

from lictor_agent.http.blocking import Manner, read
from lictor_agent.http.bodies import read_mapping, refuse_problems
from lictor_agent.http.described import BLOCKING, DC, NOTHING, STALE, Body, Kind, Parameter, Reply, described
from lictor_agent.http.encoding import Answer
from lictor_agent.http.errors import Refusal, refusing_with
from lictor_agent.http.requests import Request, parse_unsigned
from lictor_agent.http.router import Route
from lictor_agent.http.site import Site
from lictor_config.reading import Reader
from lictor_core.autopilot import AutopilotConfiguration, AutopilotHealth, RaftConfiguration, RaftPeer, ServerHealth
from lictor_core.commands import AutopilotSet
from lictor_core.durations import format_duration
from lictor_core.queries import AutopilotQuery, NodesQuery

__all__ = ["ROUTES"]

_ID: Final = Parameter("id", "A server, by its id.")
_ADDRESS: Final = Parameter("address", "A server, by its address: host and port.")
_CAS: Final = Parameter("cas", "Only if they were changed last at this index.", Kind.COUNT)
_RAFT_PROTOCOL: Final = "3"
"""The version of Consul's Raft protocol by which servers are known by their id, as Lictor's are."""
_DECODE_FAILED: Final = "Bad request: Error parsing autopilot config: "
_UNHEALTHY: Final = 429
_TEXT: Final = ("Content-Type", "text/plain; charset=utf-8")


@described(RaftConfiguration, DC, STALE)
async def raft_configuration(site: Site, request: Request) -> Answer:
    """The servers that keep the log together."""
    site.check_datacenter(request.parameters.get("dc"))
    found = await site.registry.raft_servers(stale="stale" in request.parameters)
    peers = [
        RaftPeer(
            id=server.id,
            node=server.name,
            address=server.address,
            leader=server.id == found.leader,
            protocol_version=_RAFT_PROTOCOL,
            voter=server.voter,
        )
        for server in found.peers.servers
    ]
    return site.answer_json(request, RaftConfiguration(servers=peers, index=found.peers.index))


@described(NOTHING, DC, _ID, _ADDRESS)
async def remove_peer(site: Site, request: Request) -> Answer:
    """Take a server out, named by its id or its address."""
    parameters = request.parameters
    id, address = parameters.get("id"), parameters.get("address")
    if not ("id" in parameters or "address" in parameters):
        raise Refusal("Bad request: name the server to remove: ?id with its id, or ?address with its host:port")
    if "id" in parameters and "address" in parameters:
        raise Refusal("Bad request: give ?id or ?address, not both")
    site.check_datacenter(parameters.get("dc"))
    with refusing_with(500):
        await site.registry.remove_peer(id or address, token=request.token)
    return Answer()


@described("Success", DC, _ID)
async def transfer_leader(site: Site, request: Request) -> Answer:
    """Hand the lead to the server `id`, or to the one that is best prepared."""
    site.check_datacenter(request.parameters.get("dc"))
    await site.registry.transfer_leader(request.parameters.get("id"), token=request.token)
    return site.answer_json(request, {"Success": True})


@described(AutopilotConfiguration, *BLOCKING)
async def get_configuration(site: Site, request: Request) -> Answer:
    """Autopilot's settings."""
    reading, _, _ = await read(site, request, AutopilotQuery(), Manner())
    return site.answer_json(request, reading.value)


@described(bool, DC, _CAS, body=Body("AutopilotToSet"))
async def put_configuration(site: Site, request: Request) -> Answer:
    """Replace autopilot's settings, with `cas` only those that were changed last at this index.

    What the body leaves out is off, 0 or empty, as in Consul: a change begins with what was read.
    """
    cas = _cas(request.parameters.get("cas")) if "cas" in request.parameters else None
    reader = await read_mapping(request, site.settings.body_bytes_max, prefix=_DECODE_FAILED)
    config = _configuration(reader)
    refuse_problems(reader, prefix=_DECODE_FAILED)
    site.check_datacenter(request.parameters.get("dc"))
    with refusing_with(400, _DECODE_FAILED):
        outcome = await site.registry.write(AutopilotSet(config=config, cas=cas), token=request.token)
    return site.answer_json(request, outcome.value)


@described(AutopilotHealth, DC, also={429: Reply("A server does not do well: the same JSON.", str, ("text/plain",))})
async def health(site: Site, request: Request) -> Answer:
    """How the servers do; status 429 when one of them does not do well."""
    site.check_datacenter(request.parameters.get("dc"))
    found = await site.registry.autopilot_health()
    answer = site.answer_json(request, found)
    # A load balancer that asks this only looks at the status. Consul leaves the JSON without its type here.
    return answer if found.healthy else Answer(status=_UNHEALTHY, headers=(_TEXT,), body=answer.body)


@described("AutopilotState", *BLOCKING)
async def state(site: Site, request: Request) -> Answer:
    """The same in the form of later versions: servers by id, with their metadata and who leads."""
    site.check_datacenter(request.parameters.get("dc"))
    found = await site.registry.autopilot_health()
    nodes, _, _ = await read(site, request, NodesQuery(), Manner())
    meta = {node.id: node.meta or {} for node in nodes.value if node.id}
    return site.answer_json(request, _state(found, meta))


def _state(found: AutopilotHealth, meta: dict[str, dict[str, str]]) -> dict[str, object]:
    servers = found.servers or []
    return {
        "Healthy": found.healthy,
        "FailureTolerance": found.failure_tolerance,
        "OptimisticFailureTolerance": found.failure_tolerance,
        "Servers": {one.id: _server_state(one, meta.get(one.id, {})) for one in servers},
        "Leader": next((one.id for one in servers if one.leader), ""),
        "Voters": [one.id for one in servers if one.voter],
    }


def _server_state(one: ServerHealth, meta: dict[str, str]) -> dict[str, object]:
    role = "voter" if one.voter else "non-voter"
    return {
        "ID": one.id,
        "Name": one.name,
        "Address": one.address,
        "NodeStatus": one.serf_status,
        "Version": one.version,
        "LastContact": one.last_contact,
        "LastTerm": one.last_term,
        "LastIndex": one.last_index,
        "Healthy": one.healthy,
        "StableSince": one.stable_since,
        "ReadReplica": False,
        "Status": "leader" if one.leader else role,
        "Meta": meta,
        "NodeType": role,
    }


def _configuration(reader: Reader) -> AutopilotConfiguration:
    config = AutopilotConfiguration(
        cleanup_dead_servers=reader.boolean("CleanupDeadServers"),
        last_contact_threshold=format_duration(reader.duration("LastContactThreshold")),
        max_trailing_logs=reader.integer("MaxTrailingLogs"),
        min_quorum=reader.integer("MinQuorum"),
        server_stabilization_time=format_duration(reader.duration("ServerStabilizationTime")),
        redundancy_zone_tag=reader.text("RedundancyZoneTag"),
        disable_upgrade_migration=reader.boolean("DisableUpgradeMigration"),
        upgrade_version_tag=reader.text("UpgradeVersionTag"),
    )
    for name in ("CreateIndex", "ModifyIndex"):  # settings are sent back as they were read
        reader.integer(name)
    reader.done()
    return config


def _cas(text: str) -> int:
    try:
        return parse_unsigned(text)
    except Refusal as error:
        raise Refusal(f"Bad request: Error parsing cas value: {error}") from None


ROUTES: Final = (
    Route("/v1/operator/autopilot/configuration", {"GET": get_configuration, "PUT": put_configuration}),
    Route("/v1/operator/autopilot/health", {"GET": health}),
    Route("/v1/operator/autopilot/state", {"GET": state}),
    Route("/v1/operator/raft/configuration", {"GET": raft_configuration}),
    Route("/v1/operator/raft/peer", {"DELETE": remove_peer}),
    Route("/v1/operator/raft/transfer-leader", {"POST": transfer_leader, "PUT": transfer_leader}),
)
