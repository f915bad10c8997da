"""Runs a DNS scenario against an agent and returns the exchanges in their normal form."""

import re
import socket
import struct
import time
from collections import Counter
from collections.abc import Mapping

import dns.exception
import dns.flags
import dns.message
import dns.opcode
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from tests.support.recorder.dns_scenario import DnsScenario, Question
from tests.support.recorder.http_runner import HttpRunner
from tests.support.recorder.json_types import Json
from tests.support.recorder.normal_form import NormalForm
from tests.support.recorder.scenario import Scenario, Step

UNORDERED = ("answer", "additional")
"""Sections whose records a server may send in any order: shuffling spreads the load."""

_ID = 0x1234
_PROBE_ID = 0x4321
_PROBE_PAYLOAD = 1232
_ANSWER_S_MAX = 5.0
_SILENCE_S = 0.1
_SETTLE_S_MAX = 10.0
_AGAIN_S = 0.02
_MESSAGE_BYTES_MAX = 65_535
_SENTINEL = "sentinel"
_OPTION = "option "
# The serial of Consul's SOA is the time in seconds.
_SOA_SERIAL = re.compile(r"( SOA \S+ \S+) \d+ ")


class DnsRunner:
    """One run of one DNS scenario. `broken_laws` names random choices that chose the same twice."""

    def __init__(self, ports: Mapping[str, int]) -> None:
        self._ports = ports
        self._address = ("127.0.0.1", ports["dns"])
        self._normal_form = NormalForm(ports)
        self._sentinel = _sentinel("consul")
        self.broken_laws: list[str] = []

    def run(self, scenario: DnsScenario) -> list[Json]:
        """Fill the agent, wait until its names are served, and ask. Raises `AssertionError` when filling fails."""
        setup = Scenario(scenario.area, scenario.about, (*scenario.setup, _sentinel_step()))
        for exchange in HttpRunner(self._ports).run(setup):
            assert isinstance(exchange, dict)
            response = exchange["response"]
            assert isinstance(response, dict)
            assert response["status"] == 200, f"{exchange['step']}: {response}"
        self._sentinel = _sentinel(str(scenario.config.get("domain", "consul")))
        self._wait_for_sentinel()
        return [self._exchange(question) for question in scenario.questions]

    def _wait_for_sentinel(self) -> None:
        deadline = time.monotonic() + _SETTLE_S_MAX
        while not _answers(self._ask(self._sentinel)):
            assert time.monotonic() < deadline, f"no answer for {self._sentinel.domain_name} within {_SETTLE_S_MAX} s"
            time.sleep(_AGAIN_S)

    def _ask(self, question: Question) -> bytes | None:
        wire = question.wire or _query(question).to_wire()
        if question.transport == "tcp":
            with socket.create_connection(self._address, _ANSWER_S_MAX) as stream:
                stream.sendall(struct.pack("!H", len(wire)) + wire)
                if question.wire:
                    # What gets no answer is seen at once by the server closing its side, too.
                    stream.shutdown(socket.SHUT_WR)
                return _framed(stream)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.connect(self._address)
            sender.send(wire)
            return self._answer_or_silence(sender) if question.wire else _received(sender, _ANSWER_S_MAX)

    def _answer_or_silence(self, sender: socket.socket) -> bytes | None:
        """The answer to a packet that may get none; None once a question sent after it is answered."""
        if (early := _received(sender, _SILENCE_S)) is not None:
            return early
        probe = _query(self._sentinel)
        probe.id = _PROBE_ID
        sender.send(probe.to_wire())
        answer = _received(sender, _ANSWER_S_MAX)
        return None if answer is None or answer[:2] == _PROBE_ID.to_bytes(2) else answer

    def _exchange(self, question: Question) -> Json:
        request: dict[str, Json] = {
            "name": question.domain_name,
            "type": question.kind,
            "transport": question.transport,
        }
        if question.wire:
            request = {"wire": question.wire.hex(), "transport": question.transport}
        if question.payload is not None:
            request["payload"] = question.payload
        if not question.recursion_desired:
            request["recursion_desired"] = False
        if question.domain_class != "IN":
            request["class"] = question.domain_class
        reply = self._ask(question)
        response: dict[str, Json] = {"answered": "with silence"} if reply is None else self._response(question, reply)
        return {"step": question.name, "request": request, "response": response}

    def _response(self, question: Question, reply: bytes) -> dict[str, Json]:
        header: dict[str, Json] = {"bytes": len(reply)}
        if _choice(question) is None:
            header["wire"] = reply.hex()
        try:
            message = dns.message.from_wire(reply, one_rr_per_rrset=True)
        except dns.exception.DNSException as error:
            return {"unreadable": type(error).__name__, **header}
        sections = {
            "question": [f"{one.name} {_class(one)} {_kind(one)}" for one in message.question],
            "answer": self._records(question, message.answer),
            "authority": self._records(question, message.authority),
            "additional": self._records(question, message.additional),
        }
        return {
            "rcode": dns.rcode.to_text(message.rcode()),
            "opcode": dns.opcode.to_text(message.opcode()),
            "flags": [flag.lower() for flag in dns.flags.to_text(message.flags).split()],
            "same_id": message.id == _ID,
            "edns": _edns(message) if message.edns >= 0 else None,
            **{name: list[Json](records) for name, records in sections.items()},
            **header,
        }

    def _records(self, question: Question, rrsets: list[dns.rrset.RRset]) -> list[str]:
        texts = [line for rrset in rrsets for line in rrset.to_text().split("\n")]
        choice = _choice(question)
        if choice is None:
            return [self._record(text) for text in texts]
        chosen = Counter(one for text in texts for one in choice.findall(text))
        if twice := [one for one, count in chosen.items() if count > 1]:
            self.broken_laws.append(f"{question.name}: of many were chosen twice: {twice}")
        counts = Counter(self._record(choice.sub("<one of many>", text)) for text in texts)
        return [record if count == 1 else f"{count} times {record}" for record, count in counts.items()]

    def _record(self, text: str) -> str:
        return self._normal_form.text(_SOA_SERIAL.sub(r"\1 <serial> ", text))


