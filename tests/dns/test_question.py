"""Questions: what is understood, what is refused, and that no bytes are more than that."""

import struct

import dns.edns
import dns.message
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lictor_dns.question import Edns, Question, Refusal, parse
from tests.dns.asking import query

FORMAT_ERROR = 1
NOT_IMPLEMENTED = 4
NAME = b"\x03web\x07service\x06consul\x00"
QUESTION = NAME + b"\x00\x01\x00\x01"
OPT = b"\x00\x00\x29\x04\xd0\x00\x00\x00\x00\x00\x00"


def message(rest: bytes = QUESTION, *, flags: int = 0x0100, counts: tuple[int, int, int, int] = (1, 0, 0, 0)) -> bytes:
    return struct.pack(">6H", 7, flags, *counts) + rest


def refusal_of(data: bytes) -> int | None:
    refused = parse(data)
    assert isinstance(refused, Refusal)
    assert refused.reason
    return refused.code


def test_a_question_keeps_its_name_as_it_was_written() -> None:
    asked = parse(query("WEB.Service.consul", "SRV"))
    assert isinstance(asked, Question)
    assert (asked.labels, asked.type, asked.edns) == ((b"WEB", b"Service", b"consul"), 33, None)
    assert asked.wire == b"\x03WEB\x07Service\x06consul\x00\x00\x21\x00\x01"


def test_rd_and_cd_are_kept_and_no_other_flag() -> None:
    asked = parse(message(flags=0x07FF))
    assert isinstance(asked, Question)
    assert asked.kept_flags == 0x0110


def test_edns_tells_the_payload() -> None:
    asked = parse(query("web.service.consul", payload=1232))
    assert isinstance(asked, Question)
    assert asked.edns == Edns(1232, b"")


def test_a_client_subnet_is_kept() -> None:
    asked = dns.message.make_query("web.service.consul", "A")
    asked.use_edns(0, options=[dns.edns.ECSOption("192.0.2.0", 24)])
    found = parse(asked.to_wire())
    assert isinstance(found, Question)
    assert found.edns is not None
    assert found.edns.client_subnet == bytes.fromhex("00011800c00002")


def test_the_first_of_several_subnets_counts() -> None:
    options = b"\x00\x08\x00\x07\x00\x01\x18\x00\xc0\x00\x02" + b"\x00\x08\x00\x05\x00\x01\x08\x00\x0a"
    found = parse(message(QUESTION + OPT[:-2] + len(options).to_bytes(2, "big") + options, counts=(1, 0, 0, 1)))
    assert isinstance(found, Question)
    assert found.edns == Edns(1232, bytes.fromhex("00011800c00002"))


@pytest.mark.parametrize(
    "data",
    [
        message(counts=(0, 0, 0, 0)),
        message(QUESTION * 2, counts=(2, 0, 0, 0)),
        message(b""),
        message(b"\x03we"),
        message(NAME),
        message(b"\xc0\x0c\x00\x01\x00\x01"),
        message(b"\x40" + b"a" * 64 + b"\x00\x00\x01\x00\x01"),
        message((b"\x3f" + b"a" * 63) * 4 + b"\x00\x00\x01\x00\x01"),
        message(counts=(1, 2, 0, 0)),
        message(counts=(1, 0, 2, 0)),
        message(QUESTION + OPT * 3, counts=(1, 0, 0, 3)),
        message(QUESTION + OPT[:-3], counts=(1, 0, 0, 1)),
        message(QUESTION + OPT[:-2] + b"\x00\x05", counts=(1, 0, 0, 1)),
        message(QUESTION + OPT[:-2] + b"\x00\x04\x00\x03\x00\xff", counts=(1, 0, 0, 1)),
        message(QUESTION + OPT[:-2] + b"\x00\x06\x00\x08\x00\x02\x00\x01", counts=(1, 0, 0, 1)),
        message(QUESTION + OPT[:-2] + b"\x00\x08\x00\x08\x00\x04\x00\x03\x08\x00", counts=(1, 0, 0, 1)),
        message(QUESTION + b"\x80", counts=(1, 0, 0, 1)),
    ],
)
def test_a_malformed_message_is_a_format_error(data: bytes) -> None:
    assert refusal_of(data) == FORMAT_ERROR


def test_a_question_that_was_read_goes_back_with_its_refusal() -> None:
    cut = parse(message(QUESTION + OPT[:-3], counts=(1, 0, 0, 1)))
    assert isinstance(cut, Refusal)
    assert cut.wire == QUESTION
    unread = parse(message(NAME))
    assert isinstance(unread, Refusal)
    assert unread.wire == b""


@pytest.mark.parametrize("opcode", range(1, 16))
def test_only_queries_are_done(opcode: int) -> None:
    assert refusal_of(message(flags=opcode << 11)) == NOT_IMPLEMENTED


@pytest.mark.parametrize("data", [b"", b"x", message(b"")[:11], message(flags=0x8100)])
def test_fragments_and_replies_get_no_reply(data: bytes) -> None:
    assert refusal_of(data) is None


def test_the_longest_name_is_understood() -> None:
    longest = (b"\x3f" + b"a" * 63) * 3 + b"\x3d" + b"a" * 61 + b"\x00"
    assert len(longest) == 255
    assert isinstance(parse(message(longest + b"\x00\x01\x00\x01")), Question)


def test_bytes_after_the_question_do_not_matter() -> None:
    assert parse(message(QUESTION + b"more")) == parse(message())


def test_records_that_are_promised_and_missing_do_not_matter() -> None:
    assert parse(message(counts=(1, 1, 1, 2))) == parse(message())


def test_a_label_may_be_any_bytes() -> None:
    asked = parse(message(b"\x03\xff.\x00\x00\x00\x01\x00\x01"))
    assert isinstance(asked, Question)
    assert asked.labels == (b"\xff.\x00",)


@given(data=st.binary(max_size=600))
def test_any_bytes_are_a_question_or_a_refusal(data: bytes) -> None:
    assert isinstance(parse(data), Question | Refusal)


@given(head=st.binary(min_size=12, max_size=12), rest=st.binary(max_size=200), cut=st.integers(0, 60))
def test_any_change_of_a_query_is_a_question_or_a_refusal(head: bytes, rest: bytes, cut: int) -> None:
    real = query("v1.web.service.consul", "SRV", payload=1232)
    for data in (
        real[:cut] + rest,
        message(rest, counts=(1, 1, 1, 2)),
        head[:2] + b"\x01\x00\x00\x01" + head[6:] + rest,
    ):
        assert isinstance(parse(data), Question | Refusal)
