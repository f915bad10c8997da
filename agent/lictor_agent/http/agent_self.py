"""`/v1/agent/self`, `members`, `maintenance`, `reload`, `leave`: the agent itself. Source: `api-docs/agent/index`."""

from __future__ import annotations

import asyncio
import os
import platform
from typing import Final

import msgspec

from lictor_agent.http.agent_services import ENABLE, REASON, read_enable
from lictor_agent.http.coordinates import shown_coordinate
from lictor_agent.http.debug_config import debug_configuration
from lictor_agent.http.described import NOTHING, Kind, Parameter, described
from lictor_agent.http.encoding import Answer
from lictor_agent.http.errors import Refusal, refusing_with
from lictor_agent.http.requests import Request
from lictor_agent.http.router import Route
from lictor_agent.http.site import Site
from lictor_config.definitions import CheckKind
from lictor_core.durations import format_duration
from lictor_core.errors import ClusterError, RequestError
from lictor_core.membership import WAN_PORT_TAG
from lictor_core.records import JsonObject, Member, MemberStatus
from lictor_core.registry import LeaderStatus

__all__ = ["ROUTES"]

_WAN: Final = Parameter("wan", "The servers of all datacenters; any value but the empty one says yes.")
_SEGMENT: Final = Parameter("segment", "There are no segments: empty or `_all`.", choices=("", "_all"))
_PRUNE: Final = Parameter("prune", "Forget the member, too.", Kind.FLAG)
_NO_LEADER: Final = (("X-Consul-Knownleader", "false"),)
_SERVERS_S_MAX: Final = 0.5
"""So long a client agent waits for servers before it tells of itself without them."""
_GOSSIP_FIGURES: Final = (
    "coordinate_resets",
    "event_queue",
    "event_time",
    "health_score",
    "intent_queue",
    "member_time",
    "query_queue",
    "query_time",
)


@described("AgentSelf")
async def self_(site: Site, request: Request) -> Answer:
    """Everything about this agent: its identity, configuration, membership and figures."""
    identity = site.agent.identity
    members, status = await _known_at_once(site)
    own = next((one for one in members if one.name == identity.node_name), identity.member())
    value: JsonObject = {
        "Config": {
            "Datacenter": identity.datacenter,
            "NodeName": identity.node_name,
            "NodeID": identity.node_id,
            "Revision": "",
            "Server": identity.server,
            "Version": identity.semantic_version,
        },
        "DebugConfig": debug_configuration(site.agent.configuration, identity),
        "Coord": shown_coordinate(await site.agent.coordinate()),
        "Member": own,
        "Stats": _figures(site, members, status),
        "Meta": identity.node().meta,
    }
    if identity.grpc_port > 0:  # as with Consul, who listens for no proxies says nothing of them
        value["xDS"] = {"SupportedProxies": {}}
    return site.answer_json(request, value)


@described(list[Member] | None, _WAN, _SEGMENT, headers=("X-Consul-KnownLeader",))
async def members(site: Site, request: Request) -> Answer:
    """The agents of this datacenter; with `wan` its servers as other datacenters know them: at no server, none."""
    if request.parameters.get("segment") not in ("", "_all"):
        raise Refusal("Network segments are not supported in this version of Consul", status=500)
    if request.parameters.get("wan") and not site.agent.identity.server:
        return site.answer_json(request, None)
    vetting = await site.vetting(request)
    found, status = await _members(site), await _leader_status(site)
    found = [one for one in found if vetting.sees_node(one.name)]
    if request.parameters.get("wan"):
        found = [_seen_from_afar(one, site.datacenter) for one in found if WAN_PORT_TAG in one.tags]
    # Who asks while nobody leads is told what the last leader saw: the header says so, where Consul has none.
    return site.answer_json(request, found, headers=() if status and status.address else _NO_LEADER)


async def _known_at_once(site: Site) -> tuple[list[Member], LeaderStatus | None]:
    """What the servers tell of themselves; where they take long, what this agent knows: it is asked about itself."""
    try:
        async with asyncio.timeout(None if site.agent.identity.server else _SERVERS_S_MAX):
            return await _members(site), await _leader_status(site)
    except TimeoutError:
        return [site.agent.identity.member()], None


async def _members(site: Site) -> list[Member]:
    """The agents of the cluster; for a client agent that finds no server itself alone, as Consul's answer then."""
    try:
        return await site.registry.members()
    except ClusterError:
        if site.agent.identity.server:
            raise
        return [site.agent.identity.member()]


async def _leader_status(site: Site) -> LeaderStatus | None:
    """Who leads; None for a client agent that finds no server."""
    try:
        return await site.registry.leader_status()
    except ClusterError:
        if site.agent.identity.server:
            raise
        return None


@described(NOTHING, ENABLE, REASON)
async def maintenance(site: Site, request: Request) -> Answer:
    """Put the node into maintenance or take it out."""
    enable = read_enable(request)
    (await site.vetting(request)).may_write_node()
    await site.agent.set_node_maintenance(enable, request.parameters.get("reason"), token=request.shown_token)
    return Answer()


@described("AgentReload", about="What could not be taken over; nothing when all was.")
async def reload(site: Site, request: Request) -> Answer:
    """Read the configuration again."""
    with refusing_with(500):
        reloaded = await site.agent.reload()
    if not (reloaded.restart or reloaded.failures):
        return Answer()
    # Consul's answer has no body; ours has one when there is something to know.
    value: JsonObject = {"NeedsRestart": list(reloaded.restart), "Failures": list(reloaded.failures)}
    return site.answer_json(request, value)


