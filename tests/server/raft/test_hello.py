"""How two servers begin a Raft connection."""

from __future__ import annotations

import contextlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lictor_core.errors import PeerError
from lictor_core.protocol import OWN as OWN_PROTOCOL
from lictor_core.protocol import UNTOLD, Spoken
from lictor_server.raft.framing import framed
from lictor_server.raft.hello import (
    PREAMBLE,
    Answer,
    AnswerReader,
    GreetingReader,
    Hello,
    LinkIdentity,
    Refusal,
    RefusalCode,
    answer_bytes,
    answer_flaw,
    greeting_bytes,
    refusal_of,
)

OWN = LinkIdentity(datacenter="dc1", id="own", name="n1", address="192.0.2.1:8300", cluster_id="cluster")
HELLO = Hello(
    datacenter="dc1",
    cluster_id="cluster",
    id="other",
    name="n2",
    address="192.0.2.2:8300",
    expects="own",
    incarnation="process",
)


def changed(**fields: object) -> Hello:
    return msgspec.structs.replace(HELLO, **fields)


@given(st.integers(1, 60))
def test_any_split_of_the_greeting_gives_the_same_hello(size: int) -> None:
    data, reader, found = greeting_bytes(HELLO), GreetingReader(), list[object]()
    for start in range(0, len(data), size):
        found.append(reader.feed(data[start : start + size]))
    assert found[-1] == HELLO
    assert set(found[:-1]) <= {None}


@given(st.booleans(), st.binary(max_size=100))
def test_any_bytes_give_a_hello_a_refusal_or_nothing_yet(preamble: bool, data: bytes) -> None:
    assert isinstance(GreetingReader().feed((PREAMBLE if preamble else b"") + data), Hello | Refusal | None)


@given(st.binary(max_size=100))
def test_any_bytes_give_an_answer_an_error_or_nothing_yet(data: bytes) -> None:
    with contextlib.suppress(PeerError):
        assert isinstance(AnswerReader().feed(data), Answer | None)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"Lictor-Raft 2\n", RefusalCode.VERSION),
        (b"Lictor-Raft x\n", RefusalCode.MALFORMED),
        (b"L" * 18, RefusalCode.MALFORMED),
        (PREAMBLE + b"\xff\xff\xff\xff", RefusalCode.MALFORMED),
        (PREAMBLE + framed(b"\x80"), RefusalCode.MALFORMED),
        (greeting_bytes(HELLO) + b"\x00", RefusalCode.MALFORMED),
        (greeting_bytes(changed(id="")), RefusalCode.MALFORMED),
    ],
)
def test_what_is_no_greeting_is_refused_with_the_reason(data: bytes, code: RefusalCode) -> None:
    refusal = GreetingReader().feed(data)
    assert isinstance(refusal, Refusal)
    assert refusal.code is code


@pytest.mark.parametrize(
    ("hello", "code"),
    [
        (HELLO, None),
        (changed(cluster_id=""), None),
        (changed(cluster_id="another"), RefusalCode.CLUSTER),
        (changed(datacenter="dc2"), RefusalCode.DATACENTER),
        (changed(expects="somebody"), RefusalCode.STRANGER),
        (changed(id="own"), RefusalCode.SAME_ID),
        (changed(id="own", incarnation="mine"), RefusalCode.STRANGER),
    ],
)
def test_only_who_belongs_here_and_means_this_server_is_taken(hello: Hello, code: RefusalCode | None) -> None:
    refusal = refusal_of(hello, OWN, "mine", frozenset())
    assert (None if refusal is None else refusal.code) is code


def test_a_server_of_no_cluster_takes_servers_of_any() -> None:
    assert refusal_of(HELLO, OWN._replace(cluster_id=""), "mine", frozenset()) is None


def test_a_certificate_that_names_a_node_is_for_that_node_alone() -> None:
    assert refusal_of(HELLO, OWN, "mine", frozenset({"other"})) is None
    refusal = refusal_of(HELLO, OWN, "mine", frozenset({"somebody"}))
    assert refusal is not None
    assert refusal.code is RefusalCode.CERTIFICATE
    flaw = answer_flaw(Answer(id="other", cluster_id=""), "other", OWN, frozenset({"somebody"}))
    assert flaw is not None
    assert flaw.code is RefusalCode.CERTIFICATE


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (Answer(id="other", cluster_id="cluster"), None),
        (Answer(id="other", cluster_id=""), None),
        (Answer(id="other", cluster_id="another"), RefusalCode.CLUSTER),
        (Answer(id="somebody", cluster_id="cluster"), RefusalCode.STRANGER),
        (Answer(id="other", cluster_id="", code="full"), RefusalCode.FULL),
        (Answer(id="other", cluster_id="", code="of tomorrow"), RefusalCode.MALFORMED),
    ],
)
def test_the_answer_is_judged_as_the_hello_is(answer: Answer, code: RefusalCode | None) -> None:
    flaw = answer_flaw(answer, "other", OWN, frozenset())
    assert (None if flaw is None else flaw.code) is code


def test_an_answer_carries_who_answers_and_why_not() -> None:
    refusal = Refusal(RefusalCode.FULL, "too many")
    answer = AnswerReader().feed(answer_bytes(OWN, refusal))
    assert answer == Answer(id="own", cluster_id="cluster", code="full", message="too many", spoken=OWN_PROTOCOL)


LATER = Spoken(minimum=2, maximum=3, program="9.0.0")


def test_servers_that_speak_no_common_protocol_refuse_each_other_with_both_versions() -> None:
    refusal = refusal_of(changed(spoken=LATER), OWN, "mine", frozenset())
    assert refusal is not None
    assert refusal.code is RefusalCode.VERSION
    assert "server n2 speaks protocol 2 to 3 (Lictor 9.0.0), server n1 protocol 1" in refusal.message
    flaw = answer_flaw(Answer(id="other", cluster_id="cluster", spoken=LATER), "other", OWN, frozenset())
    assert flaw is not None
    assert flaw.code is RefusalCode.VERSION
    assert "server n1 speaks protocol 1" in flaw.message


def test_a_hello_that_tells_no_protocol_speaks_the_first() -> None:
    said = msgspec.to_builtins(HELLO)
    del said["spoken"]
    hello = GreetingReader().feed(PREAMBLE + framed(msgspec.msgpack.encode(said)))
    assert isinstance(hello, Hello)
    assert hello.spoken == UNTOLD
    assert refusal_of(hello, OWN, "mine", frozenset()) is None


def test_builds_from_before_the_number_pass_over_it() -> None:
    """They decode a hello into a struct of less fields, and so must every later one."""

    class FormerHello(msgspec.Struct, kw_only=True):
        datacenter: str
        cluster_id: str
        id: str
        name: str
        address: str
        expects: str
        incarnation: str
        returns_call: bool = False

    assert msgspec.msgpack.decode(msgspec.msgpack.encode(changed(spoken=LATER)), type=FormerHello).id == HELLO.id
