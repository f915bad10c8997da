from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lictor_core.errors import BodyTooLargeError, NotFoundError, PeerError
from lictor_core.frames import (
    FRAME_BYTES_MAX,
    GOODBYE,
    GREETING_ID,
    PART_BYTES,
    Frame,
    FrameKind,
    FrameReader,
    encode_frame,
    greeting,
)
from lictor_core.protocol import OWN, UNTOLD, Spoken, read_greeting
from lictor_server.rpc import peer as module
from lictor_server.rpc.peer import Call, Cancel, Foreign, Goodbye, Greet, Peer, Refuse, split


def request(number: int, method: str = "m", payload: bytes = b"") -> bytes:
    return encode_frame(Frame(FrameKind.REQUEST, number, method, payload))


def only(data: bytes) -> Frame:
    (frame,) = FrameReader().feed(data)
    return frame


def test_a_request_becomes_a_call_and_its_reply_carries_its_id() -> None:
    peer = Peer(in_flight_max=8)
    assert peer.receive(request(7, "read", b"x")) == [Call(7, "read", b"x")]
    assert only(peer.reply(7, b"answer")) == Frame(FrameKind.REPLY, 7, "", b"answer")
    assert peer.in_flight == 0


@given(st.lists(st.binary(max_size=20), max_size=6), st.integers(min_value=1, max_value=7))
def test_any_split_of_the_stream_gives_the_same_calls(payloads: list[bytes], size: int) -> None:
    stream = b"".join(request(number, "m", payload) for number, payload in enumerate(payloads))
    peer, events = Peer(in_flight_max=8), list[object]()
    for start in range(0, len(stream), size):
        events += peer.receive(stream[start : start + size])
    assert events == [Call(number, "m", payload) for number, payload in enumerate(payloads)]


def test_an_error_carries_its_code_and_message() -> None:
    peer = Peer(in_flight_max=8)
    peer.receive(request(1))
    assert only(peer.error(1, NotFoundError("gone"))) == Frame(FrameKind.ERROR, 1, "not_found", b"gone")


def test_a_cancelled_request_is_not_answered() -> None:
    peer = Peer(in_flight_max=8)
    peer.receive(request(1))
    cancel = encode_frame(Frame(FrameKind.CANCEL, 1, "", b""))
    assert peer.receive(cancel) == [Cancel(1)]
    assert peer.receive(cancel) == []
    assert peer.reply(1, b"late") == b""
    assert peer.error(1, NotFoundError("late")) == b""


def test_who_closes_on_purpose_says_so() -> None:
    assert Peer(in_flight_max=8).receive(encode_frame(GOODBYE)) == [Goodbye()]


def test_requests_over_the_bound_are_refused_and_others_go_on() -> None:
    peer = Peer(in_flight_max=2)
    peer.receive(request(1) + request(2))
    (refusal,) = peer.receive(request(3))
    assert isinstance(refusal, Refuse)
    assert only(refusal.data).method == "overloaded"
    peer.reply(1, b"")
    assert peer.receive(request(3)) == [Call(3, "m", b"")]


def test_an_id_in_use_ends_the_conversation() -> None:
    peer = Peer(in_flight_max=8)
    peer.receive(request(1))
    with pytest.raises(PeerError, match="twice"):
        peer.receive(request(1))


@pytest.mark.parametrize("kind", [FrameKind.REPLY, FrameKind.ERROR])
def test_a_reply_where_a_request_belongs_ends_the_conversation(kind: FrameKind) -> None:
    with pytest.raises(PeerError, match="only requests"):
        Peer(in_flight_max=8).receive(encode_frame(Frame(kind, 1, "", b"")))


def test_a_result_of_several_parts_is_all_of_it_in_order() -> None:
    answer = bytes(range(250)) * (FRAME_BYTES_MAX // 250 + 3)
    pieces = list(split(answer))
    assert b"".join(pieces) == answer
    assert {len(piece) for piece in pieces[:-1]} == {PART_BYTES}
    assert 0 < len(pieces[-1]) <= PART_BYTES


def test_a_result_over_the_bound_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ANSWER_BYTES_MAX", 10)
    assert list(split(bytes(10))) == [bytes(10)]
    with pytest.raises(BodyTooLargeError, match="11 bytes"):
        split(bytes(11))


def test_parts_come_before_the_reply_and_none_after_it() -> None:
    peer = Peer(in_flight_max=8)
    peer.receive(request(1))
    assert only(peer.part(1, b"a")) == Frame(FrameKind.PART, 1, "", b"a")
    assert only(peer.reply(1, b"b")) == Frame(FrameKind.REPLY, 1, "", b"b")
    assert peer.part(1, b"c") == b""


def test_a_part_too_large_for_a_frame_is_refused_and_the_request_goes_on() -> None:
    peer = Peer(in_flight_max=8)
    peer.receive(request(1))
    with pytest.raises(PeerError, match="over the bound"):
        peer.part(1, b"x" * FRAME_BYTES_MAX)
    assert peer.in_flight == 1


@given(st.binary(max_size=200))
def test_any_bytes_give_events_or_one_error(data: bytes) -> None:
    try:
        events = Peer(in_flight_max=8).receive(data)
    except PeerError:
        return
    assert all(isinstance(event, Call | Cancel | Goodbye | Refuse) for event in events)


LATER = Spoken(minimum=2, maximum=3, program="9.0.0")


def test_who_greets_is_greeted_before_it_is_answered() -> None:
    greet, call = Peer(in_flight_max=8).receive(greeting(LATER_TOO := Spoken(minimum=1, maximum=3)) + request(1))
    assert LATER_TOO.maximum > OWN.maximum
    assert isinstance(greet, Greet)
    answer = only(greet.data)
    assert (answer.kind, answer.id) == (FrameKind.REPLY, GREETING_ID)
    assert read_greeting(answer.payload) == OWN
    assert call == Call(1, "m", b"")


def test_who_does_not_greet_is_served_and_not_greeted() -> None:
    assert Peer(in_flight_max=8).receive(request(1)) == [Call(1, "m", b"")]


def test_a_second_greeting_is_passed_over() -> None:
    peer = Peer(in_flight_max=8)
    peer.receive(greeting(OWN))
    assert peer.receive(greeting(LATER) + request(1)) == [Call(1, "m", b"")]


def test_who_speaks_another_protocol_is_told_so_and_nothing_is_carried_out() -> None:
    (foreign,) = Peer(in_flight_max=8).receive(greeting(LATER) + request(1))
    assert isinstance(foreign, Foreign)
    assert "the caller speaks protocol 2 to 3 (Lictor 9.0.0)" in foreign.reason
    assert f"the server {OWN}" in foreign.reason


def test_a_later_build_refuses_who_does_not_greet() -> None:
    (foreign,) = Peer(in_flight_max=8, own=LATER).receive(request(1))
    assert isinstance(foreign, Foreign)
    assert str(UNTOLD) in foreign.reason


def test_a_greeting_that_is_none_ends_the_conversation() -> None:
    with pytest.raises(PeerError, match="greeting"):
        Peer(in_flight_max=8).receive(encode_frame(Frame(FrameKind.CANCEL, GREETING_ID, "", b"")))