@described(NOTHING, _WAN, tail="address")
async def join(site: Site, request: Request) -> Answer:
    """Look for servers at an address."""
    if request.parameters.get("wan"):
        raise Refusal(
            "Must be a server to join WAN cluster"
            if not site.agent.identity.server
            else "There are no other datacenters to join: this version knows one",
            status=500,
        )
    try:
        await site.agent.join((request.tail,))
    except (ClusterError, RequestError) as error:
        raise Refusal(f"1 error occurred:\n\t* Failed to join {request.tail}: {error}\n\n", status=500) from error
    return Answer()


@described(NOTHING, _PRUNE, tail="node")
async def force_leave(site: Site, request: Request) -> Answer:
    """Declare a failed member gone; with `prune` it is forgotten."""
    prune = "prune" in request.parameters
    with refusing_with(500, "agent: "):
        await site.agent.force_leave(request.tail, prune=prune, token=request.token)
    return Answer()


@described(NOTHING)
async def leave(site: Site, request: Request) -> Answer:
    """Leave the cluster on purpose."""
    await site.agent.leave()
    return Answer()


def _figures(site: Site, members: list[Member], status: LeaderStatus | None) -> JsonObject:
    identity, local = site.agent.identity, site.agent.local
    kinds = [one.definition.kind for one in local.checks.values() if one.definition is not None]
    ttls = sum(kind is CheckKind.TTL for kind in kinds)
    encrypted = site.agent.keyring.ring is not None
    lan = _membership(members, encrypted=encrypted)
    figures: JsonObject = {
        "agent": {
            "check_monitors": str(sum(kind is CheckKind.SCRIPT for kind in kinds)),
            "check_ttls": str(ttls),
            "checks": str(len(local.checks)),
            "services": str(len(local.services)),
        },
        "build": {
            "prerelease": "",
            "revision": f"lictor.{identity.lictor_version}",
            "version": identity.compatible_version,
        },
        "consul": {
            "acl": "enabled" if identity.acls_enabled else "disabled",
            "known_servers": str(len(status.peer_set.servers) if status else 0),
            "server": "false",
        },
        "runtime": {
            "arch": platform.machine(),
            "cpu_count": str(os.cpu_count()),
            "os": platform.system().lower(),
            "version": f"python{platform.python_version()}",
        },
        "serf_lan": lan,
    }
    if identity.server and status is not None:
        figures["consul"] = {
            "acl": "enabled" if identity.acls_enabled else "disabled",
            "bootstrap": "true" if identity.bootstrap else "false",
            "known_datacenters": "1",
            "leader": "true" if status.is_self else "false",
            "leader_addr": status.address,
            "server": "true",
        }
        figures["raft"] = _raft_figures(status)
        figures["serf_wan"] = _membership([one for one in members if WAN_PORT_TAG in one.tags], encrypted=encrypted)
    return figures


def _raft_figures(status: LeaderStatus) -> dict[str, str]:
    servers = " ".join(
        f"{{Suffrage:{'Voter' if server.voter else 'Nonvoter'} ID:{server.id} Address:{server.address}}}"
        for server in status.peer_set.servers
    )
    return {
        "applied_index": str(status.applied_index),
        "commit_index": str(status.commit_index),
        "fsm_pending": str(status.commit_index - status.applied_index),
        "last_contact": _contact(status.last_contact_s),
        "last_log_index": str(status.last_index),
        "last_log_term": str(status.term),
        "last_snapshot_index": str(status.snapshot_index),
        "last_snapshot_term": "0",
        "latest_configuration": f"[{servers}]",
        "latest_configuration_index": str(status.peer_set.index),
        "num_peers": str(max(len(status.peers) - 1, 0)),
        "protocol_version": "3",
        "protocol_version_max": "3",
        "protocol_version_min": "0",
        "snapshot_version_max": "1",
        "snapshot_version_min": "0",
        "state": "Leader" if status.is_self else "Follower" if status.address else "Candidate",
        "term": str(status.term),
    }


def _contact(seconds: float | None) -> str:
    """As Consul: `never`, `0` on the leader, else a duration."""
    if seconds is None:
        return "never"
    return format_duration(seconds) if seconds else "0"


def _membership(members: list[Member], *, encrypted: bool) -> dict[str, str]:
    figures = {
        "encrypted": "true" if encrypted else "false",
        "failed": str(sum(one.status is MemberStatus.FAILED for one in members)),
        "left": str(sum(one.status is MemberStatus.LEFT for one in members)),
        "members": str(len(members)),
    }
    # Membership is leases here: these queues and clocks of gossip do not exist, and who reads them finds them at rest.
    return figures | dict.fromkeys(_GOSSIP_FIGURES, "0")


def _seen_from_afar(member: Member, datacenter: str) -> Member:
    tags = {name: value for name, value in member.tags.items() if name != WAN_PORT_TAG}
    port = int(member.tags[WAN_PORT_TAG])
    return msgspec.structs.replace(member, name=f"{member.name}.{datacenter}", port=port, tags=tags)


ROUTES: Final = (
    Route("/v1/agent/self", {"GET": self_}),
    Route("/v1/agent/members", {"GET": members}),
    Route("/v1/agent/maintenance", {"PUT": maintenance}),
    Route("/v1/agent/reload", {"PUT": reload}),
    Route("/v1/agent/join/", {"PUT": join}),
    Route("/v1/agent/force-leave/", {"PUT": force_leave}),
    Route("/v1/agent/leave", {"PUT": leave}),
)
