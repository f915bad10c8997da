"""Proposals as they come from agents: decoded, checked by the leader, carried out on every server, read, saved.

What the leader lets through must not end a server, whatever it says: it would end all of them, and again at each start.
"""

from __future__ import annotations

import typing
from collections.abc import Iterable
from typing import Final, cast

import msgspec

from lictor_core.clock import SeededRng
from lictor_core.codec import decode_command, decode_proposal, encode_proposal, unpack
from lictor_core.commands import Command, CommandBase, Proposal
from lictor_core.errors import LictorError
from lictor_core.metrics import Meter
from lictor_core.queries import AnyQuery, Query
from lictor_server.acl.resolver import Resolver
from lictor_server.acl.settings import AclSettings
from lictor_server.acl.writing import WriteJudge
from lictor_server.endpoints.cluster_time import ClusterTime
from lictor_server.endpoints.token_providers import check_providers
from lictor_server.endpoints.writes import Writes
from lictor_server.figures import ServerFigures
from lictor_server.raft import Driver
from lictor_server.state import Store, answer, apply_proposal
from lictor_server.state.snapshot import restore, state_hash, take
from tests.fuzz.loop import finished
from tests.fuzz.shaping import Choices, packed
from tests.support.clock import ManualClock

COMMANDS: Final[tuple[type[CommandBase], ...]] = typing.get_args(Command)
QUERIES: Final[tuple[type[Query[object]], ...]] = typing.get_args(AnyQuery)
_COMMANDS_MAX: Final = 6
_READS_MAX: Final = 4


class _Log:
    """Stands where the driver of Raft does: what is proposed is carried out at once."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def propose(self, payload: bytes) -> object:
        outcome, _ = apply_proposal(self._store, self._store.index + 1, decode_proposal(payload))
        return outcome


def run(data: bytes) -> None:
    """Several commands by one client, some reads, and a snapshot that must give the same state."""
    choices = Choices(data)
    store, clock = Store("dc1"), ManualClock()
    writes = Writes(
        cast(Driver, _Log(store)),
        clock,
        "dc1",
        time=ClusterTime(clock, lambda: store.time_ms),
        session_ttl_min_s=10.0,
        figures=ServerFigures(Meter(clock), clock),
        judge=lambda command: check_providers(store, command),
        permissions=WriteJudge(store, Resolver(store, AclSettings(enabled=bool(choices.byte() & 1)), clock)),
        check_known=lambda command: None,
    )
    for _ in range(1 + choices.below(_COMMANDS_MAX)):
        proposal = _proposal(choices)
        if proposal is not None:
            try:
                finished(writes.write(proposal))
            except LictorError:
                continue
    for _ in range(choices.below(_READS_MAX)):
        _read(store, choices)
    assert state_hash(restore(take(store))) == state_hash(store), "a snapshot is not what was saved"


def _proposal(choices: Choices) -> Proposal | None:
    """A proposal as it comes from the wire: made at random or of raw bytes, in both cases decoded."""
    kind = choices.below(len(COMMANDS) + 1)
    try:
        if kind == len(COMMANDS):
            return decode_proposal(choices.some(64))
        data = packed(COMMANDS[kind], choices)
        if data is None:
            return None
        request = choices.some(choices.below(3))
        return decode_proposal(encode_proposal(Proposal(request, choices.byte(), False, decode_command(data))))
    except LictorError:
        return None


def _read(store: Store, choices: Choices) -> None:
    kind = QUERIES[choices.below(len(QUERIES))]
    data = packed(kind, choices)
    if data is None:
        return
    try:
        query = unpack(data, kind)
        store.wake_index(query.topics())
        msgspec.msgpack.encode(answer(store, query))
    except LictorError:
        return


def seeds() -> Iterable[bytes]:
    """Each command twice, with other bytes behind it."""
    rng = SeededRng(1)
    for kind in range(len(COMMANDS) + 1):
        for _ in range(2):
            yield bytes([0, 0, kind]) + bytes(rng.bits(8) % 240 for _ in range(160))
