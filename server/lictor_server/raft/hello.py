"""How two servers begin a Raft connection, and when one refuses the other. Pure.

Who dialed says `PREAMBLE` and one frame, `Hello`; who accepted answers one frame, `Answer`, and from then on messages
flow from the dialer to the acceptor alone. An identity is a node id: addresses and names may change between two
connections. Servers of different datacenters or clusters never talk about a log; a server that belongs to no cluster
yet talks to any, until it has heard of one.
"""

from __future__ import annotations

import re
from collections.abc import Set
from enum import StrEnum
from typing import Final, NamedTuple

import msgspec

from lictor_core.errors import PeerError
from lictor_core.protocol import OWN, UNTOLD, Spoken, disagreement
from lictor_server.raft.framing import BodyReader, framed

__all__ = [
    "PREAMBLE",
    "Answer",
    "AnswerReader",
    "GreetingReader",
    "Hello",
    "LinkIdentity",
    "Refusal",
    "RefusalCode",
    "answer_bytes",
    "answer_flaw",
    "greeting_bytes",
    "refusal_of",
]

VERSION: Final = 1
PREAMBLE: Final = b"Lictor-Raft 1\n"
"""The first bytes of a Raft connection. Frames of RPC begin with 0x00, TLS with 0x16: the first byte decides."""
_PREAMBLE_FORM: Final = re.compile(rb"Lictor-Raft ([0-9]{1,4})\n")
_PREAMBLE_BYTES_MAX: Final = 18
_HELLO_BYTES_MAX: Final = 4096


class LinkIdentity(NamedTuple):
    """Who a server is for the others. `cluster_id` is empty as long as it belongs to no cluster."""

    datacenter: str
    id: str
    name: str
    address: str
    cluster_id: str = ""


