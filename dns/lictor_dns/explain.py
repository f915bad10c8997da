"""Why a question is answered as it is. Pure: it is answered as ever, and then asked what would be otherwise.

Which instances are in an answer is not worked out a second time: each is shown to `resolve` as if it were the only one
of its service, and what comes of that is looked for in the answer. Reasons are sought after that.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import dnslib
import msgspec

from lictor_core.clock import SeededRng
from lictor_core.explanations import DnsDependency, DnsExplanation, DnsInstance
from lictor_core.records import ServiceHealth
from lictor_core.registry import CatalogView
from lictor_dns.answer import Answer, Record, RecordType, Result
from lictor_dns.asked import Asked, type_text
from lictor_dns.names import Miss, Name, NodeName, QueryName, ReverseName, ServiceName, VirtualName, parse_name, text_of
from lictor_dns.noting import Noted, noting, showing_one
from lictor_dns.outside import Outside
from lictor_dns.protocol import HEADER, HEADER_BYTES, MESSAGE_BYTES_MAX, Flag
from lictor_dns.question import Question
from lictor_dns.reading import reading
from lictor_dns.render import Limits, limits_for, render
from lictor_dns.resolve import resolve
from lictor_dns.settings import DnsSettings
from lictor_dns.shaping import Shaped, left_out_by, shaping
from lictor_dns.verdicts import Case, verdict

__all__ = ["INSTANCES_MAX", "Explaining", "explain"]

INSTANCES_MAX: Final = 1024
"""Instances of one service that are explained; each costs about as much as an answer."""
_SEED: Final = 1


class _Reply(NamedTuple):
    """A reply as it would be sent, with how many records of each section it has."""

    message: bytes
    flags: int
    answers: int
    authority: int
    additional: int

    @property
    def code(self) -> int:
        return self.flags & Flag.CODE

    @property
    def is_truncated(self) -> bool:
        return bool(self.flags & Flag.TRUNCATED)


def explain(
    view: CatalogView, asked: Asked, settings: DnsSettings, *, now: float, recursion: Outside | None = None
) -> DnsExplanation:
    """How `asked` is answered now (seconds since 1970), and why. Raises `ColdViewError` as `resolve` does."""
    explaining = Explaining(view, asked, settings, now=now, recursion=recursion)
    while explaining.go_on(INSTANCES_MAX):
        pass
    return explaining.result()


class Explaining:
    """An explanation under way: after the answer, which is made at once, instances are judged as many as one likes."""

    def __init__(
        self, view: CatalogView, asked: Asked, settings: DnsSettings, *, now: float, recursion: Outside | None = None
    ) -> None:
        """Raises `ColdViewError` as `resolve` does, and so does `go_on`."""
        self._asked, self._settings, self._age_s = asked, settings, view.age_s
        self._noted = noted = Noted()
        self._case = case = _Case(view, asked, settings, now, noted, recursion)
        self._answer = answer = case.answer(noting(view, noted), settings, case.limits.records_max)
        self._reply = reply = _reply(asked.question, answer, case.limits)
        whole = case.answer(view, msgspec.structs.replace(settings, a_record_limit=0, only_passing=False))
        within = case.answer(view, settings)
        shaped = Shaped(answer, whole, within, reply.answers, reply.additional, reply.is_truncated)
        self._found = shaping(shaped, asked, settings, case.limits, self._age_s)
        self._given = frozenset((*answer.answers[: reply.answers], *answer.authority[: reply.authority]))
        self._whole = frozenset(whole.answers)
        self._depends_on = [
            DnsDependency(name=f"{topic.kind}:{topic.name}".rstrip(":"), index=view.wake_index((topic,)))
            for topic in answer.topics
        ]
        self._left = list(reversed(noted.instances[:INSTANCES_MAX]))
        self._instances: list[DnsInstance] = []

    def go_on(self, count: int) -> bool:
        """Judge `count` more instances; whether there are others."""
        question = self._asked.question
        any_type = question._replace(type=RecordType.ANY)
        for _ in range(min(count, len(self._left))):
            instance = self._left.pop()
            records = self._case.alone(instance, question)
            has_others = bool(records or self._case.alone(instance, any_type))
            left_out = left_out_by(self._found)
            case = Case(question, self._settings, records, has_others, self._given, self._whole, left_out)
            self._instances.append(verdict(instance, case))
        return bool(self._left)

    def result(self, *, fetched: int = 0) -> DnsExplanation:
        """What came of it, instances that were given first; `fetched` is told as it is."""
        asked, reply, zone = self._asked, self._reply, self._settings.zone()
        name = parse_name(asked.question.labels, zone, is_srv=asked.question.type == RecordType.SRV)
        kind, text = reading(name, zone, asked.question.type)
        record = dnslib.DNSRecord.parse(reply.message)
        is_ours = self._answer.result is not Result.ELSEWHERE
        return DnsExplanation(
            name=f"{text_of(asked.question.labels)}.",
            type=type_text(asked.question.type),
            transport="UDP" if asked.is_udp else "TCP",
            bytes_max=self._case.limits.bytes_max,
            kind=kind,
            reading=text,
            code=dnslib.RCODE.forward.get(reply.code, str(reply.code)) if is_ours else "",
            reason=self._reason(name),
            truncated=reply.is_truncated,
            bytes=len(reply.message) if is_ours else 0,
            answers=_texts(record.rr),
            authority=_texts(record.auth),
            additional=_texts(record.ar),
            instances=sorted(self._instances, key=lambda one: not one.given),
            instances_more=max(0, len(self._noted.instances) - INSTANCES_MAX),
            settings=self._found,
            depends_on=self._depends_on,
            age_s=None if self._age_s == float("inf") else self._age_s,
            age_s_max=self._settings.age_s_max,
            fetched=fetched,
        )

    def _reason(self, name: Name) -> str:
        match self._answer.result:
            case Result.FOUND:
                total = len(self._noted.instances)
                given = sum(one.given for one in self._instances) if total <= INSTANCES_MAX else self._reply.answers
                return f"{given} of {total} instances are given" if total else "the catalog has it"
            case Result.NO_DATA:
                return "such a name has nothing of this type"
            case Result.NOT_OFFERED:
                return "the zone is not handed out as a whole"
            case Result.REFUSED:
                return "other zones are not answered for"
            case Result.ELSEWHERE:
                return (
                    f"it is not ours to answer: {', '.join(self._settings.recursors)} is asked, and says what is given"
                )
            case Result.FAILED if self._age_s > self._settings.age_s_max:
                return "what this agent knows of the catalog is older than it may be, or has never come"
            case Result.FAILED if isinstance(name, QueryName):
                return "the prepared query cannot be carried out for this name"
            case Result.FAILED:
                return "nobody in the catalog has this address"
            case Result.NO_NAME:
                return _not_there(name, self._settings, self._noted)


class _Case:
    """One question under one catalog and settings, to be answered over and over."""

    def __init__(
        self,
        view: CatalogView,
        asked: Asked,
        settings: DnsSettings,
        now: float,
        noted: Noted,
        recursion: Outside | None,
    ) -> None:
        self._recursion = recursion
        self.view = view
        self.question = asked.question
        self.settings = settings
        self.limits = limits_for(asked.question, settings, is_udp=asked.is_udp)
        self.noted = noted
        self._now = now

    def answer(
        self,
        view: CatalogView,
        settings: DnsSettings,
        records_max: int = MESSAGE_BYTES_MAX,
        question: Question | None = None,
    ) -> Answer:
        return resolve(
            view,
            question or self.question,
            settings,
            now=self._now,
            rng=SeededRng(_SEED),
            turn=0,
            records_max=records_max,
            recursion=self._recursion,
        )

    def alone(self, instance: ServiceHealth, question: Question) -> list[Record]:
        """What `instance` would be in an answer of its own."""
        answer = self.answer(showing_one(self.view, self.noted, instance), self.settings, question=question)
        return [one for one in (*answer.answers, *answer.authority) if one.type is not RecordType.SOA]


def _reply(question: Question, answer: Answer, limits: Limits) -> _Reply:
    message = render(question, answer, limits)
    assert len(message) >= HEADER_BYTES, "a reply has a header"
    _, flags, _, answers, authority, additional = HEADER.unpack_from(message)
    has_edns = question.edns is not None and answer.result is not Result.REFUSED
    return _Reply(message, flags, answers, authority, additional - has_edns)


def _texts(records: list[dnslib.RR]) -> list[str]:
    return [
        f"{record.rname} {record.ttl} IN {type_text(record.rtype)} {record.rdata.toZone()}"
        for record in records
        if record.rtype != RecordType.OPT
    ]


def _not_there(name: Name, settings: DnsSettings, noted: Noted) -> str:
    own = settings.zone().datacenter
    match name:
        case Miss():
            return "no such name can be"
        case ServiceName() | NodeName() | QueryName() | VirtualName() if name.datacenter != own:
            return f"{name.datacenter} is not this agent's datacenter, {own}, and no other is reached from here"
        case ServiceName() | QueryName() if noted.instances:
            return f"none of its {len(noted.instances)} instances can be given"
        case ServiceName(service):
            return f"the catalog has no instance of {service}"
        case VirtualName(service):
            return f"{service} has no virtual address: nothing leads to it through the mesh"
        case NodeName(node):
            return f"the catalog has no node {node}"
        case QueryName(query):
            return f"no prepared query has the name {query}, or its service has no instance"
        case ReverseName():
            return "nobody in the catalog has this address"
        case _:
            return "the catalog has no such thing"
