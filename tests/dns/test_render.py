"""Bytes: what a client takes is never exceeded, and what it loses is lost in the right order."""

import ipaddress

import dns.edns
import dns.message
import dns.rcode
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lictor_dns.answer import Address, Answer, Record, RecordType, Result, Soa, Srv, Target, Text
from lictor_dns.names import Labels
from lictor_dns.protocol import MESSAGE_BYTES_MAX, UDP_BYTES_MIN
from lictor_dns.question import Question, Refusal, parse
from lictor_dns.render import UDP_BYTES_MAX, Limits, limits_for, render, render_refusal
from lictor_dns.settings import DnsSettings
from tests.dns.asking import flags_of, name, question, text, texts

WEB = name("web.service.consul")
WIDE = Limits(MESSAGE_BYTES_MAX, MESSAGE_BYTES_MAX, compress=True, mark_truncated=False)


def address(number: int, owner: Labels = WEB) -> Record:
    return Record(owner, RecordType.A, 0, Address(ipaddress.ip_address(0x0A000000 + number)))


def instances(count: int) -> Answer:
    """SRV answers, each with the address and metadata of its target."""
    targets = [name(f"node-{number}.node.dc1.consul") for number in range(count)]
    return Answer(
        result=Result.FOUND,
        interchangeable=True,
        answers=tuple(Record(WEB, RecordType.SRV, 0, Srv(1, 1, 80, target)) for target in targets),
        attached=tuple(
            (address(number, target), Record(target, RecordType.TXT, 0, Text((b"rack=1",))))
            for number, target in enumerate(targets)
        ),
    )


def test_every_type_of_record_is_written_as_others_read_it() -> None:
    target = name("n1.node.dc1.consul")
    records = (
        address(1),
        Record(WEB, RecordType.AAAA, 1, Address(ipaddress.ip_address("2001:db8::1"))),
        Record(WEB, RecordType.CNAME, 2, Target(target)),
        Record(WEB, RecordType.NS, 3, Target(target)),
        Record(WEB, RecordType.PTR, 4, Target(target)),
        Record(WEB, RecordType.SRV, 5, Srv(1, 2, 65535, target)),
        Record(WEB, RecordType.TXT, 6, Text((b"a" * 255, b'"b'))),
        Record(WEB, RecordType.SOA, 7, Soa(target, target, 2**32 - 1, 2, 3, 4, 5)),
    )
    message = render(question("web.service.consul"), Answer(result=Result.FOUND, answers=records), WIDE)
    assert texts(message) == [
        "web.service.consul. 0 IN A 10.0.0.1",
        "web.service.consul. 1 IN AAAA 2001:db8::1",
        "web.service.consul. 2 IN CNAME n1.node.dc1.consul.",
        "web.service.consul. 3 IN NS n1.node.dc1.consul.",
        "web.service.consul. 4 IN PTR n1.node.dc1.consul.",
        "web.service.consul. 5 IN SRV 1 2 65535 n1.node.dc1.consul.",
        f'web.service.consul. 6 IN TXT "{"a" * 255}" "\\"b"',
        "web.service.consul. 7 IN SOA n1.node.dc1.consul. n1.node.dc1.consul. 4294967295 2 3 4 5",
    ]


@pytest.mark.parametrize(
    ("result", "code", "flags"),
    [
        (Result.FOUND, "NOERROR", {"QR", "AA", "RD"}),
        (Result.NO_DATA, "NOERROR", {"QR", "AA", "RD"}),
        (Result.NO_NAME, "NXDOMAIN", {"QR", "AA", "RD"}),
        (Result.NOT_OFFERED, "NOTIMP", {"QR", "AA", "RD"}),
        (Result.REFUSED, "REFUSED", {"QR", "RD"}),
        (Result.FAILED, "SERVFAIL", {"QR", "AA", "RD"}),
    ],
)
def test_a_result_has_its_code_and_flags(result: Result, code: str, flags: set[str]) -> None:
    message = render(question("web.service.consul"), Answer(result=result), WIDE)
    assert dns.rcode.to_text(text(message).rcode()) == code
    assert flags_of(message) == flags


def test_what_others_are_asked_about_is_not_said_with_authority() -> None:
    answer = Answer(result=Result.FAILED, recursion_available=True, authoritative=False)
    assert flags_of(render(question("1.0.0.10.in-addr.arpa", "PTR"), answer, WIDE)) == {"QR", "RD", "RA"}


def test_edns_is_answered_with_the_clients_payload() -> None:
    asked = question("web.service.consul", payload=1400)
    found = text(render(asked, Answer(result=Result.NO_NAME), WIDE))
    assert (found.edns, found.payload, found.ednsflags) == (0, 1400, 0)


def test_a_refused_question_gets_no_edns_back() -> None:
    asked = question("web.service.consul", payload=1400)
    assert text(render(asked, Answer(result=Result.REFUSED), WIDE)).edns == -1


