"""Which counts and states of a server's parts are figures, by Consul's names."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Final

from lictor_core.metrics import Gauge
from lictor_server.endpoints.blocking import BlockedQueries
from lictor_server.figures import ServerFigures
from lictor_server.leader.office import Office
from lictor_server.leases import NoteKind
from lictor_server.ports import Ports
from lictor_server.raft import RaftCore
from lictor_server.rpc import Methods
from lictor_server.storage import Storage

__all__ = ["measure"]

_MEMBERS: Final = {
    NoteKind.CAME: "join",
    NoteKind.FAILED: "failed",
    NoteKind.FLAPPED: "flap",
    NoteKind.LEFT: "left",
}
"""What happened to a member, by Consul's name for its count."""
_STATES: Final = ("follower", "candidate", "leader")
_CANDIDATE: Final = 1


def measure(
    figures: ServerFigures,
    core: RaftCore,
    office: Office,
    ports: Ports,
    methods: Methods,
    blocked: BlockedQueries,
    storage: Storage | None,
) -> None:
    """Have the meter look at what these parts count anyway."""
    meter = figures.meter
    for number, state in enumerate(_STATES):
        meter.follow(f"raft.state.{state}", partial(core.turns.__getitem__, number))
    # A server stands for election when it has heard of no leader for long; nothing else makes it a candidate.
    meter.follow("raft.transition.heartbeat_timeout", partial(core.turns.__getitem__, _CANDIDATE))
    if storage is not None:
        storage.wal.on_batch = lambda elapsed_s, entries: figures.note_batch(elapsed_s, entries, leads=core.is_leader)
    for kind, name in _MEMBERS.items():
        meter.follow(f"serf.member.{name}", partial(office.told.__getitem__, kind))
    meter.follow("rpc.request", lambda: methods.requests)
    meter.follow("rpc.request_error", lambda: methods.errors)
    meter.follow("rpc.query", lambda: blocked.begun)
    meter.follow("rpc.accept_conn", lambda: ports.accepted)
    meter.follow("rpc.raft_handoff", lambda: ports.accepted_raft)

    def gauges() -> Iterator[Gauge]:
        yield Gauge("rpc.queries_blocking", len(blocked.watches))
        yield Gauge("session_ttl.active", office.counted_sessions)
        if figures.entries_written:
            yield Gauge("raft.leader.dispatchNumLogs", figures.entries_written)

    meter.watch(gauges)
    meter.before_turn(partial(_look_at_voters, figures, core))


def _look_at_voters(figures: ServerFigures, core: RaftCore) -> None:
    """On a leader: how long each of the other voters has been silent."""
    peers = core.peer_set
    for id, progress in core.progress().items():
        server = peers.server(id)
        if server is not None and server.voter:
            figures.note_contact(progress.silent_s)
