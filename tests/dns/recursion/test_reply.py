"""Replies of recursors: which are replies to what was asked, which can be read, and what stands in them."""

from __future__ import annotations

import contextlib

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lictor_dns.answer import Address, Record, RecordType, Target
from lictor_dns.names import parse_ip
from lictor_dns.protocol import question_wire
from lictor_dns.recursion.reply import BrokenReplyError, Reply, addresses_in, fitted, read_reply
from tests.dns.asking import name, query, texts
from tests.dns.asking import text as parsed

ID = 0x1234
HOST = name("host.example.com")
WIRE = question_wire(HOST, RecordType.A)


def reply_of(*records: str, asked: str = "host.example.com", kind: str = "A") -> bytes:
    """A reply with these records, each written `owner TTL IN type data`."""
    message = dns.message.make_response(dns.message.make_query(asked, kind, id=ID))
    for record in records:
        owner, ttl, _, its_kind, data = record.split(" ", 4)
        message.answer.append(dns.rrset.from_text(owner, int(ttl), "IN", its_kind, data))
    return message.to_wire()


def read(message: bytes) -> Reply:
    reply = read_reply(message, ID, WIRE)
    assert reply is not None
    return reply


def found(*records: str, kind: RecordType = RecordType.A) -> list[str]:
    """The addresses in a reply with these records, as texts."""
    wire = question_wire(HOST, kind)
    reply = read_reply(reply_of(*records, kind=kind.name), ID, wire)
    assert reply is not None
    return [_text(record) for record in addresses_in(reply, HOST, kind)]


def _text(record: Record) -> str:
    match record.data:
        case Address(ip):
            data = str(ip)
        case Target(target):
            data = b".".join(target).decode()
        case _:
            raise AssertionError(record)
    return f"{b'.'.join(record.name).decode()} {record.ttl} {record.type.name} {data}"


ONE = reply_of("host.example.com. 300 IN A 203.0.113.7")


def test_the_question_that_is_made_is_what_others_make() -> None:
    assert query("host.example.com")[12:] == WIRE


def test_a_reply_is_handed_on_as_it_came() -> None:
    reply = read(ONE)
    assert reply == Reply(ONE, 0, is_truncated=False)
    assert reply.is_answer


@pytest.mark.parametrize(
    "message",
    [
        b"",
        ONE[:11],
        b"\x12\x35" + ONE[2:],
        ONE[:2] + b"\x01\x00" + ONE[4:],  # a query
        ONE[:2] + b"\xa1\x80" + ONE[4:],  # NOTIFY
        ONE[:4] + b"\0\2" + ONE[6:],
        reply_of(asked="other.example.com"),
        reply_of(kind="AAAA"),
        reply_of(asked="host.example.co"),
        b"\x12\x34\x81\x80" + bytes(8),  # no question, and nothing went wrong
    ],
)
def test_what_is_no_reply_to_the_question_is_none(message: bytes) -> None:
    assert read_reply(message, ID, WIRE) is None


def test_the_type_is_not_taken_for_a_letter() -> None:
    wire = question_wire(HOST, 65)
    message = wire[:-3] + b"a" + wire[-2:]
    assert read_reply(ONE[:12] + message, ID, wire) is None


def test_the_question_comes_back_in_the_case_in_which_it_was_asked() -> None:
    asked = question_wire(name("HoSt.example.com"), RecordType.A)
    reply = read_reply(ONE, ID, asked)
    assert reply is not None
    assert str(parsed(reply.message).question[0].name) == "HoSt.example.com."


@pytest.mark.parametrize(("code", "is_answer"), [("NXDOMAIN", True), ("SERVFAIL", False), ("REFUSED", False)])
def test_only_what_says_something_of_the_name_is_an_answer(code: str, *, is_answer: bool) -> None:
    message = dns.message.make_response(dns.message.make_query("host.example.com", "A", id=ID))
    message.set_rcode(dns.rcode.from_text(code))
    assert read(message.to_wire()).is_answer is is_answer


def test_a_header_alone_may_refuse() -> None:
    reply = read(b"\x12\x34\x81\x85" + bytes(8))
    assert (reply.code, reply.is_answer) == (5, False)


@pytest.mark.parametrize("cut", [1, 4, 5, 12, 15])
def test_a_reply_that_ends_early_is_broken(cut: int) -> None:
    with pytest.raises(BrokenReplyError):
        read_reply(ONE[:-cut], ID, WIRE)


@pytest.mark.parametrize("cut", [1, 4, 5, 12, 15])
def test_a_truncated_reply_that_ends_early_says_just_that_there_is_more(cut: int) -> None:
    reply = read(ONE[:2] + b"\x83" + ONE[3:-cut])
    assert reply.is_truncated
    assert texts(reply.message) == []
    assert str(parsed(reply.message).question[0].name) == "host.example.com."


def test_what_follows_the_records_is_left_out() -> None:
    assert read(ONE + b"more").message == ONE


@pytest.mark.parametrize("place", [len(ONE) - 16, 0x3FFF])
def test_a_name_that_points_to_itself_or_ahead_is_broken(place: int) -> None:
    pointer = (0xC000 | place).to_bytes(2)
    with pytest.raises(BrokenReplyError):
        read_reply(ONE[:-16] + pointer + ONE[-14:], ID, WIRE)


