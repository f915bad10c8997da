from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lictor_core.errors import (
    BodyTooLargeError,
    IncompatibleError,
    NotFoundError,
    OverloadedError,
    PeerError,
    UnreachableError,
)
from lictor_core.frames import (
    FRAME_BYTES_MAX,
    GREETING_ID,
    Frame,
    FrameKind,
    FrameReader,
    encode_frame,
    greeting_back,
)
from lictor_core.protocol import OWN, Spoken, read_greeting
from lictor_server.rpc import caller as module
from lictor_server.rpc.caller import Answered, Arrived, Caller, Failed, Refused


def reply(number: int, payload: bytes = b"") -> bytes:
    return encode_frame(Frame(FrameKind.REPLY, number, "", payload))


def failure(number: int, code: str, message: str = "why") -> bytes:
    return encode_frame(Frame(FrameKind.ERROR, number, code, message.encode()))


def asked(count: int) -> Caller:
    caller = Caller(in_flight_max=8)
    for number in range(1, count + 1):
        assert caller.request("m", b"")[0] == number
    return caller


def test_a_request_carries_its_method_and_payload() -> None:
    number, data = Caller(in_flight_max=8).request("read", b"x")
    assert FrameReader().feed(data) == [Frame(FrameKind.REQUEST, number, "read", b"x")]


@given(st.permutations([1, 2, 3]), st.integers(1, 7))
def test_answers_in_any_order_and_any_split_reach_their_requests(order: list[int], size: int) -> None:
    caller, events = asked(3), list[object]()
    stream = b"".join(reply(number, bytes([number])) for number in order)
    for start in range(0, len(stream), size):
        events += caller.receive(stream[start : start + size])
    assert events == [Answered(number, bytes([number])) for number in order]
    assert caller.in_flight == 0


def test_an_error_comes_back_as_what_it_was() -> None:
    (event,) = asked(1).receive(failure(1, "not_found", "gone"))
    assert isinstance(event, Failed)
    assert (type(event.error), str(event.error)) == (NotFoundError, "gone")


def test_the_answer_to_a_cancelled_request_is_dropped() -> None:
    caller = asked(1)
    assert FrameReader().feed(caller.cancel(1)) == [Frame(FrameKind.CANCEL, 1, "", b"")]
    assert caller.cancel(1) == b""
    assert caller.receive(reply(1)) == []


def part(number: int, payload: bytes) -> bytes:
    return encode_frame(Frame(FrameKind.PART, number, "", payload))


def test_the_parts_of_an_answer_are_joined_however_they_mix_with_others() -> None:
    caller = asked(2)
    assert caller.receive(part(1, b"a") + part(2, b"x") + part(1, b"b")) == []
    assert caller.receive(reply(1, b"c")) == [Answered(1, b"abc")]
    assert caller.receive(reply(2, b"y")) == [Answered(2, b"xy")]


def test_the_parts_of_a_stream_are_its_items_until_the_reply() -> None:
    caller = Caller(in_flight_max=8)
    number, _ = caller.request("m", b"", is_stream=True)
    assert caller.receive(part(number, b"a") + part(number, b"")) == [Arrived(number, b"a"), Arrived(number, b"")]
    assert caller.in_flight == 1
    assert caller.receive(reply(number)) == [Answered(number, b"")]
    assert caller.in_flight == 0


def test_parts_of_a_cancelled_request_are_dropped_and_its_error_after_parts_is_told() -> None:
    caller = asked(2)
    caller.receive(part(1, b"a") + part(2, b"a"))
    caller.cancel(1)
    assert caller.receive(part(1, b"b")) == []
    (event,) = caller.receive(failure(2, "overloaded"))
    assert isinstance(event, Failed)


def test_an_answer_over_the_bound_ends_the_conversation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ANSWER_BYTES_MAX", 3)
    caller = asked(1)
    assert caller.receive(part(1, b"ab")) == []
    with pytest.raises(PeerError, match="over the bound"):
        caller.receive(part(1, b"cd"))


def test_requests_over_the_bound_are_not_asked() -> None:
    caller = asked(8)
    with pytest.raises(OverloadedError):
        caller.request("m", b"")
    caller.receive(reply(1))
    assert caller.request("m", b"")[0] == 9


def test_a_request_too_large_for_a_frame_is_not_asked_and_harms_no_other() -> None:
    caller = asked(1)
    with pytest.raises(BodyTooLargeError):
        caller.request("m", bytes(FRAME_BYTES_MAX))
    assert caller.in_flight == 1
    assert caller.request("m", b"")[0] == 2


@pytest.mark.parametrize(
    "data",
    [
        reply(0),
        reply(2),
        encode_frame(Frame(FrameKind.REQUEST, 1, "m", b"")),
        encode_frame(Frame(FrameKind.CANCEL, 1, "", b"")),
        b"\xff" * 8,
    ],
    ids=["id 0", "never asked", "a request", "a cancel", "no frame"],
)
def test_what_no_server_sends_ends_the_conversation(data: bytes) -> None:
    with pytest.raises(PeerError):
        asked(1).receive(data)


@pytest.mark.parametrize(
    ("code", "kind"), [("overloaded", OverloadedError), ("unauthenticated", UnreachableError), ("x", UnreachableError)]
)
def test_a_refused_connection_says_that_nothing_was_done(code: str, kind: type[Exception]) -> None:
    (event,) = asked(1).receive(failure(0, code))
    assert isinstance(event, Refused)
    assert type(event.error) is kind
    assert event.error.definite


@given(st.binary(max_size=200))
def test_any_bytes_give_events_or_one_error(data: bytes) -> None:
    try:
        events = asked(3).receive(data)
    except PeerError:
        return
    assert all(isinstance(event, Answered | Arrived | Failed | Refused) for event in events)


LATER = Spoken(minimum=2, maximum=3, program="9.0.0")


def test_a_caller_says_first_what_it_speaks_in_a_frame_that_others_pass_over() -> None:
    (frame,) = FrameReader().feed(Caller(in_flight_max=8).greeting())
    assert (frame.kind, frame.id) == (FrameKind.CANCEL, GREETING_ID)
    assert read_greeting(frame.payload) == OWN


def test_a_server_that_greets_back_is_heard_as_one_that_does_not() -> None:
    assert asked(1).receive(greeting_back(OWN) + reply(1)) == [Answered(1, b"")]
    assert asked(1).receive(reply(1)) == [Answered(1, b"")]


def test_a_server_that_greets_twice_is_no_server() -> None:
    with pytest.raises(PeerError, match="never asked"):
        asked(1).receive(greeting_back(OWN) + greeting_back(OWN))


def test_a_server_of_another_protocol_is_left() -> None:
    with pytest.raises(IncompatibleError, match=r"caller speaks protocol 1 .*server protocol 2 to 3 \(Lictor 9.0.0\)"):
        asked(1).receive(greeting_back(LATER) + reply(1))


def test_a_server_that_does_not_greet_is_left_by_a_later_build() -> None:
    caller = Caller(in_flight_max=8, own=LATER)
    caller.request("m", b"")
    with pytest.raises(IncompatibleError, match="upgrade the server"):
        caller.receive(reply(1))


def test_a_refusal_for_the_protocol_says_that_nothing_was_done() -> None:
    (event,) = asked(1).receive(failure(0, "incompatible_version", "too old"))
    assert isinstance(event, Refused)
    assert isinstance(event.error, IncompatibleError)
    assert event.error.definite
    assert str(event.error) == "the server refused: too old"
