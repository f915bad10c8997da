"""Questions in bytes and answers in text, read by dnspython: another hand than the one that wrote them."""

from __future__ import annotations

import socket

import dns.flags
import dns.message
import pytest

from lictor_core.clock import SeededRng
from lictor_core.registry import CatalogView
from lictor_dns.answer import Answer
from lictor_dns.names import Labels, labels_of
from lictor_dns.question import Question, Refusal, parse
from lictor_dns.resolve import resolve
from lictor_dns.settings import DnsSettings

__all__ = ["IPV6", "NOW", "ask", "flags_of", "query", "question", "text", "texts"]


def _has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


IPV6 = pytest.mark.skipif(not _has_ipv6(), reason="needs IPv6 on loopback")
NOW = 1_767_225_600.0


def query(name: str, kind: str = "A", *, payload: int | None = None, id: int = 0x1234) -> bytes:
    """A query as a client sends it; with `payload` it has EDNS."""
    message = dns.message.make_query(name, kind, id=id)
    if payload is not None:
        message.use_edns(0, payload=payload)
    return message.to_wire()


def question(name: str, kind: str = "A", *, payload: int | None = None) -> Question:
    """The same, parsed."""
    parsed = parse(query(name, kind, payload=payload))
    assert not isinstance(parsed, Refusal)
    return parsed


def ask(
    view: CatalogView,
    name: str,
    kind: str = "A",
    settings: DnsSettings | None = None,
    *,
    turn: int = 0,
    now: float = NOW,
) -> Answer:
    """What `resolve` answers, with chance that repeats."""
    return resolve(
        view, question(name, kind), settings or DnsSettings(), now=now, rng=SeededRng(7), turn=turn, records_max=65535
    )


def text(message: bytes) -> dns.message.Message:
    """A reply, parsed. Fails when it is no whole DNS message."""
    return dns.message.from_wire(message, one_rr_per_rrset=True)


def texts(message: bytes, section: str = "answer") -> list[str]:
    """The records of a section, one text each, in order."""
    sections = {"answer": 1, "authority": 2, "additional": 3}
    return [str(record) for record in text(message).sections[sections[section]]]


def flags_of(message: bytes) -> set[str]:
    """The flags that are set, in capitals."""
    return set(dns.flags.to_text(text(message).flags).split())


def name(value: str) -> Labels:
    """Labels of a name that is one."""
    labels = labels_of(value)
    assert labels is not None
    return labels