def test_a_long_chain_of_pointers_ends() -> None:
    body = bytearray(ONE[:12] + WIRE)
    body[6:8] = (2000).to_bytes(2)
    place = 12
    for _ in range(2000):
        start = len(body)
        body += (0xC000 | place).to_bytes(2) + b"\0\1\0\1\0\0\0\0\0\0"
        place = start if start < 0x3FFF else 12
    reply = read_reply(bytes(body), ID, WIRE)
    assert reply is not None
    with pytest.raises(BrokenReplyError):
        addresses_in(reply, HOST, RecordType.A)


def test_an_alias_that_goes_round_in_circles_is_broken() -> None:
    link = bytearray(reply_of("host.example.com. 7 IN CNAME gone.test."))
    place = len(link) - len(b"\4gone\4test\0")
    link[place:] = (0xC000 | place).to_bytes(2) + b"one\4test\0"
    reply = read(bytes(link))
    with pytest.raises(BrokenReplyError):
        addresses_in(reply, HOST, RecordType.A)


def test_a_name_that_is_too_long_with_what_it_points_to_is_broken() -> None:
    body = bytearray(ONE[:12] + WIRE)
    body[6:8] = (5).to_bytes(2)
    place = 12
    for _ in range(5):
        start = len(body)
        body += b"\x3f" + 63 * b"a" + (0xC000 | place).to_bytes(2) + b"\0\1\0\1\0\0\0\0\0\0"
        place = start
    with pytest.raises(BrokenReplyError, match="too long"):
        read_reply(bytes(body), ID, WIRE)


def test_addresses_of_the_host_are_found_with_their_times_to_live() -> None:
    assert found("host.example.com. 300 IN A 203.0.113.7", "host.example.com. 60 IN A 203.0.113.8") == [
        "host.example.com 300 A 203.0.113.7",
        "host.example.com 60 A 203.0.113.8",
    ]
    assert found("host.example.com. 5 IN AAAA 2001:db8::7", kind=RecordType.AAAA) == [
        "host.example.com 5 AAAA 2001:db8::7"
    ]


def test_aliases_lead_to_addresses_in_whatever_order_they_stand() -> None:
    assert found(
        "end.example.com. 9 IN A 203.0.113.9",
        "middle.example.com. 8 IN CNAME end.example.com.",
        "host.example.com. 7 IN CNAME middle.example.com.",
    ) == [
        "host.example.com 7 CNAME middle.example.com",
        "middle.example.com 8 CNAME end.example.com",
        "end.example.com 9 A 203.0.113.9",
    ]


def test_records_of_names_that_nobody_asked_for_are_left_out() -> None:
    assert found("host.example.com. 300 IN A 203.0.113.7", "bank.example.com. 300 IN A 203.0.113.66") == [
        "host.example.com 300 A 203.0.113.7"
    ]


def test_an_alias_of_itself_ends() -> None:
    assert found("host.example.com. 7 IN CNAME host.example.com.") == ["host.example.com 7 CNAME host.example.com"]


def test_a_name_that_is_not_there_has_no_addresses_and_an_alias_of_it_is_one() -> None:
    message = ONE[:3] + b"\x83" + ONE[4:]
    assert addresses_in(read(message), HOST, RecordType.A) == []
    link = reply_of("host.example.com. 7 IN CNAME gone.example.com.")
    assert len(addresses_in(read(link[:3] + b"\x83" + link[4:]), HOST, RecordType.A)) == 1


def test_a_reply_that_fits_is_given_and_a_longer_one_says_that_there_is_more() -> None:
    reply = read(ONE)
    assert fitted(reply, WIRE, len(ONE)) == ONE
    short = fitted(reply, WIRE, len(ONE) - 1)
    assert len(short) == 12 + len(WIRE)
    assert parsed(short).flags & dns.flags.TC
    assert short[:2] == ONE[:2]
    assert texts(short) == []


def test_a_reply_that_is_cut_keeps_what_it_says_by_edns() -> None:
    message = dns.message.make_response(dns.message.make_query("host.example.com", "A", id=ID, use_edns=0))
    message.answer.append(dns.rrset.from_text("host.example.com.", 1, "IN", "A", "203.0.113.7"))
    message.use_edns(0, payload=1400)
    reply = read(message.to_wire())
    assert parsed(fitted(reply, WIRE, 50)).payload == 1400
    assert parsed(fitted(reply, WIRE, 512)).payload == 1400


@given(st.binary(max_size=600))
def test_any_bytes_are_a_reply_or_none_or_broken(message: bytes) -> None:
    for whole in (message, ONE[:12] + WIRE + message, ONE[:6] + b"\0\7" + ONE[8:12] + WIRE + message):
        with contextlib.suppress(BrokenReplyError):
            reply = read_reply(whole, ID, WIRE)
            if reply is not None:
                assert reply.message[:2] == whole[:2]
                addresses_in(reply, HOST, RecordType.A)


@given(st.lists(st.sampled_from(["A", "AAAA", "CNAME"]), max_size=8), st.data())
def test_what_a_library_writes_is_read(kinds: list[str], data: st.DataObject) -> None:
    records = [f"host.example.com. {data.draw(st.integers(0, 2**31 - 1))} IN {kind} {_DATA[kind]}" for kind in kinds]
    reply = read(reply_of(*records))
    assert texts(reply.message) == texts(reply_of(*records))
    expected = [] if "CNAME" in kinds else [parse_ip(_DATA["A"])] * kinds.count("A")
    given_ips = [one.data.ip for one in addresses_in(reply, HOST, RecordType.A) if isinstance(one.data, Address)]
    assert given_ips == expected


_DATA = {"A": "203.0.113.7", "AAAA": "2001:db8::7", "CNAME": "end.example.com."}
