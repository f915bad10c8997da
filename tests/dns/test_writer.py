"""Bytes as a library writes and reads them: every name found again, nothing of a record that did not fit."""

import ipaddress
import socket

import dns.inet
import dns.message
from hypothesis import given
from hypothesis import strategies as st

from lictor_dns.answer import Address, Data, Record, RecordType, Soa, Srv, Target, Text
from lictor_dns.names import Labels
from lictor_dns.writer import Writer

WEB: Labels = (b"web", b"service", b"consul")
QUESTION = b"\x03web\x07service\x06consul\0\0\x01\0\x01"
LABELS = st.lists(st.sampled_from([b"a", b"B", b"b", b"web", b"service", b"consul", b"x" * 63]), max_size=3).map(tuple)
NAMES = st.one_of(LABELS, LABELS.map(lambda labels: (*labels, b"node", b"consul")))
SECONDS = st.integers(0, 2**31 - 1)
SHORTS = st.integers(0, 65535)


def record_of(name: Labels, ttl: int, kind: tuple[RecordType, Data]) -> Record:
    return Record(name, kind[0], ttl, kind[1])


def records() -> st.SearchStrategy[Record]:
    words = st.integers(0, 2**32 - 1)
    kinds: list[st.SearchStrategy[tuple[RecordType, Data]]] = [
        st.ip_addresses(v=4).map(lambda ip: (RecordType.A, Address(ip))),
        st.ip_addresses(v=6).map(lambda ip: (RecordType.AAAA, Address(ip))),
        NAMES.map(lambda name: (RecordType.CNAME, Target(name))),
        st.builds(Srv, SHORTS, SHORTS, SHORTS, NAMES).map(lambda srv: (RecordType.SRV, srv)),
        st.lists(st.sampled_from([b"", b"rack=1", b"x" * 255]), min_size=1, max_size=2).map(
            lambda s: (RecordType.TXT, Text(tuple(s)))
        ),
        st.builds(Soa, NAMES, NAMES, words, SECONDS, SECONDS, SECONDS, SECONDS).map(lambda soa: (RecordType.SOA, soa)),
    ]
    return st.builds(record_of, NAMES, SECONDS, st.one_of(kinds))


def message_of(writer: Writer, answers: int) -> bytes:
    writer.message[2:12] = b"\x80\0\0\x01" + answers.to_bytes(2, "big") + bytes(4)
    return bytes(writer.message)


def as_text(record: Record) -> str:
    """`record` as dnspython writes it."""
    data = record.data
    match data:
        case Address(ip):
            shown = dns.inet.inet_ntop(socket.AF_INET if ip.version == 4 else socket.AF_INET6, ip.packed)
        case Target(target):
            shown = text_of(target)
        case Srv():
            shown = f"{data.priority} {data.weight} {data.port} {text_of(data.target)}"
        case Text(strings):
            shown = " ".join(f'"{string.decode()}"' for string in strings)
        case Soa():
            names = f"{text_of(data.primary)} {text_of(data.mailbox)}"
            shown = f"{names} {data.serial} {data.refresh} {data.retry} {data.expire} {data.minimum}"
    return f"{text_of(record.name)} {record.ttl} IN {record.type.name} {shown}"


def text_of(labels: Labels) -> str:
    return b".".join(labels).decode() + "."


@given(wanted=st.lists(records(), max_size=20), compress=st.booleans())
def test_a_library_reads_what_was_written(wanted: list[Record], compress: bool) -> None:
    writer = Writer(QUESTION, WEB, 65535, compress=compress)
    assert writer.add(wanted) == len(wanted)
    read = dns.message.from_wire(message_of(writer, len(wanted)), one_rr_per_rrset=True)
    assert [str(rrset) for rrset in read.answer] == [as_text(record) for record in wanted]


@given(wanted=st.lists(records(), max_size=40))
def test_with_compression_the_same_records_are_read(wanted: list[Record]) -> None:
    plain, short = (Writer(QUESTION, WEB, 65535, compress=compress) for compress in (False, True))
    for writer in (plain, short):
        assert writer.add(wanted) == len(wanted)
    read = [dns.message.from_wire(message_of(writer, len(wanted)), one_rr_per_rrset=True) for writer in (plain, short)]
    assert [str(rrset) for rrset in read[1].answer] == [str(rrset) for rrset in read[0].answer]
    assert len(short.message) <= len(plain.message)


@given(wanted=st.lists(records(), min_size=1, max_size=20), bytes_max=st.integers(40, 700))
def test_what_does_not_fit_leaves_nothing_behind_that_names_could_point_to(
    wanted: list[Record], bytes_max: int
) -> None:
    writer = Writer(QUESTION, WEB, bytes_max, compress=True)
    given_count = writer.add(wanted)
    rest = writer.add(wanted[given_count + 1 :])
    assert len(writer.message) <= bytes_max
    expected = [*wanted[:given_count], *wanted[given_count + 1 :][:rest]]
    whole = Writer(QUESTION, WEB, 65535, compress=False)
    whole.add(expected)
    read = [dns.message.from_wire(message_of(each, len(expected)), one_rr_per_rrset=True) for each in (writer, whole)]
    assert [str(rrset) for rrset in read[0].answer] == [str(rrset) for rrset in read[1].answer]


def test_far_into_a_message_only_near_names_are_pointed_to() -> None:
    writer = Writer(QUESTION, WEB, 65535, compress=True)
    far = Record((b"far", b"node", b"consul"), RecordType.A, 0, Address(ipaddress.ip_address("10.0.0.1")))
    filling = [Record(WEB, RecordType.TXT, 0, Text((bytes(255),)))] * 70
    assert writer.add([*filling, far, far]) == 72
    read = dns.message.from_wire(message_of(writer, 72), one_rr_per_rrset=True)
    assert [str(rrset.name) for rrset in read.answer[-2:]] == ["far.node.consul."] * 2
    # Both write their first label, since the first of them stands too far off; `consul` is known from the question.
    assert bytes(writer.message).count(b"\x03far\x04node\xc0") == 2


def test_a_known_name_takes_two_bytes() -> None:
    writer = Writer(QUESTION, WEB, 65535, compress=True)
    before = len(writer.message)
    writer.add([Record(WEB, RecordType.A, 0, Address(ipaddress.ip_address("10.0.0.1")))])
    assert len(writer.message) - before == 16
