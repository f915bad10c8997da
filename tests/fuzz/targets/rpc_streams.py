"""RPC: bytes of a connection at either end, and the payload of every method. `PeerError` of a connection, and of a
payload `RequestError`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from itertools import pairwise
from typing import Any, Final

from lictor_core.calls import (
    Attendance,
    ConfigureRequest,
    ForceLeaveRequest,
    Proposed,
    RaftServersRequest,
    ReadRequest,
    StampsRequest,
    WriteRequest,
)
from lictor_core.codec import decode_command, decode_proposal, unpack
from lictor_core.coordinates import NodeCoordinate
from lictor_core.errors import PeerError, RequestError, error_from
from lictor_core.feed import FeedRequest
from lictor_core.frames import Frame, FrameKind, encode_frame
from lictor_core.membership import Renewal
from lictor_core.proxy_status import ProxyTidings
from lictor_core.registry import LeafRequest
from lictor_server.cluster import Promise, ServerCard
from lictor_server.leases import Digest
from lictor_server.rpc.caller import Caller
from lictor_server.rpc.peer import Call, Peer
from tests.fuzz.shaping import Choices, packed

PAYLOADS: Final[tuple[Any, ...]] = (
    Attendance, ConfigureRequest, Digest, FeedRequest, ForceLeaveRequest, LeafRequest, NodeCoordinate, Promise,
    Proposed, ProxyTidings, RaftServersRequest, ReadRequest, Renewal, ServerCard, StampsRequest, WriteRequest,
    bool, str,
)  # fmt: skip
"""What methods take, as `tests.fuzz.test_targets` checks."""
_ASKED: Final = 3


def run(data: bytes) -> None:
    """One connection in one of two roles, or one payload."""
    choices = Choices(data)
    match choices.below(4):
        case 0:
            _serve(choices)
        case 1:
            _ask(choices)
        case 2:
            _payload(choices.among(PAYLOADS), choices.rest())
        case _:
            kind = choices.among(PAYLOADS)
            body = packed(kind, choices)
            if body is not None:
                _payload(kind, body)


def _serve(choices: Choices) -> None:
    peer = Peer(in_flight_max=4)
    with contextlib.suppress(PeerError):
        for piece in _pieces(choices):
            for event in peer.receive(piece):
                if isinstance(event, Call) and choices.byte() & 1:
                    peer.reply(event.id, event.payload)
                elif isinstance(event, Call):
                    peer.error(event.id, RequestError(event.method))


def _ask(choices: Choices) -> None:
    caller = Caller(in_flight_max=4)
    for number in range(_ASKED):
        caller.request("read", b"", is_stream=number == 1)
    with contextlib.suppress(PeerError):
        for piece in _pieces(choices):
            caller.receive(piece)
    error_from(choices.text(), choices.text())


def _pieces(choices: Choices) -> Iterable[bytes]:
    size = choices.byte() + 1
    while not choices.is_over:
        yield choices.some(size)


def _payload(kind: Any, body: bytes) -> None:
    with contextlib.suppress(RequestError):
        value = unpack(body, kind)
        if isinstance(value, WriteRequest):
            decode_command(value.command)
        elif isinstance(value, Proposed):
            decode_proposal(value.proposal)
        elif isinstance(value, ReadRequest | FeedRequest):
            value.query.topics()


def seeds() -> Iterable[bytes]:
    """Frames of each kind, in both directions, and each payload."""
    frames = [Frame(kind, number, "read", b"abc") for number, kind in enumerate(FrameKind, 1)]
    for one, other in pairwise(frames):
        for role in (0, 1):
            yield bytes([role, 200]) + encode_frame(one) + encode_frame(other)
            yield bytes([role, 3]) + encode_frame(other)
    for number in range(len(PAYLOADS)):
        yield bytes([3, number]) + bytes(range(80))
        yield bytes([2, number]) + (packed(PAYLOADS[number], Choices(bytes(range(80)))) or b"")
