"""What servers say survives the wire, and nothing else is understood."""

from __future__ import annotations

import contextlib
import sys
from typing import cast

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lictor_core.errors import PeerError
from lictor_server.raft.framing import decode_message
from lictor_server.raft.messages import (
    SNAPSHOT_BYTES_MAX,
    SNAPSHOT_CHUNK_BYTES_MAX,
    Append,
    Heard,
    Parsed,
    PreVote,
    PreVoteReply,
    Reply,
    SnapshotChunk,
    SnapshotReply,
    Vote,
    VoteRequest,
    parsed,
)
from lictor_server.raft.wire import Message

MESSAGES = [
    Append(3, 4, 2, ((b"\x00x", 5, 2), (b"\x01", 6, 3)), 4, 7),
    Append(3, 4, 2, (), 4, 0),
    Append(3, 4, 2, (), 4, 8, 7),
    Append(3, 4, 2, (), 4, 8, 0),
    Reply(3, 4, 0),
    Heard(3, 8),
    PreVote(4, 9, 3),
    PreVoteReply(3, 4, True),
    SnapshotChunk(3, 40, 2, 10, 4, b"abcd"),
    SnapshotChunk(3, 40, 2, 10, 10, b""),
    SnapshotReply(3, 40, 8, False),
    SnapshotReply(3, 40, 0, True),
]


@pytest.mark.parametrize("message", MESSAGES)
def test_message_survives_the_wire(message: Parsed) -> None:
    assert not isinstance(message, Vote | VoteRequest)
    assert parsed(cast(Message, msgpack.unpackb(msgpack.packb(message.message())))) == message


@pytest.mark.parametrize("kind", ["apply_command", "next_node_idx", "transmission", None])
def test_other_messages_of_pysyncobj_are_refused(kind: object) -> None:
    with pytest.raises(PeerError, match="unknown type"):
        parsed({"type": kind, "term": 1})


@pytest.mark.parametrize("key", ["type", "term"])
def test_a_value_that_nests_as_deep_as_can_be_read_is_refused_in_few_words(key: str) -> None:
    for depth in range(900, sys.getrecursionlimit()):
        nested = b"\x91" * depth + b"\x00"
        body = b"\x82\xa4type" + (nested if key == "type" else b"\xa5heard")
        body += b"\xa4term" + (nested if key == "term" else b"\x01")
        with pytest.raises(PeerError) as refused:
            parsed(decode_message(body))
        assert len(str(refused.value)) < 200


@pytest.mark.parametrize(
    "entries", [None, 3, [[b"x", 9, 1]], [["x", 5, 1]], [[b"", 5, 1]], [[b"x", 5, 9]], [[b"x", 5]]]
)
def test_malformed_entries_are_refused(entries: object) -> None:
    message = Append(3, 4, 2, (), 4, 0).message() | {"entries": entries}
    with pytest.raises(PeerError):
        parsed(message)


def test_an_entry_that_nobody_could_apply_is_not_taken() -> None:
    """In the log it would end this server, now and at each start."""
    message = Append(3, 4, 2, ((b"\x02x", 5, 3),), 4, 0).message()
    parsed(message)
    with pytest.raises(PeerError, match="of the kind 3, which this version does not know"):
        parsed(message | {"entries": [[b"\x03x", 5, 3]]})


@pytest.mark.parametrize("key", ["term", "prevLogIdx", "commit_index", "answered"])
def test_a_number_that_no_server_reaches_is_refused(key: str) -> None:
    message = Append(2**63 - 1, 4, 2, (), 4, 0).message()
    parsed(message)
    with pytest.raises(PeerError, match="is no count"):
        parsed(message | {key: 2**63})


@pytest.mark.parametrize(
    "wrong",
    [
        {"data": "abcd"},
        {"data": b"abcde"},
        {"data": bytes(SNAPSHOT_CHUNK_BYTES_MAX + 1), "size": SNAPSHOT_BYTES_MAX},
        {"size": 0, "offset": 0, "data": b""},
        {"size": SNAPSHOT_BYTES_MAX + 1},
        {"offset": 11, "data": b""},
        {"last_index": None},
    ],
)
def test_malformed_pieces_of_snapshots_are_refused(wrong: Message) -> None:
    message = SnapshotChunk(3, 40, 2, 10, 6, b"abcd").message()
    parsed(message)
    with pytest.raises(PeerError):
        parsed(message | wrong)


VALUES = st.none() | st.booleans() | st.integers(-5, 50) | st.text(max_size=3) | st.lists(st.integers(), max_size=3)
KEYS = ("term", "entries", "prevLogIdx", "prevLogTerm", "commit_index", "seq", "verified", "rejected", "asked", "data")
KINDS = ["append_entries", "append_reply", "heard", "pre_vote", "request_vote", "snapshot_chunk", "snapshot_reply"]


@given(st.sampled_from(KINDS), st.data())
def test_any_map_gives_a_message_or_one_error(kind: str, data: st.DataObject) -> None:
    message: Message = {"type": kind, **data.draw(st.dictionaries(st.sampled_from(KEYS), VALUES))}
    with contextlib.suppress(PeerError):
        parsed(message)
