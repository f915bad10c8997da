"""What servers say to one another about the log: typed, checked, and plain maps on the wire.

`request_vote`, `response_vote` and `timeout_now` are pysyncobj's own and only checked here. `append_entries` is read
here before pysyncobj sees it. The rest is ours: `append_reply` (pysyncobj's `next_node_idx` carries no term, so an
answer to an earlier term could count in a later one), `heard` for reads, `pre_vote` and `pre_vote_reply`,
`snapshot_chunk` and `snapshot_reply` for followers too far behind.

Any map may come in: `parsed` raises `PeerError` and nothing else.
"""

from __future__ import annotations

import dataclasses
from typing import Final, cast

from lictor_core.errors import PeerError
from lictor_server.raft.log import LogEntry
from lictor_server.raft.members import PEERS_KIND
from lictor_server.raft.wire import Message

__all__ = [
    "Append",
    "Heard",
    "Parsed",
    "PreVote",
    "PreVoteReply",
    "Reply",
    "SnapshotChunk",
    "SnapshotReply",
    "TimeoutNow",
    "Vote",
    "VoteRequest",
    "parsed",
]

SNAPSHOT_BYTES_MAX: Final = 16 * 1024**3
"""A file larger than this is nobody's snapshot."""
COUNT_MAX: Final = 2**63 - 1
"""No term and no index gets as far; what is one more must still fit 64 bits, on the disk as on the wire."""
KIND_MAX: Final = PEERS_KIND
"""Of log entries, the first byte: a command, a leader's no-op, a peer set. Nobody could apply another one."""
SNAPSHOT_CHUNK_BYTES_MAX: Final = 256 * 1024
"""Of a snapshot in one message."""


@dataclasses.dataclass(frozen=True)
class Append:
    """The leader of `term` claims: after entry `prev_index` of `prev_term` come `entries`."""

    term: int
    prev_index: int
    prev_term: int
    entries: tuple[LogEntry, ...]
    commit_index: int
    seq: int
    """The leader's round of reads; answered by `Heard`."""
    answered: int | None = None
    """The newest round that the receiver had answered when the leader last surely led, 0 for none; None from versions
    that do not say."""

    def message(self) -> Message:
        """As it goes onto the wire and into pysyncobj, in whose words it is."""
        message: Message = {
            "type": "append_entries",
            "term": self.term,
            "prevLogIdx": self.prev_index,
            "prevLogTerm": self.prev_term,
            "entries": self.entries,
            "commit_index": self.commit_index,
            "seq": self.seq,
        }
        if self.answered is not None:
            message["answered"] = self.answered
        return message


@dataclasses.dataclass(frozen=True)
class Reply:
    """To an `Append`: equal with the leader of `term` up to `verified`, or no such entry at `rejected`."""

    term: int
    verified: int
    """With `rejected` 0: the last index known to be equal. Else: where the leader should try next is one after it."""
    rejected: int

    def message(self) -> Message:
        """As it goes onto the wire."""
        return {"type": "append_reply", "term": self.term, "verified": self.verified, "rejected": self.rejected}


@dataclasses.dataclass(frozen=True)
class Heard:
    """The sender still followed the leader of `term` when the round `seq` of reads reached it."""

    term: int
    seq: int

    def message(self) -> Message:
        """As it goes onto the wire."""
        return {"type": "heard", "term": self.term, "seq": self.seq}


@dataclasses.dataclass(frozen=True)
class PreVote:
    """Would you vote for me in `term`? Changes nothing at either side."""

    term: int
    last_index: int
    last_term: int

    def message(self) -> Message:
        """As it goes onto the wire."""
        return {"type": "pre_vote", "term": self.term, "last_index": self.last_index, "last_term": self.last_term}


@dataclasses.dataclass(frozen=True)
class PreVoteReply:
    """`asked` repeats the term asked for; `term` is the answerer's own, which an asker left behind has to learn."""

    term: int
    asked: int
    granted: bool

    def message(self) -> Message:
        """As it goes onto the wire."""
        return {"type": "pre_vote_reply", "term": self.term, "asked": self.asked, "granted": self.granted}


@dataclasses.dataclass(frozen=True)
class SnapshotChunk:
    """A piece of a snapshot file of the leader of `term`. Without data it asks how much of the file came."""

    term: int
    last_index: int
    last_term: int
    size: int
    """Of the whole file."""
    offset: int
    data: bytes

    def message(self) -> Message:
        """As it goes onto the wire."""
        return {
            "type": "snapshot_chunk",
            "term": self.term,
            "last_index": self.last_index,
            "last_term": self.last_term,
            "size": self.size,
            "offset": self.offset,
            "data": self.data,
        }


