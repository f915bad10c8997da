"""Datagrams in the name of somebody else: answers that nobody asked for, and questions whose answers hit another."""

from __future__ import annotations

import ipaddress
import socket
import threading
from typing import Final

import dns.message
import dns.rrset

from lictor_dns.protocol import UDP_BYTES_MIN
from lictor_dns.render import UDP_BYTES_MAX
from tests.attackers.fortress import Fortress
from tests.attackers.kinds import Door
from tests.dns.asking import query

__all__ = ["amplified", "forged"]

_TRUE, _FORGED = "192.0.2.1", "203.0.113.66"
_WITHIN_S: Final = 20.0
_KINDS: Final = ("A", "AAAA", "SRV", "TXT", "ANY", "NS", "SOA", "PTR")
_AMPLIFIED_MAX: Final = 40.0
"""How much longer an answer over UDP may be than its question: UDP_BYTES_MAX over the shortest one with EDNS."""


def forged(fort: Fortress, door: Door) -> None:
    """A recursor is asked; answers come from elsewhere, with another id, to another question; then the true one."""
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as recursor,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as liar,
    ):
        recursor.bind(("127.0.0.1", fort.recursor))
        recursor.settimeout(_WITHIN_S)
        liar.bind(("127.0.0.1", 0))
        helper = threading.Thread(target=_answer, args=(recursor, liar))
        helper.start()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
            asking.settimeout(_WITHIN_S)
            asking.sendto(query("www.example.com", "A"), fort.place(door))
            heard = dns.message.from_wire(asking.recv(65_535))
        helper.join(_WITHIN_S)
    found = [line.split()[-1] for rows in heard.answer for line in str(rows).splitlines()]
    assert found == [_TRUE], f"a forged answer was believed: {found}"


def _answer(recursor: socket.socket, liar: socket.socket) -> None:
    data, asker = recursor.recvfrom(65_535)
    asked = dns.message.from_wire(data)
    liar.sendto(_reply(asked, _FORGED), asker)
    for lie in (_reply(asked, _FORGED, id=asked.id ^ 1), _reply(asked, _FORGED, name="www.example.net.")):
        recursor.sendto(lie, asker)
    recursor.sendto(_reply(asked, _TRUE), asker)


def _reply(asked: dns.message.Message, address: str, *, id: int | None = None, name: str = "") -> bytes:
    question = asked if not name else dns.message.make_query(name, "A", id=asked.id)
    reply = dns.message.make_response(question, recursion_available=True)
    reply.id = asked.id if id is None else id
    reply.answer.append(dns.rrset.from_text(question.question[0].name, 60, "IN", "A", address))
    return reply.to_wire()


def amplified(fort: Fortress, door: Door) -> None:
    """Whoever the questions name as their sender gets little more than was sent in their name."""
    assert ipaddress.ip_address(fort.host).is_loopback
    for name in ("consul.service.consul", "secret.service.consul", "consul", "1.0.0.127.in-addr.arpa"):
        for kind in _KINDS:
            for payload in (None, 512, 65_535):
                asked = query(name, kind, payload=payload)
                with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
                    asking.settimeout(_WITHIN_S)
                    asking.sendto(asked, fort.place(door))
                    heard = asking.recv(65_535)
                assert len(heard) <= (UDP_BYTES_MAX if payload == 65_535 else UDP_BYTES_MIN)
                assert len(heard) <= _AMPLIFIED_MAX * len(asked)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.settimeout(0.3)
        reflected = bytearray(query("consul.service.consul", "A"))
        reflected[2] |= 0x80  # a reply: two servers that answer replies would never end
        asking.sendto(reflected, fort.place(door))
        try:
            heard = asking.recv(65_535)
        except TimeoutError:
            heard = b""
    assert heard == b"", "a reply is answered"