class Hello(msgspec.Struct, frozen=True, kw_only=True):
    """What a dialer says first. `incarnation` is made at random by each process: it tells a twin from oneself."""

    datacenter: str
    cluster_id: str
    id: str
    name: str
    address: str
    expects: str
    """The id that it expects at the other end."""
    incarnation: str
    returns_call: bool = False
    """Whether it dials only because it was called: such a call is not returned, or two would hold each other."""
    spoken: Spoken = UNTOLD
    """Which protocol it speaks."""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What the acceptor says to that; with a `code` it refuses, and closes."""

    id: str
    cluster_id: str
    code: str = ""
    message: str = ""
    spoken: Spoken = UNTOLD


class RefusalCode(StrEnum):
    """Why a connection is refused."""

    CERTIFICATE = "certificate"
    CLUSTER = "cluster"
    DATACENTER = "datacenter"
    FULL = "full"
    MALFORMED = "malformed"
    SAME_ID = "same_id"
    STRANGER = "stranger"
    VERSION = "version"


class Refusal(NamedTuple):
    """A refusal, with a sentence for both logs."""

    code: RefusalCode
    message: str


def greeting_bytes(hello: Hello) -> bytes:
    """What the dialer sends first."""
    return PREAMBLE + framed(msgspec.msgpack.encode(hello))


def answer_bytes(own: LinkIdentity, refusal: Refusal | None) -> bytes:
    """What the acceptor answers. To another datacenter or version it says nothing of itself but why."""
    code, message = ("", "") if refusal is None else refusal
    answer = Answer(id=own.id, cluster_id=own.cluster_id, code=code, message=message, spoken=OWN)
    return framed(msgspec.msgpack.encode(answer))


class GreetingReader:
    """Collects the bytes of a dialer until its `Hello` is whole."""

    def __init__(self) -> None:
        self._preamble = bytearray()
        self._bodies = BodyReader(_HELLO_BYTES_MAX)
        self._begun = False

    def feed(self, data: bytes) -> Hello | Refusal | None:
        """The hello when it is whole, or why there will be none. Nothing may follow before it is answered."""
        if not self._begun:
            self._preamble += data
            end = self._preamble.find(b"\n", 0, _PREAMBLE_BYTES_MAX)
            if end < 0:
                return _NO_RAFT if len(self._preamble) >= _PREAMBLE_BYTES_MAX else None
            form = _PREAMBLE_FORM.fullmatch(self._preamble[: end + 1])
            if form is None:
                return _NO_RAFT
            if int(form[1]) != VERSION:
                return Refusal(
                    RefusalCode.VERSION,
                    f"this server speaks version {VERSION} of the Raft protocol, not {int(form[1])}: upgrade it",
                )
            data = bytes(self._preamble[end + 1 :])
            self._begun = True
        return self._hello(data)

    def _hello(self, data: bytes) -> Hello | Refusal | None:
        try:
            bodies = self._bodies.feed(data)
            if not bodies:
                return None
            hello = msgspec.msgpack.decode(bodies[0], type=Hello)
        except (PeerError, ValueError, OverflowError, RecursionError) as error:
            return Refusal(RefusalCode.MALFORMED, f"no hello of a server: {error}")
        if len(bodies) > 1 or not self._bodies.is_empty:
            return Refusal(RefusalCode.MALFORMED, "there are bytes behind the hello before it was answered")
        if not hello.id or not hello.incarnation:
            return Refusal(RefusalCode.MALFORMED, "the hello names no id or no incarnation")
        return hello


class AnswerReader:
    """Collects the bytes of an acceptor until its `Answer` is whole."""

    def __init__(self) -> None:
        self._bodies = BodyReader(_HELLO_BYTES_MAX)

    def feed(self, data: bytes) -> Answer | None:
        """The answer when it is whole. Raises `PeerError` for anything else."""
        bodies = self._bodies.feed(data)
        if not bodies:
            return None
        if len(bodies) > 1 or not self._bodies.is_empty:
            raise PeerError("the other server says more than its answer, on a connection for listening only")
        try:
            return msgspec.msgpack.decode(bodies[0], type=Answer)
        except (ValueError, OverflowError, RecursionError) as error:
            raise PeerError(f"what listens there does not answer as a server: {error}") from error


def refusal_of(hello: Hello, own: LinkIdentity, incarnation: str, certified_ids: Set[str]) -> Refusal | None:
    """Why `own`, running as `incarnation`, must not take this connection; None when it may.

    `certified_ids` are the node ids that the dialer's certificate names; an empty set when it names none.
    """
    if certified_ids and hello.id not in certified_ids:
        return Refusal(
            RefusalCode.CERTIFICATE,
            f"the certificate is one of node {', '.join(sorted(certified_ids))}, the hello one of {hello.id}",
        )
    reason = disagreement(
        hello.spoken, OWN, caller_name=f"server {hello.name[:64]}", acceptor_name=f"server {own.name}"
    )
    if reason is not None:
        return Refusal(RefusalCode.VERSION, reason)
    if hello.datacenter != own.datacenter:
        return Refusal(
            RefusalCode.DATACENTER, f"this server is of datacenter {own.datacenter!r}, not {hello.datacenter!r}"
        )
    if hello.cluster_id and own.cluster_id and hello.cluster_id != own.cluster_id:
        return Refusal(RefusalCode.CLUSTER, f"this server is of cluster {own.cluster_id}, not {hello.cluster_id}")
    if hello.id == own.id and hello.incarnation != incarnation:
        return Refusal(
            RefusalCode.SAME_ID,
            f"two servers call themselves {own.id}: this one, {own.name} at {own.address}, and {hello.name} at "
            f"{hello.address}; stop one, and give it a data directory of its own",
        )
    if hello.expects != own.id or hello.id == own.id:
        return Refusal(RefusalCode.STRANGER, f"this is server {own.id}, not {hello.expects}")
    return None


def answer_flaw(answer: Answer, expected: str, own: LinkIdentity, certified_ids: Set[str]) -> Refusal | None:
    """Why the dialer must not use a connection that was answered so; None when it may.

    The refusals of the other side come back as they are; `MALFORMED` stands for codes that nobody knows.
    """
    if answer.code:
        code = RefusalCode(answer.code) if answer.code in _CODES else RefusalCode.MALFORMED
        return Refusal(code, f"refused: {answer.message[:300]}")
    reason = disagreement(OWN, answer.spoken, caller_name=f"server {own.name}", acceptor_name="the other server")
    if reason is not None:
        return Refusal(RefusalCode.VERSION, reason)
    if answer.id != expected:
        return Refusal(RefusalCode.STRANGER, f"server {answer.id[:64]!r} listens there, not {expected}")
    if certified_ids and answer.id not in certified_ids:
        return Refusal(
            RefusalCode.CERTIFICATE,
            f"the certificate there is one of node {', '.join(sorted(certified_ids))}, not of {expected}",
        )
    if answer.cluster_id and own.cluster_id and answer.cluster_id != own.cluster_id:
        return Refusal(RefusalCode.CLUSTER, f"it is of cluster {answer.cluster_id[:64]!r}, not {own.cluster_id}")
    return None


_NO_RAFT: Final = Refusal(RefusalCode.MALFORMED, "the first bytes are no preamble of Raft")
_CODES: Final = frozenset(RefusalCode)