@dataclasses.dataclass(frozen=True)
class SnapshotReply:
    """To a `SnapshotChunk`: of the snapshot that ends with `last_index` all before `next_offset` is here.

    0 also when nothing is known of it any more. `refused`: it came whole, but could not be loaded.
    """

    term: int
    last_index: int
    next_offset: int
    refused: bool

    def message(self) -> Message:
        """As it goes onto the wire."""
        return {
            "type": "snapshot_reply",
            "term": self.term,
            "last_index": self.last_index,
            "next_offset": self.next_offset,
            "refused": self.refused,
        }


@dataclasses.dataclass(frozen=True)
class VoteRequest:
    """pysyncobj's request for a vote."""

    term: int
    is_transfer: bool
    """The leader itself asked the candidate to stand: nobody shall refuse because the leader is still heard."""


@dataclasses.dataclass(frozen=True)
class Vote:
    """pysyncobj's vote."""

    term: int


@dataclasses.dataclass(frozen=True)
class TimeoutNow:
    """The leader of `term` wants the receiver to stand for election at once."""

    term: int

    def message(self) -> Message:
        """As it goes onto the wire and into pysyncobj, in whose words it is."""
        return {"type": "timeout_now", "term": self.term}


Parsed = (
    Append | Reply | Heard | PreVote | PreVoteReply | SnapshotChunk | SnapshotReply | VoteRequest | Vote | TimeoutNow
)


def parsed(message: Message) -> Parsed:
    """The typed form of `message`. Raises `PeerError` for everything that no voter of this version sends."""
    kind = message.get("type")
    term = _number(message, "term")
    match kind:
        case "append_entries":
            return _append(message, term)
        case "append_reply":
            return Reply(term, _number(message, "verified"), _number(message, "rejected"))
        case "heard":
            return Heard(term, _number(message, "seq"))
        case "pre_vote":
            return PreVote(term, _number(message, "last_index"), _number(message, "last_term"))
        case "pre_vote_reply":
            return PreVoteReply(term, _number(message, "asked"), message.get("granted") is True)
        case "snapshot_chunk":
            return _chunk(message, term)
        case "snapshot_reply":
            last_index, next_offset = _number(message, "last_index"), _number(message, "next_offset")
            return SnapshotReply(term, last_index, next_offset, message.get("refused") is True)
        case "request_vote":
            _number(message, "last_log_index")
            _number(message, "last_log_term")
            return VoteRequest(term, message.get("transfer") is True)
        case "response_vote":
            return Vote(term)
        case "timeout_now":
            return TimeoutNow(term)
        case _:
            raise PeerError(
                f"a server sent a Raft message of the unknown type {_shown(kind)}: is it of another version?"
            )


def _append(message: Message, term: int) -> Append:
    prev_index = _number(message, "prevLogIdx")
    raw = message.get("entries")
    if not isinstance(raw, list | tuple) or prev_index < 1:
        raise PeerError("a server sent Raft entries that are no list or have no predecessor")
    entries = [_entry(item, index, term) for index, item in enumerate(cast("list[object]", raw), prev_index + 1)]
    commit_index, seq = _number(message, "commit_index"), _number(message, "seq")
    answered = _number(message, "answered") if "answered" in message else None
    return Append(term, prev_index, _number(message, "prevLogTerm"), tuple(entries), commit_index, seq, answered)


def _chunk(message: Message, term: int) -> SnapshotChunk:
    data, size, offset = message.get("data"), _number(message, "size"), _number(message, "offset")
    if not isinstance(data, bytes) or len(data) > SNAPSHOT_CHUNK_BYTES_MAX:
        raise PeerError("a server sent a piece of a snapshot that is no bytes, or too many of them")
    if not 0 < size <= SNAPSHOT_BYTES_MAX or offset + len(data) > size:
        raise PeerError(f"a server sent bytes at {offset} of a snapshot of {size} bytes, which cannot be")
    return SnapshotChunk(term, _number(message, "last_index"), _number(message, "last_term"), size, offset, data)


def _entry(item: object, index: int, newest_term: int) -> LogEntry:
    """`item` as the entry at `index`. Asked for each entry of each message, hence no pattern matching."""
    if isinstance(item, (list, tuple)) and len(cast("list[object]", item)) == 3:
        command, at, term = cast("tuple[object, object, object]", item)
        if type(command) is bytes and command and at == index and type(term) is int and 0 <= term <= newest_term:
            if command[0] > KIND_MAX:
                raise PeerError(
                    f"a server sent the Raft entry {index} of the kind {command[0]}, which this version does not know: "
                    "start the version that the other servers run"
                )
            return command, index, term
    raise PeerError(f"a server sent a malformed Raft entry where index {index} belongs")


def _number(message: Message, key: str) -> int:
    value = message.get(key)
    if type(value) is not int or not 0 <= value <= COUNT_MAX:
        raise PeerError(f"a server sent a Raft message whose {key!r} is no count: {_shown(value)}")
    return value


def _shown(value: object) -> str:
    """`value` for a message. What nests is only named: it may nest as deep as the interpreter goes, or be very long."""
    return f"{value!r:.40}" if isinstance(value, (int, float, str, bytes, type(None))) else f"a {type(value).__name__}"