def _sentinel(domain: str) -> Question:
    """Asks for what was registered last, with room, so that no limit of small answers is in the way."""
    return Question("", f"{_SENTINEL}.service.{domain}", payload=_PROBE_PAYLOAD)


def _choice(question: Question) -> re.Pattern[str] | None:
    """What a server may choose from; None where it has no choice."""
    pattern = question.any_like or "|".join(map(re.escape, question.any_of))
    return re.compile(pattern) if pattern else None


def _received(sender: socket.socket, seconds: float) -> bytes | None:
    sender.settimeout(seconds)
    try:
        return sender.recv(_MESSAGE_BYTES_MAX)
    except TimeoutError:
        return None


def _query(question: Question) -> dns.message.QueryMessage:
    query = dns.message.make_query(
        question.domain_name,
        dns.rdatatype.from_text(question.kind),
        dns.rdataclass.from_text(question.domain_class),
        use_edns=False if question.payload is None else 0,
        payload=question.payload or 0,
    )
    query.id = _ID
    if not question.recursion_desired:
        query.flags &= ~dns.flags.RD
    return query


def _answers(reply: bytes | None) -> bool:
    return reply is not None and bool(dns.message.from_wire(reply).answer)


def _framed(stream: socket.socket) -> bytes | None:
    """The message behind a length of two bytes (RFC 1035 section 4.2.2); None when the stream ends before."""
    content = b""
    while len(content) < 2 or len(content) < 2 + int.from_bytes(content[:2]):
        try:
            received = stream.recv(_MESSAGE_BYTES_MAX)
        except (TimeoutError, ConnectionResetError):
            return None
        if not received:
            return None
        content += received
    return content[2:]


def _sentinel_step() -> Step:
    body: dict[str, Json] = {"Node": _SENTINEL, "Address": "192.0.2.250", "Service": {"Service": _SENTINEL}}
    return Step("the last registration", "PUT", "/v1/catalog/register", body)


def _edns(message: dns.message.Message) -> dict[str, Json]:
    """What the OPT record says; flags and options only where there are any."""
    said: dict[str, Json] = {"version": message.edns, "payload": int(message.payload)}
    if message.ednsflags:
        said["flags"] = f"{message.ednsflags:08x}"
    lines = message.to_text().splitlines()
    if options := [line.removeprefix(_OPTION) for line in lines if line.startswith(_OPTION)]:
        said["options"] = list[Json](options)
    return said


def _class(rrset: dns.rrset.RRset) -> str:
    return dns.rdataclass.to_text(rrset.rdclass)


def _kind(rrset: dns.rrset.RRset) -> str:
    return dns.rdatatype.to_text(rrset.rdtype)