def test_a_client_subnet_comes_back_for_everybody() -> None:
    sent = dns.message.make_query("web.service.consul", "A")
    sent.use_edns(0, options=[dns.edns.ECSOption("192.0.2.0", 24, 24)])
    asked = parse(sent.to_wire())
    assert isinstance(asked, Question)
    message = text(render(asked, Answer(result=Result.FOUND, answers=(address(1),)), WIDE))
    assert "ECS 192.0.2.0/24 scope/0" in message.to_text()


def test_a_client_subnet_comes_back_for_itself_where_others_may_get_another_answer() -> None:
    sent = dns.message.make_query("near.query.consul", "A")
    sent.use_edns(0, options=[dns.edns.ECSOption("192.0.2.0", 24, 0)])
    asked = parse(sent.to_wire())
    assert isinstance(asked, Question)
    message = text(render(asked, Answer(result=Result.FOUND, answers=(address(1),), scoped=True), WIDE))
    assert "ECS 192.0.2.0/24 scope/24" in message.to_text()


@pytest.mark.parametrize(
    ("payload", "is_udp", "bytes_max", "answers_max"),
    [
        (None, True, UDP_BYTES_MIN, 3),
        (100, True, UDP_BYTES_MIN, 3),
        (512, True, UDP_BYTES_MIN, 3),
        (513, True, 513, MESSAGE_BYTES_MAX),
        (65535, True, UDP_BYTES_MAX, MESSAGE_BYTES_MAX),
        (None, False, MESSAGE_BYTES_MAX, MESSAGE_BYTES_MAX),
        (512, False, MESSAGE_BYTES_MAX, MESSAGE_BYTES_MAX),
    ],
)
def test_limits_go_with_transport_and_payload(
    payload: int | None, is_udp: bool, bytes_max: int, answers_max: int
) -> None:
    limits = limits_for(question("web.service.consul", payload=payload), DnsSettings(), is_udp=is_udp)
    assert (limits.bytes_max, limits.answers_max) == (bytes_max, answers_max)
    assert limits.records_max == min(answers_max, bytes_max // 16) + 1


@pytest.mark.parametrize(("limit", "answers_max"), [(0, 0), (5, 5), (8, 8), (20, 8)])
def test_small_answers_have_at_most_eight_instances(limit: int, answers_max: int) -> None:
    limits = limits_for(question("web.service.consul"), DnsSettings(udp_answer_limit=limit), is_udp=True)
    assert limits.answers_max == answers_max


def test_instances_are_limited_and_other_answers_are_not() -> None:
    many = Answer(result=Result.FOUND, answers=tuple(address(number) for number in range(9)))
    few = Limits(512, 3, compress=True, mark_truncated=False)
    asked = question("web.service.consul")
    assert len(texts(render(asked, many, few))) == 9
    assert len(texts(render(asked, instances(9), few))) == 3
    assert len(texts(render(asked, instances(9), few), "additional")) == 6


def test_a_full_message_loses_texts_then_addresses_then_answers() -> None:
    asked = question("web.service.consul", "SRV")
    lost: list[tuple[int, int, int]] = []
    for bytes_max in range(1200, 100, -25):
        message = render(asked, instances(10), WIDE._replace(bytes_max=bytes_max))
        additional = texts(message, "additional")
        metadata = sum(" TXT " in record for record in additional)
        lost.append((len(texts(message)), len(additional) - metadata, metadata))
    assert lost[0] == (10, 10, 10)
    assert lost == sorted(lost, reverse=True)
    for answers, addresses, metadata in lost:
        assert answers == 10 or addresses <= 2  # the room that no further answer fitted in
        assert addresses == 10 or metadata <= 1
    assert lost[-1][0] >= 1


def test_what_belongs_to_a_lost_answer_is_lost_with_it() -> None:
    message = render(question("web.service.consul", "SRV"), instances(40), Limits(4096, 3, True, False))
    targets = {record.split()[-1] for record in texts(message)}
    assert {record.split()[0] for record in texts(message, "additional")} == targets


@pytest.mark.parametrize(("mark", "flag"), [(True, {"TC"}), (False, set[str]())])
def test_truncation_is_marked_only_where_it_is_set(mark: bool, flag: set[str]) -> None:
    asked = question("web.service.consul", "SRV")
    limits = Limits(512, 3, compress=True, mark_truncated=mark)
    assert flags_of(render(asked, instances(9), limits)) & {"TC"} == flag
    assert "TC" not in flags_of(render(asked, instances(3), limits))


def test_a_limit_of_no_instances_sends_clients_to_tcp() -> None:
    message = render(question("web.service.consul"), instances(2), Limits(512, 0, compress=True, mark_truncated=False))
    assert texts(message) == texts(message, "additional") == []
    assert "TC" in flags_of(message)


def test_a_client_that_could_be_given_no_instance_is_told() -> None:
    label = "x" * 63
    owner = name(f"{label}.{label}.{label}.service.consul")
    target = name(f"{'y' * 63}.{'y' * 63}.{'y' * 63}.node.dc1.consul")
    answer = Answer(result=Result.FOUND, answers=(Record(owner, RecordType.SRV, 0, Srv(1, 1, 80, target)),))
    asked = question(f"{label}.{label}.{label}.service.consul", "SRV")
    message = render(asked, answer, WIDE._replace(bytes_max=400))
    assert texts(message) == []
    assert "TC" in flags_of(message)


def test_a_tcp_answer_over_64_kib_is_trimmed() -> None:
    message = render(question("web.service.consul", "SRV"), instances(2500), WIDE)
    assert 60_000 < len(message) <= MESSAGE_BYTES_MAX
    assert 1_000 < len(texts(message)) < 2500


def test_far_names_are_still_compressed_where_a_pointer_reaches() -> None:
    many = Answer(result=Result.FOUND, answers=tuple(address(number) for number in range(4000)))
    message = render(question("web.service.consul"), many, WIDE)
    assert len(message) == 12 + 24 + 4000 * 16
    assert len(texts(message)) == 4000


def test_names_beyond_the_reach_of_a_pointer_are_not_pointed_to() -> None:
    message = render(question("web.service.consul", "SRV"), instances(800), WIDE)
    targets = [record.split()[-1] for record in texts(message)]
    addresses = [record for record in texts(message, "additional") if " A " in record]
    assert [record.split()[0] for record in addresses] == targets


def test_nothing_points_into_what_was_cut() -> None:
    long, short = name(f"{'y' * 60}.node.dc1.consul"), address(1, name(f"{'y' * 60}.node.dc1.consul"))
    answer = Answer(
        result=Result.FOUND,
        answers=(address(2), Record(WEB, RecordType.SRV, 0, Srv(1, 1, 80, long))),
        additional=(short,),
    )
    asked = question("web.service.consul")
    room = len(render(asked, Answer(result=Result.FOUND, answers=(address(2),), additional=(short,)), WIDE))
    message = render(asked, answer, WIDE._replace(bytes_max=room))
    assert len(texts(message)) == 1
    assert texts(message, "additional") == [f"{'y' * 60}.node.dc1.consul. 0 IN A 10.0.0.1"]


@given(bytes_max=st.integers(40, 700))
def test_no_limit_is_exceeded_by_a_byte(bytes_max: int) -> None:
    message = render(question("web.service.consul", "SRV"), instances(10), WIDE._replace(bytes_max=bytes_max))
    assert len(message) <= bytes_max
    assert len(texts(message)) <= 10


def test_names_are_written_in_full_without_compression() -> None:
    asked, answer = question("web.service.consul"), Answer(result=Result.FOUND, answers=(address(1), address(2)))
    full = render(asked, answer, WIDE._replace(compress=False))
    assert len(full) - len(render(asked, answer, WIDE)) == 2 * (20 - 2)
    assert texts(full) == ["web.service.consul. 0 IN A 10.0.0.1", "web.service.consul. 0 IN A 10.0.0.2"]


def test_an_srv_target_is_written_in_full_and_pointed_to() -> None:
    message = render(question("web.service.consul", "SRV"), instances(1), WIDE)
    assert message.count(b"\x06node-0\x04node\x03dc1\x06consul\x00") == 1
    assert message.count(b"\x06node-0") == 1


def test_a_refusal_is_a_header() -> None:
    assert render_refusal(Refusal(0x7900 | 0x0085, 4, "")) == bytes.fromhex("0000f9040000000000000000")
    assert render_refusal(Refusal(0x0110, 1, "")) == bytes.fromhex("000081110000000000000000")
    assert render_refusal(Refusal(0, None, "")) is None


def test_a_refusal_has_the_question_that_was_read() -> None:
    wire = question("web.service.consul").wire
    assert render_refusal(Refusal(0x0100, 1, "", wire)) == bytes.fromhex("000081010001000000000000") + wire


@given(
    count=st.integers(0, 60),
    payload=st.none() | st.integers(0, 65535),
    is_udp=st.booleans(),
    compress=st.booleans(),
    kind=st.sampled_from(["A", "SRV"]),
)
def test_a_message_is_whole_and_within_what_the_client_takes(
    count: int, payload: int | None, is_udp: bool, compress: bool, kind: str
) -> None:
    settings = DnsSettings(disable_compression=not compress)
    asked = question("web.service.consul", kind, payload=payload)
    limits = limits_for(asked, settings, is_udp=is_udp)
    message = render(asked, instances(count), limits)
    assert len(message) <= limits.bytes_max
    assert text(message).question[0].to_text() == f"web.service.consul. IN {kind}"
    given_count = len(texts(message))
    assert given_count <= limits.answers_max
    assert bool(given_count) is bool(count)
