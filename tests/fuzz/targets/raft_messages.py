"""Raft between servers: what is said first, what is answered, and messages about the log. `PeerError`, or a refusal."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from lictor_core.errors import PeerError
from lictor_server.raft.framing import MESSAGE_BYTES_MAX, BodyReader, decode_message, encode_message, framed
from lictor_server.raft.hello import (
    Answer,
    AnswerReader,
    GreetingReader,
    Hello,
    LinkIdentity,
    Refusal,
    answer_bytes,
    answer_flaw,
    greeting_bytes,
    refusal_of,
)
from lictor_server.raft.messages import Append, PreVote, PreVoteReply, Reply, SnapshotChunk, SnapshotReply, parsed
from lictor_server.raft.wire import Message
from tests.fuzz.shaping import Choices, packed

_OWN: Final = LinkIdentity("dc1", "5c1e2f30-0000-4000-8000-000000000001", "n1", "127.0.0.1:8300", "cluster")
_REASON_CHARS_MAX: Final = 1000
"""No refusal is longer: it goes into logs, and the other side chooses what it quotes."""
_MESSAGES: Final[tuple[Message, ...]] = (
    {"type": "append_entries", "term": 3, "prevLogIdx": 4, "prevLogTerm": 2, "commit_index": 4, "seq": 1},
    {"type": "request_vote", "term": 3, "last_log_index": 4, "last_log_term": 2, "transfer": True},
    {"type": "response_vote", "term": 3},
    {"type": "timeout_now", "term": 3},
    {"type": "heard", "term": 3, "seq": 1},
    Reply(3, 4, 0).message(),
    PreVote(3, 4, 2).message(),
    PreVoteReply(3, 4, True).message(),
    SnapshotChunk(3, 9, 2, 100, 0, b"abc").message(),
    SnapshotReply(3, 9, 100, False).message(),
    Append(3, 4, 2, ((b"\x00a", 5, 3),), 4, 1, 1).message(),
)


def run(data: bytes) -> None:
    """One connection in one of three roles, or one message made of the input."""
    choices = Choices(data)
    match choices.below(4):
        case 0:
            _greet(choices)
        case 1:
            _answer(choices)
        case 2:
            _listen(choices)
        case _:
            _message(choices)


def _pieces(choices: Choices) -> Iterable[bytes]:
    size = choices.byte() + 1
    while not choices.is_over:
        yield choices.some(size)


def _greet(choices: Choices) -> None:
    reader = GreetingReader()
    for piece in _pieces(choices):
        said = reader.feed(piece)
        if isinstance(said, Hello):
            said = refusal_of(said, _OWN, "incarnation", {"some-id"} if choices.byte() & 1 else frozenset())
            answer_bytes(_OWN, said)
        if isinstance(said, Refusal):
            assert len(said.message) < 5 * _REASON_CHARS_MAX, "a refusal quotes without a bound"
        if said is not None:
            return


def _answer(choices: Choices) -> None:
    reader = AnswerReader()
    try:
        for piece in _pieces(choices):
            answer = reader.feed(piece)
            if answer is not None:
                answer_flaw(answer, "other", _OWN, {"some-id"} if choices.byte() & 1 else frozenset())
                return
    except PeerError as error:
        _check(error)


def _listen(choices: Choices) -> None:
    reader = BodyReader(MESSAGE_BYTES_MAX)
    try:
        for piece in _pieces(choices):
            for body in reader.feed(piece):
                parsed(decode_message(body))
    except PeerError as error:
        _check(error)


def _message(choices: Choices) -> None:
    message: dict[str, object] = dict(choices.among(_MESSAGES))
    keys = list(message)
    for _ in range(choices.below(4)):
        value = packed(object, choices)
        if value is not None:
            message[choices.among(keys)] = msgspec.msgpack.decode(value)
    try:
        body = encode_message(message)
    except RecursionError:
        return  # what nests so deep can be read here, and not be said: no server sends it
    try:
        parsed(decode_message(body))
    except PeerError as error:
        _check(error)


def _check(error: PeerError) -> None:
    assert len(str(error)) < _REASON_CHARS_MAX, "a refusal quotes without a bound"


def seeds() -> Iterable[bytes]:
    """A whole greeting, a whole answer, each message."""
    hello = Hello(
        datacenter="dc1", cluster_id="", id="b", name="n2", address="127.0.0.2:8300", expects=_OWN.id, incarnation="x"
    )
    yield b"\x00\x10" + greeting_bytes(hello)
    yield b"\x00\xff" + greeting_bytes(msgspec.structs.replace(hello, datacenter="dc2"))
    yield b"\x01\xff" + framed(msgspec.msgpack.encode(Answer(id="other", cluster_id="cluster")))
    for number, message in enumerate(_MESSAGES):
        yield b"\x02\x07" + framed(encode_message(message)) * 2
        yield bytes([3, number, 2, 0, 4, 9, 1, 2, 3, 1, 7, 2, 5])
